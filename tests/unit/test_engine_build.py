"""Building an image: the requests to the engine, and the error for a failed build."""

import io
import json
import os
import socket
import tarfile

import pytest

from tests import docker_api
from workbook.base.errors import WorkbookError
from workbook.engine import catalog, find
from workbook.engine.build import build_image
from workbook.engine.proxies import PROXIES, proxies

IMAGE = "web-app:1.0"
STEP = {"stream": "Step 4/9 : RUN pip install -r requirements.txt\n"}
FAILED = {"error": "The command '/bin/sh -c pip install' returned a non-zero code: 1", "errorDetail": {"code": 1}}
NO_BRIDGE = (
    "failed to create endpoint zen_bell on network bridge: adding interface veth1 to bridge docker0 failed:"
    " could not find bridge docker0: route ip+net: no such network interface"
)


@pytest.fixture
def app(tmp_path, monkeypatch):
    """The folder with an image's source, in place of app/."""
    folder = tmp_path / "app" / "webapp"
    (folder / "v1").mkdir(parents=True)
    (folder / "Dockerfile").write_text("ARG BASE\nFROM ${BASE}\nCOPY v1 .\n", encoding="utf-8")
    (folder / "v1/app.py").write_text("print('here')\n", encoding="utf-8")
    (tmp_path / "app/images.toml").write_text(
        f'["{IMAGE}"]\ncontext = "webapp"\nbases = {{ BASE = "python" }}\n', encoding="utf-8"
    )
    monkeypatch.setattr(catalog, "APP", tmp_path / "app")
    return folder


@pytest.fixture
def build(docker_engine, app, monkeypatch):
    """A function that builds the image in an engine that answers with these messages; it returns the requests."""
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)

    def build(*messages, status=200):
        docker_engine.answers["POST /build"] = (status, messages[0] if status >= 400 else list(messages))
        build_image(find.ensure_engine(), IMAGE, log=False)
        return docker_engine.asked("POST /build")[-1]

    return build


def failure(build, *messages, status=200):
    with pytest.raises(WorkbookError) as failed:
        build(*messages, status=status)
    return failed.value


# ---- proxies ----


def sent_proxies(request):
    return {name: value for name, value in json.loads(request.query["buildargs"]).items() if "proxy" in name.lower()}


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:3128",
        "http://127.8.9.1:3128",
        "http://localhost:3128/",
        "http://reader:secret@localhost:3128",
        "http://[::1]:3128",
        "127.0.0.1:3128",
        "localhost:3128",
        "http://0.0.0.0:3128",
        "socks5h://127.0.0.1:1080",
        "http://[::ffff:127.0.0.1]:3128",
    ],
)
def test_a_proxy_on_the_loopback_is_not_for_a_build(build, monkeypatch, address):
    monkeypatch.setenv("HTTPS_PROXY", address)
    monkeypatch.setenv("http_proxy", "http://192.0.2.1:3128")
    assert sent_proxies(build()) == {"http_proxy": "http://192.0.2.1:3128"}


def test_a_name_that_resolves_to_the_loopback_counts_too(build, monkeypatch):
    addresses = {"corporate": "127.0.1.1", "far": "192.0.2.7"}
    resolve = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *rest: resolve(addresses.get(host, host), *rest))
    monkeypatch.setenv("HTTPS_PROXY", "http://corporate:3128")
    monkeypatch.setenv("HTTP_PROXY", "http://far:3128")
    assert sent_proxies(build()) == {"HTTP_PROXY": "http://far:3128"}


def test_the_proxies_of_the_docker_client_are_looked_at_as_well(build, home):
    config = {"proxies": {"default": {"httpProxy": "http://127.0.0.1:3128", "httpsProxy": "http://192.0.2.1:3128"}}}
    (home / "docker").mkdir()
    (home / "docker/config.json").write_text(json.dumps(config), encoding="utf-8")
    assert sent_proxies(build()) == dict.fromkeys(["https_proxy", "HTTPS_PROXY"], "http://192.0.2.1:3128")


