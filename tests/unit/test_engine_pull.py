"""Pulling an image: the message for a registry's refusal, and the fix."""

import pytest

from workbook.base.errors import WorkbookError
from workbook.cluster.choose import Settings
from workbook.cluster.kind import Kind
from workbook.engine import build, find
from workbook.machine import supplies

IMAGE = "python:3.13-slim"
HOST = "https://registry-1.docker.io/v2/"
REFUSALS = {
    "toomanyrequests: You have reached your unauthenticated pull rate limit. https://www.docker.com/increase-rate-limit": (
        "limits pulls",
        "docker login",
    ),
    f"failed to copy: httpReadSeeker: unexpected status code {HOST}library/python: 429 Too Many Requests": (
        "limits pulls",
        "mirror",
    ),
    "pull access denied for python, repository does not exist or may require 'docker login': denied: requested access": (
        "denies access",
        "docker login",
    ),
    f"unexpected status from HEAD request to {HOST}library/python/manifests/3.13-slim: 403 Forbidden": (
        "denies access",
        "mirror",
    ),
    "error parsing HTTP 403 response body: invalid character '<' looking for beginning of value: \"<html>\"": (
        "denies access",
        "bundle",
    ),
    f"Get {HOST}: unauthorized: incorrect username or password": ("login", "docker logout"),
    f"failed to authorize: failed to fetch anonymous token: unexpected status from GET request to {HOST}: 401 Unauthorized": (
        "login",
        "docker login",
    ),
    "denied": ("denies access", "docker login"),  # what Docker 20.10 makes of a registry's 403
    f'Head "{HOST}library/python/manifests/3.13-slim": no basic auth credentials': ("login", "docker login"),
    "dial tcp 192.0.2.1:443: connect: permission denied": ("unexpected error", "again"),  # a firewall of this machine
    "manifest for python:3.13-slim not found: manifest unknown: manifest unknown": ("does not have", "mirror"),
    "no matching manifest for linux/riscv64 in the manifest list entries": ("does not have", "mirror"),
    f"Get {HOST}: tls: failed to verify certificate: x509: certificate signed by unknown authority": (
        "certificate",
        "trust",
    ),
    f"Get {HOST}: x509: certificate has expired or is not yet valid: current time 2020-01-01": ("certificate", "clock"),
    "received unexpected HTTP status: 503 Service Unavailable": ("503 Service Unavailable", "again"),
}
SILENCE = [
    f"Get {HOST}: dial tcp: lookup registry-1.docker.io on 192.0.2.1:53: no such host",
    f"Get {HOST}: net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)",
    f"Get {HOST}: context deadline exceeded",
    f"Get {HOST}: dial tcp 192.0.2.1:443: connect: connection refused",
    f"Get {HOST}: proxyconnect tcp: dial tcp 127.0.0.1:3128: connect: connection refused",
    f"Get {HOST}: net/http: TLS handshake timeout",
    f"Get {HOST}: EOF",
]


@pytest.fixture
def engine(docker_engine):
    """An engine that has no images and cannot make them, and a function that sets its answer to a pull."""
    docker_engine.answers |= {"GET /images/.*/json": (404, "No such image"), "POST /volumes/create": {}}

    def answers(message, *, streamed=True):
        pulled = [{"status": "Pulling"}, {"error": message}] if streamed else (500, message)
        docker_engine.answers |= {"POST /images/create": pulled, "GET /distribution/.*": (403, message)}
        return find.ensure_engine()

    return answers


@pytest.fixture
def made(monkeypatch):
    """Base images are made immediately."""
    monkeypatch.setattr(build.node, "base_image", lambda engine, purpose: f"made-{purpose}")


@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "at once"])
@pytest.mark.parametrize("message", REFUSALS)
def test_the_registrys_reason_and_what_helps_are_shown(engine, made, capsys, message, streamed):
    reason, fix = REFUSALS[message]
    assert build.base(engine(message, streamed=streamed), "python") == "made-python"
    line = capsys.readouterr().out.splitlines()[-1]
    assert reason in line and fix in line and "making a base image from packages instead" in line
    assert message.split(":")[0] in line, "the registry's own words"
    assert "no registry answers" not in line


@pytest.mark.parametrize("message", SILENCE)
def test_no_registry_answers(engine, made, capsys, message):
    build.base(engine(message), "python")
    assert (
        f"✓ Pull {IMAGE}: no registry answers; making a base image from packages instead (" in capsys.readouterr().out
    )


def test_a_password_in_the_address_of_a_mirror_is_not_shown(engine, made, capsys):
    build.base(engine("Get https://reader:secret@mirror.example/v2/: 403 Forbidden"), "python")
    printed = capsys.readouterr().out
    assert "mirror.example" in printed and "secret" not in printed


def test_a_page_of_html_is_cut(engine, made, capsys):
    build.base(engine('error parsing HTTP 403 response body: "<html>' + "x" * 5000), "python")
    assert max(map(len, capsys.readouterr().out.splitlines())) < 500


def failing(*_):
    raise WorkbookError("No image can be pulled, and images can only be built on Debian.", fix="Copy the images.")


@pytest.mark.parametrize("what", ["base image", "node image"])
def test_what_happens_instead_fails_too(engine, home, monkeypatch, what):
    """Only the advice of `make` would be wrong: the registry answered."""
    monkeypatch.setattr(build.node, "base_image", failing)
    monkeypatch.setattr(build.node, "node_image", failing)
    client = engine(next(iter(REFUSALS)))
    with pytest.raises(WorkbookError) as failed:
        if what == "base image":
            build.base(client, "python")
        else:
            cluster = Kind(Settings("test", home))
            cluster.__dict__["engine"] = client
            cluster.node_image()
    error = failed.value
    assert "only be built on Debian" in error.what and "Copy the images." in error.fix
    assert "toomanyrequests" in error.why and "docker login" in error.fix


def test_the_doctor_says_why_a_registry_refuses(engine):
    assert "toomanyrequests" in supplies.registry_problem(engine(next(iter(REFUSALS))))


def test_the_doctor_says_that_no_registry_answers(engine):
    assert supplies.registry_problem(engine(SILENCE[0])) == "no registry answers"


def test_the_doctor_finds_a_registry_that_answers(engine, docker_engine):
    client = engine("")
    docker_engine.answers["GET /distribution/.*"] = {"Descriptor": {}}
    assert supplies.registry_problem(client) == ""
