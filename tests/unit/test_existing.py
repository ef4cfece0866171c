"""Another administrator's cluster: the workbook's login, and the error for a reader without rights."""

import json
import shlex
import shutil
import ssl
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread

import pytest
import yaml

from tests.unit.conftest import ApiServer, Handler
from workbook.base.errors import WorkbookError
from workbook.base.labels import MANAGED
from workbook.cluster import ready
from workbook.cluster.choose import Settings
from workbook.cluster.current import api
from workbook.cluster.existing import Existing
from workbook.kube import credentials
from workbook.kube.client import Api

SECONDS = 15
"""The longest duration of a refusal, in seconds."""


class Guard(Handler):
    """Require a token, and answer which rights its owner has."""

    def guarded(self):
        review = self.path.endswith("selfsubjectaccessreviews")
        if self.headers.get("Authorization") != f"Bearer {self.server.token}":
            self.answer({"message": "Unauthorized"}, 401)
        elif review:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["spec"]["resourceAttributes"]
            right = f"{asked['verb']} {asked['resource']} {asked.get('namespace', '')}".strip()
            self.server.asked.append(right)
            self.answer({"status": {"allowed": right not in self.server.denied}}, 201)
        else:
            self.handle_request()

    do_GET = do_PATCH = do_POST = guarded


@pytest.fixture
def server():
    """The API server of a cluster with a Ready node, and a Namespace that was made for a learner."""
    with ApiServer() as server:
        server.RequestHandlerClass = Guard
        server.token, server.denied, server.asked = "good", set(), []
        server.add("nodes", "node", status={"conditions": [{"type": "Ready", "status": "True"}]})
        server.add("namespaces", "shop", labels=MANAGED)
        server.add("serviceaccounts", "default")
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def reader(tmp_path_factory):
    """The folder with the reader's kubeconfig."""
    return tmp_path_factory.mktemp("reader")


@pytest.fixture
def cluster(home, server, program, monkeypatch, reader):
    """A function that makes the cluster with this user in the reader's kubeconfig, which kubectl prints unchanged."""
    version = json.dumps({"clientVersion": {"gitVersion": "v1.36.3"}})
    program("kubectl", f"""[ "$1" = version ] && echo '{version}' && exit\ncat "$KUBECONFIG" """)

    def make(user, **of_cluster):
        file = reader / "config"
        address = {"server": f"http://127.0.0.1:{server.server_port}"} | of_cluster
        config = {
            "clusters": [{"name": "c", "cluster": address}],
            "contexts": [{"name": "cloud", "context": {"cluster": "c", "user": "u"}}],
            "users": [{"name": "u", "user": user}],
        }
        file.write_text(yaml.safe_dump(config), encoding="utf-8")
        monkeypatch.setenv("KUBECONFIG", str(file))
        for name, value in {"CLUSTER": "existing", "CONTEXT": "cloud", "NAMESPACE": "shop", "REGISTRY": "r:5"}.items():
            monkeypatch.setenv(f"WORKBOOK_{name}", value)
        return Existing(Settings.from_environment())

    return make


@pytest.fixture
def certificate(tmp_path):
    """A certificate without an issuer's signature, and its key."""
    if not shutil.which("openssl"):
        pytest.skip("openssl makes the certificate")
    files = tmp_path / "certificate.pem", tmp_path / "key.pem"
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=127.0.0.1"]
    subprocess.run([*request, "-out", files[0], "-keyout", files[1]], check=True, capture_output=True)
    return files


def plugin(command="login", **fields):
    """A user whose credentials come from a program."""
    return {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": command} | fields}


def printing(token="good", **status):
    """The script of a program that prints a token."""
    answer = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "status": {"token": token, **status},
    }
    return f"echo '{json.dumps(answer)}'"


def refusal(cluster):
    """The error for a reader without access: it comes immediately, and does not advise deleting the cluster."""
    begun = time.monotonic()
    with pytest.raises(WorkbookError) as refused:
        ready.settle(cluster, cluster.start())
    assert time.monotonic() - begun < SECONDS
    assert "make clean" not in str(refused.value)
    return refused.value


def test_a_token_that_has_expired(cluster):
    error = refusal(cluster({"token": "expired"}))
    assert "does not accept your login" in error.what and "Unauthorized" in error.why
    assert "log in again" in error.fix and "`make class`" in error.fix


def test_a_login_that_expires_later(cluster, server):
    ours = cluster({"token": "good"})
    ours.start()
    server.token = "another"
    with pytest.raises(WorkbookError, match=r"access to the cluster has expired(.|\n)*Unauthorized\.\nDo:.*make class"):
        api().objects("pods")
    assert "log in again" in refusal(ours).fix


def test_a_login_is_taken_from_the_readers_kubeconfig_again(cluster, server):
    cluster({"token": "good"}).start()
    server.token = "another"
    assert cluster({"token": "another"}).start().objects("pods") == []


@pytest.mark.parametrize(
    ("denied", "missing"),
    [
        ({"list nodes", "list namespaces"}, ["list nodes", "list namespaces"]),
        (
            {"create deployments shop", "delete pods shop"},
            ["create deployments", "delete pods", "in the Namespace 'shop'"],
        ),
    ],
)
def test_rights_that_are_missing_are_named_together(cluster, server, denied, missing):
    server.denied = denied
    error = refusal(cluster({"token": "good"}))
    assert all(right in error.why for right in missing) and "create services" not in error.why
    assert "classroom/" in error.fix and "auth can-i" in error.fix


def test_the_right_to_create_a_namespace_is_only_needed_where_there_is_none(cluster, server):
    server.denied = {"create namespaces"}
    ours = cluster({"token": "good"})
    ours.start()
    ours.kubeconfig.unlink()
    server.objects["namespaces"].clear()
    assert "create namespaces" in refusal(ours).why


