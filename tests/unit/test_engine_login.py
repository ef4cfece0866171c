"""The reader's logins to registries: a missing, failing or hanging credential helper does not stop anything."""

import base64
import json
import shutil
import time
from io import BytesIO
from pathlib import Path

import pytest

from workbook.base.errors import WorkbookError
from workbook.cluster.choose import Settings
from workbook.cluster.existing import Existing
from workbook.engine import find, login
from workbook.engine.build import base
from workbook.machine import checks
from workbook.machine.findings import Facts

HUB = "https://index.docker.io/v1/"
ANSWER = """echo '{"ServerURL": "x", "Username": "reader", "Secret": "pass"}'"""
NONE = "echo credentials not found in native keychain; exit 1"


@pytest.fixture
def configured(docker_engine, home, monkeypatch):
    """A function that writes the reader's Docker configuration, and returns an engine that can pull images."""
    monkeypatch.setattr(login, "PATIENCE", 1)
    docker_engine.answers |= {
        "GET /images/.*/json": (404, "No such image"),
        "POST /images/create": [{"status": "done"}],
    }
    docker_engine.answers |= {"GET /distribution/.*": {"Descriptor": {}}, "POST /build": [], "POST /volumes/create": {}}

    def write(config):
        (home / "docker").mkdir(exist_ok=True)
        (home / "docker/config.json").write_text(
            config if isinstance(config, str) else json.dumps(config), encoding="utf-8"
        )

    return write


def sent(docker_engine, what="POST /images/create", header="X-Registry-Auth"):
    """The login in the last request of this type to the engine; None if there was none."""
    value = docker_engine.asked(what)[-1].headers.get(header)
    return json.loads(base64.urlsafe_b64decode(value)) if value else None