def test_neither_are_they_for_a_container(docker_engine, home, monkeypatch):
    """For example the container that downloads the packages for a bundle."""
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("https_proxy", "http://localhost:3128")
    (home / "docker").mkdir()
    config = {"proxies": {"default": {"httpProxy": "http://127.0.0.1:3128", "noProxy": "localhost"}}}
    (home / "docker/config.json").write_text(json.dumps(config), encoding="utf-8")
    docker_engine.answers |= {"POST /containers/create": {"Id": "c"}, "GET /containers/c/json": {"Id": "c"}}
    find.ensure_engine().containers.create("python:3.13-slim", "pip", environment=proxies())
    (created,) = docker_engine.asked("POST /containers/create")
    assert sorted(json.loads(created.body)["Env"]) == ["NO_PROXY=localhost", "no_proxy=localhost"]


# ---- failures ----


@pytest.mark.parametrize(
    "line",
    [
        "WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError: Connection refused'",
        "Temporary failure in name resolution",
        "E: Unable to connect to deb.debian.org:80: [IP: 192.0.2.1 80] Network is unreachable",
        "urllib3.exceptions.ReadTimeoutError: Read timed out.",
        "curl: (6) Could not resolve host: pypi.org",
        "SSLError(SSLCertVerificationError(1, 'CERTIFICATE_VERIFY_FAILED'))",
        "ProxyError('Cannot connect to proxy.', OSError('Tunnel connection failed: 407 Proxy Authentication Required'))",
        "npm error request to https://registry.npmjs.org/x failed, reason: getaddrinfo EAI_AGAIN registry.npmjs.org",
        "npm error network This is a problem related to network connectivity.",
    ],
)
def test_a_network_failure_in_a_build_is_reported_as_one(build, line):
    end = {"stream": "ERROR: No matching distribution found for flask==3.1.2\n"}
    error = failure(build, STEP, {"stream": f"{line}\n"}, end, FAILED)
    assert "could not download" in error.what and "non-zero code: 1" in error.why and line in error.why
    assert "network" in error.fix and "Dockerfile" not in error.fix