def test_a_program_is_named_before_it_runs(cluster, program, capsys, tmp_path):
    program("login", f'{printing()}\ntouch "{tmp_path}/ran"')
    ours = cluster(plugin(args=["get-token", "--cluster", "my cluster", "--client-secret=abc", "--api-token", "def"]))
    connection = ours.start()
    said = capsys.readouterr().out
    assert "`login get-token --cluster 'my cluster' --client-secret=HIDDEN --api-token HIDDEN`" in said
    assert "abc" not in said and "def" not in said
    assert (tmp_path / "ran").exists() and connection.objects("pods") == []


def test_it_is_named_even_when_it_fails(cluster, program, capsys):
    program("login", "exit 1")
    refusal(cluster(plugin()))
    assert "`login`" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo 'the session has ended' >&2; exit 7", "the session has ended"),
        ("echo 'open https://example.org/device'; exec sleep 30", "https://example.org/device"),
        ("echo nonsense", "nonsense"),
        ("echo '{}'", "{}"),
        ("""echo '{"status": {}}'""", "status"),
    ],
    ids=["fails", "hangs", "no JSON", "no status", "no token"],
)
def test_a_program_that_does_not_log_in(cluster, program, monkeypatch, script, reason):
    monkeypatch.setattr(credentials, "PATIENCE", 1)
    program("login", script)
    error = refusal(cluster(plugin(args=["now"])))
    assert "`login now`" in error.what and reason in error.why and "log in again" in error.fix


@pytest.mark.parametrize(("hint", "fix"), [("Get it from\nexample.org.", "Get it from\nexample.org."), ("", "PATH")])
def test_a_program_that_is_not_there(cluster, hint, fix):
    error = refusal(cluster(plugin("no-such-login", installHint=hint)))
    assert (
        "`no-such-login`, with which the kubeconfig logs in to the cluster, is not installed" in error.what
        and fix in error.fix
    )


@pytest.mark.parametrize("name", ["gcp", "azure"])
def test_an_old_provider_is_refused_and_its_program_does_not_run(cluster, tmp_path, name):
    config = {"cmd-path": "touch", "cmd-args": f"{tmp_path}/ran"}
    error = refusal(cluster({"auth-provider": {"name": name, "config": config}}))
    assert f"auth-provider {name!r}" in error.what and "kubectl" in error.why
    assert not (tmp_path / "ran").exists()


def test_a_program_next_to_the_readers_kubeconfig(cluster, reader, capsys):
    ours = cluster(plugin("./bin/login"))
    login = reader / "bin" / "login"
    login.parent.mkdir()
    login.write_text(f"#!/bin/sh\n{printing()}\n", encoding="utf-8")
    login.chmod(0o700)
    assert ours.start().objects("pods") == []
    assert f"`{shlex.quote(str(login))}`" in capsys.readouterr().out, "which of the programs with this name"


@pytest.mark.parametrize("place", ["token", "{}/elsewhere/token"])
def test_a_token_in_a_file(cluster, reader, tmp_path, place):
    ours = cluster({"tokenFile": place.format(tmp_path)})
    file = Path(reader, place.format(tmp_path))
    file.parent.mkdir(exist_ok=True)
    file.write_text("good\n", encoding="utf-8")
    assert ours.start().objects("pods") == []


def test_a_program_is_given_what_the_kubeconfig_says(cluster, program, tmp_path, server):
    program("login", f'printf "%s\\n" "$REGION" "$KUBERNETES_EXEC_INFO" > "{tmp_path}/given"\n{printing()}')
    ours = cluster(plugin(env=[{"name": "REGION", "value": "north"}], provideClusterInfo=True))
    ours.start()
    region, info = (tmp_path / "given").read_text(encoding="utf-8").splitlines()
    assert region == "north"
    assert json.loads(info)["spec"]["cluster"]["server"] == f"http://127.0.0.1:{server.server_port}"


def test_a_login_that_ends_is_renewed_and_one_that_lasts_is_not(cluster, program, tmp_path):
    calls = tmp_path / "calls"
    for hours, expected in ((1, 1), (-1, 3)):
        calls.write_text("", encoding="utf-8")
        until = f"{datetime.now(UTC) + timedelta(hours=hours):%Y-%m-%dT%H:%M:%SZ}"
        program("login", f'echo >> "{calls}"\n{printing(expirationTimestamp=until)}')
        ours = cluster(plugin())
        ours.start()
        calls.write_text("", encoding="utf-8")
        connection = Api(ours)
        for _ in range(2):
            connection.objects("pods")
        assert len(calls.read_text(encoding="utf-8")) == expected


def test_a_server_that_cannot_be_reached(cluster, server):
    error = refusal(cluster({"token": "good"}, server="http://127.0.0.1:9"))
    assert "does not answer" in error.what and "refused" in error.why and "kubectl --context cloud" in error.fix


def test_a_certificate_of_another_authority(cluster, server, certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    error = refusal(cluster({"token": "good"}, server=f"https://127.0.0.1:{server.server_port}"))
    assert "certificate" in error.what and "CERTIFICATE_VERIFY_FAILED" in error.why


def test_one_ready_node_is_enough(cluster, server):
    """On another administrator's cluster, some nodes may be under maintenance."""
    server.add("nodes", "in-repair", status={"conditions": [{"type": "Ready", "status": "False"}]})
    ours = cluster({"token": "good"})
    ours.start()
    assert ready.reach(ours)
    server.objects["nodes"][0]["status"]["conditions"][0]["status"] = "False"
    assert "no Ready node" in refusal(ours).what