BROKEN = {
    "missing": None,
    "fails": "echo 'A specified logon session does not exist.'; exit 1",
    "hangs": "sleep 60",
    "hangs with a child that keeps the output open": "sleep 60 & sleep 60",
    "prints no JSON": "echo Starting Docker Desktop ...",
    "prints no login": "echo '{}'",
    "is no program": "\x7fELF damaged",
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_helper_stops_no_pull(configured, docker_engine, program, how):
    configured({"credsStore": "desktop"})
    if script := BROKEN[how]:
        program("docker-credential-desktop", script)
        if how == "is no program":
            Path(shutil.which("docker-credential-desktop")).write_text(script, encoding="utf-8")
    begun = time.monotonic()
    assert base(find.ensure_engine(), "python") == "python:3.13-slim"
    assert time.monotonic() - begun < 30
    assert sent(docker_engine) is None


@pytest.mark.parametrize("script", ["sleep 60", "exit 1"])
def test_a_broken_helper_stops_no_other_question_to_the_engine(configured, docker_engine, program, home, script):
    configured({"credsStore": "slow"})
    program("docker-credential-slow", f'echo asked >> "{home}/asked"; {script}')
    engine = find.ensure_engine()
    begun = time.monotonic()
    engine.api.inspect_distribution("python:3.13-slim")
    list(engine.api.build(fileobj=BytesIO(b"files"), custom_context=True, decode=True))
    base(engine, "debian")
    assert time.monotonic() - begun < 30
    assert sent(docker_engine, "POST /build", "X-Registry-Config") is None
    assert (home / "asked").read_text(encoding="utf-8") == "asked\n", "a helper that has failed is asked once"


def test_a_helper_that_works_is_used(configured, docker_engine, program):
    configured({"credsStore": "good", "auths": {HUB: {}}})
    program("docker-credential-good", f'[ "$1" = get ] && [ "$(cat)" = {HUB} ] && {ANSWER}')
    base(find.ensure_engine(), "python")
    assert {key.lower(): value for key, value in sent(docker_engine).items()} == {
        "serveraddress": HUB,
        "username": "reader",
        "password": "pass",
    }


def test_a_token_is_used_as_one(configured, docker_engine, program):
    configured({"credHelpers": {HUB: "token"}})
    program("docker-credential-token", ANSWER.replace("reader", "<token>"))
    base(find.ensure_engine(), "python")
    assert sent(docker_engine)["IdentityToken"] == "pass"


def test_a_helper_without_a_login_leaves_that_of_the_file(configured, docker_engine, program):
    configured({"credsStore": "empty", "auths": {HUB: {"auth": base64.b64encode(b"reader:pass").decode()}}})
    program("docker-credential-empty", NONE)
    base(find.ensure_engine(), "python")
    assert (sent(docker_engine)["username"], sent(docker_engine)["password"]) == ("reader", "pass")


def test_the_helper_of_another_registry_is_not_asked(configured, docker_engine, program, home):
    configured({"credHelpers": {"registry.example": "other"}})
    program("docker-credential-other", f'touch "{home}/asked"; exit 1')
    base(find.ensure_engine(), "python")
    assert not (home / "asked").exists()


@pytest.mark.parametrize(
    "config",
    [
        '{"auths": {"https://index.docker.io/v1/": "text"}}',
        '{"auths": {"https://index.docker.io/v1/": {"auth": "not base64!"}}}',
        '{"proxies": null}',
        "[]",
    ],
)
def test_a_damaged_configuration_is_named(configured, home, config):
    configured(config)
    with pytest.raises(WorkbookError, match=r"configuration(.|\n)*config.json") as failed:
        find.ensure_engine()
    assert "Correct" in failed.value.fix


@pytest.mark.parametrize("script", [None, "echo locked; exit 1", "sleep 60"])
def test_a_push_that_needs_a_login_names_the_broken_helper(configured, docker_engine, program, home, script):
    configured({"credsStore": "desktop"})
    if script:
        program("docker-credential-desktop", script)
    docker_engine.answers["GET /images/.*/json"] = {"Id": "sha256:1"}
    docker_engine.answers |= {"POST /images/.*/tag": {}, "DELETE /images/.*": []}
    docker_engine.answers["GET /distribution/.*"] = (404, "manifest unknown")
    docker_engine.answers["POST /images/.*/push"] = [{"error": "unauthorized: authentication required"}]
    cluster = Existing(Settings("test", home, context="cloud", registry="registry.example/team"))
    begun = time.monotonic()
    with pytest.raises(
        WorkbookError,
        match=r"could not push registry\.example/team/web-app:1\.0: unauthorized(.|\n)*docker-credential-desktop",
    ) as failed:
        cluster.load("web-app:1.0")
    assert "docker login registry.example" in failed.value.fix
    assert time.monotonic() - begun < 30


@pytest.mark.parametrize(
    "problem",
    [
        "writing blob: uploading layer chunked: received unexpected HTTP status: 500 Internal Server Error",
        "unknown: write /var/lib/registry/data: no space left on device",
    ],
)
def test_a_registry_without_space_is_named_and_the_login_is_not(configured, docker_engine, home, problem):
    configured({})
    docker_engine.answers["GET /images/.*/json"] = {"Id": "sha256:1"}
    docker_engine.answers |= {"POST /images/.*/tag": {}, "DELETE /images/.*": []}
    docker_engine.answers["POST /images/.*/push"] = [{"error": problem}]
    cluster = Existing(Settings("test", home, context="cloud", registry="registry.example/team"))
    with pytest.raises(WorkbookError, match=r"could not store registry\.example/team/web-app:1\.0: .* full") as failed:
        cluster.load("web-app:1.0")
    assert failed.value.why == problem
    assert "tell your instructor" in failed.value.fix and "docker login" not in failed.value.fix


def test_a_push_that_needs_no_login_goes_on(configured, docker_engine, home):
    configured({"credsStore": "desktop"})
    docker_engine.answers["GET /images/.*/json"] = {"Id": "sha256:1"}
    docker_engine.answers |= {"POST /images/.*/tag": {}, "DELETE /images/.*": []}
    docker_engine.answers["GET /distribution/.*"] = (404, "manifest unknown")
    docker_engine.answers["POST /images/.*/push"] = [{"status": "Pushed"}]
    (home / "clusters").mkdir()
    Existing(Settings("test", home / "clusters", context="cloud", registry="localhost:5000")).load("web-app:1.0")
    assert len(docker_engine.asked("POST /images/.*/push")) == 1


# ---- the doctor ----


def finding(**facts):
    return next(checks.findings(["registry login"], Facts(engine=find.reach_engine(4), **facts)), None)


@pytest.mark.parametrize(
    ("script", "found"),
    [(None, "not installed"), ("echo locked; exit 1", "locked"), ("sleep 60", "did not answer")],
)
def test_the_doctor_names_a_broken_helper(configured, program, script, found):
    configured({"credsStore": "desktop"})
    if script:
        program("docker-credential-desktop", script)
    result = finding()
    assert result.ok is None, "public images need no login"
    assert result.found.startswith("docker-credential-desktop") and found in result.found
    assert "credsStore" in result.fix and "config.json" in result.fix


@pytest.mark.parametrize("config", [{}, {"credsStore": "good"}, {"credHelpers": {"registry.example": "missing"}}])
def test_the_doctor_finds_nothing_where_logins_work(configured, program, config):
    configured(config)
    program("docker-credential-good", ANSWER)
    assert finding() is None


def test_the_registry_of_an_existing_cluster_is_looked_at(configured, monkeypatch):
    for name, value in {"CLUSTER": "existing", "REGISTRY": "registry.example:5000"}.items():
        monkeypatch.setenv(f"WORKBOOK_{name}", value)
    configured({"credHelpers": {"registry.example:5000": "gone"}})
    assert finding().found.startswith("docker-credential-gone")