def test_a_proxy_that_was_left_out_is_named_without_its_password(build, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://reader:secret@127.0.0.1:3128")
    error = failure(build, STEP, {"stream": "Connection refused\n"}, FAILED)
    assert "HTTPS_PROXY" in error.fix and "loopback" in error.fix and "secret" not in str(error)


def printed(text):
    """The messages of a builder that prints these lines."""
    return [{"stream": line} for line in text.splitlines(keepends=True)]


@pytest.mark.parametrize(
    "log",
    [
        """
Step 3/9 : RUN wget || true
Connection refused
Step 4/9 : RUN pip install
SyntaxError
""",
        """
[1/2] STEP 3/3: RUN wget || true
Connection refused
[2/2] STEP 4/9: RUN pip install
SyntaxError
""",
        """
#6 [1/2] RUN wget || true
#6 0.2 Connection refused
#6 DONE 0.2s
#7 [2/2] COPY v9 .
""",
        """
#7 [a 1/2] RUN pip install
#6 [b 1/2] RUN wget
#6 0.2 Connection refused
#6 CANCELED
#7 0.3 SyntaxError
#7 ERROR: process "/bin/sh -c pip install" did not complete successfully: exit code: 1
""",
    ],
    ids=["docker", "podman", "buildkit", "buildkit, two stages"],
)
def test_another_step_does_not_make_a_failure_one_of_the_network(build, log):
    error = failure(build, *printed(log), FAILED)
    assert "Correct app/webapp/Dockerfile" in error.fix


def test_a_network_failure_in_one_of_the_steps_that_run_at_the_same_time(build):
    log = """
#6 [b 1/2] RUN pip install
#6 0.2 Connection refused
#7 [a 1/2] RUN make
#7 CANCELED
#6 ERROR: process "/bin/sh -c pip install" did not complete successfully: exit code: 1
------
 > [b 1/2] RUN pip install
"""
    assert "could not download" in failure(build, *printed(log), FAILED).what


@pytest.mark.parametrize(
    "message",
    [
        NO_BRIDGE,
        "failed to set up container networking: iptables failed: No chain/target/match by that name",
        "OCI runtime create failed: runc create failed: unable to start container process: cgroup: permission denied",
        "error creating overlay mount to /var/lib/docker/overlay2/1/merged: too many levels of symbolic links",
    ],
)
def test_a_failure_of_the_engine_is_told_as_one(build, message):
    error = failure(build, STEP, {"error": message, "errorDetail": {"message": message}})
    assert "the Docker engine failed" in error.what and message in error.why
    assert "Restart Docker" in error.fix and "Dockerfile" not in error.fix


def test_the_engine_refuses_with_an_error_of_its_own(build):
    error = failure(build, "cannot allocate memory", status=500)
    assert "the Docker engine failed" in error.what and "cannot allocate memory" in error.why


def test_an_engine_that_ends_during_a_build(build):
    error = failure(build, STEP, docker_api.CUT)
    assert "the Docker engine failed" in error.what and "pip install" in error.why


def test_a_full_disk(build):
    full = {"stream": "OSError: [Errno 28] No space left on device\n"}
    for messages in ([STEP, full, FAILED], [STEP, {"error": "write /layer: no space left on device"}]):
        error = failure(build, *messages)
        assert "disk" in error.what and "docker system df" in error.fix


@pytest.mark.parametrize(
    "messages",
    [
        [STEP, {"stream": "SyntaxError: invalid syntax\n"}, FAILED],
        [{"error": "COPY failed: file not found in build context or excluded by .dockerignore: stat v9: no such file"}],
        [{"error": 'OCI runtime create failed: exec: "pipp": executable file not found in $PATH: unknown'}],
        [{"error": "unable to find user nobody: no matching entries in passwd file"}],
    ],
)
def test_a_mistake_in_the_dockerfile(build, messages):
    error = failure(build, *messages)
    assert messages[-1]["error"] in error.what and "Correct app/webapp/Dockerfile" in error.fix


def test_a_dockerfile_that_cannot_be_read_is_no_traceback(build):
    error = failure(build, "dockerfile parse error line 2: unknown instruction: FRMO", status=400)
    assert "unknown instruction: FRMO" in error.what and "Correct app/webapp/Dockerfile" in error.fix


# ---- the files that are sent ----


def files(request):
    with tarfile.open(fileobj=io.BytesIO(request.body)) as archive:
        return {entry.name: entry for entry in archive}


def test_the_modes_in_a_build_are_the_workbooks_own(build, app):
    (app / "v1/start.sh").write_text("#!/bin/sh\n", encoding="utf-8")
    for path, mode in {"v1/app.py": 0o600, "v1/start.sh": 0o700, "Dockerfile": 0o600, "v1": 0o700}.items():
        (app / path).chmod(mode)
    sent = files(build())
    modes = {"Dockerfile": 0o644, "v1": 0o755, "v1/app.py": 0o644, "v1/start.sh": 0o755}
    assert {name: entry.mode for name, entry in sent.items()} == modes
    assert {(entry.uid, entry.gid, entry.mtime) for entry in sent.values()} == {(0, 0, 0)}, "else no cache for others"


def test_the_same_files_are_the_same_context(build, app):
    first = build().body
    for path in app.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o640)
        os.utime(path, (1, 1))
    assert build().body == first


def test_links_and_ignored_files(build, app):
    (app / ".dockerignore").write_text("# not for the image\n*.log\nsecret\n", encoding="utf-8")
    (app / "build.log").write_text("long", encoding="utf-8")
    (app / "secret").mkdir()
    (app / "secret/key").write_text("x", encoding="utf-8")
    (app / "v1/__pycache__").mkdir()
    (app / "v1/__pycache__/app.pyc").write_bytes(b"x")
    (app / "latest").symlink_to("v1/app.py")
    (app / "v1/same.py").hardlink_to(app / "v1/app.py")
    os.mkfifo(app / "pipe")
    sent = files(build())
    assert sent.keys() == {".dockerignore", "Dockerfile", "latest", "v1", "v1/app.py", "v1/same.py"}
    assert sent["latest"].issym() and sent["latest"].linkname == "v1/app.py"
    assert sent["v1/same.py"].isreg() and sent["v1/same.py"].size == sent["v1/app.py"].size


def test_an_image_is_current_until_what_it_is_built_from_changes(app):
    def now():
        return catalog.source_hash(catalog.catalog()[IMAGE])

    first = now()
    (app / "v1/app.py").chmod(0o600)
    assert now() == first, "its mode is not what the image gets"
    (app / "v1/app.py").chmod(0o755)
    executable = now()
    (app / "v1/app.py").write_text("print('there')\n", encoding="utf-8")
    assert len({first, executable, now()}) == 3
