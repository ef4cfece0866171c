"""Port forwarding to a Pod that sends back its input in capital letters."""

import socket
import threading
from types import SimpleNamespace

import pytest
from kubernetes.client.exceptions import ApiException

from tests.api_server import Server, listed, pod
from workbook import port_forward
from workbook.base.errors import WorkbookError
from workbook.base.polling import poll
from workbook.lessons import port_forward as module

READY = [{"type": "Ready", "status": "True"}]


@pytest.fixture
def cluster(monkeypatch):
    """A cluster with a Deployment, a Service and their Pod; `asked` has the URL of each tunnel."""
    server = Server()
    server.configuration = SimpleNamespace(host="https://cluster", auth_settings=dict)
    server.asked = []
    expressions = [
        {"key": "tier", "operator": "In", "values": ["web", "api"]},
        {"key": "stage", "operator": "NotIn", "values": ["test"]},
        {"key": "release", "operator": "Exists"},
        {"key": "old", "operator": "DoesNotExist"},
    ]
    spec = {"selector": {"matchLabels": {"app": "webapp"}, "matchExpressions": expressions}}
    server.serve(listed(1, {"metadata": {"name": "webapp"}, "spec": spec}), resource="deployments")
    ports = [{"port": 80, "targetPort": "http"}, {"port": 81}]
    server.serve(
        listed(1, {"metadata": {"name": "web"}, "spec": {"selector": {"app": "webapp"}, "ports": ports}}),
        resource="services",
    )
    has_pods(server, "webapp-1", "webapp-1", "webapp-2")

    def tunnel(configuration, method, url, query_params, headers):
        server.asked.append((url, query_params))
        near, far = socket.socketpair()

        def answer():
            with far:
                while data := far.recv(100):
                    far.sendall(data.upper())

        threading.Thread(target=answer, daemon=True).start()
        return SimpleNamespace(socket=lambda port: near)

    monkeypatch.setattr(module, "api", lambda: server)
    monkeypatch.setattr(module, "portforward_call", tunnel)
    return server


def has_pods(server, *names, port="http"):
    """Set the names of the ready Pod: one for each request."""
    containers = {"spec": {"containers": [{"ports": [{"containerPort": 9}, {"name": port, "containerPort": 5000}]}]}}
    unready = pod("starting", 1)
    server.requests = server.serve(*(listed(1, unready, pod(name, 1, conditions=READY) | containers) for name in names))


def send(port, data):
    """What a connection to this port returns for `data`."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(data)
        return connection.recv(100)


def test_bytes_go_to_a_ready_pod_and_back(cluster):
    with port_forward("deployment/webapp", "0:5000") as forward:
        assert forward.url == f"http://127.0.0.1:{forward.port}"
        assert send(forward.port, b"welcome") == b"WELCOME"
    assert cluster.asked == [
        ("https://cluster/api/v1/namespaces/workbook/pods/webapp-1/portforward", [("ports", "5000")])
    ]
    assert cluster.requests[0]["label_selector"] == "app=webapp,tier in (web,api),stage notin (test),release,!old"


def test_the_next_connection_reaches_the_successor_of_a_pod(cluster):
    with port_forward("pod/webapp-1", "0:5000") as forward:
        send(forward.port, b"one")
        send(forward.port, b"two")
    assert [url.split("/")[-2] for url, _ in cluster.asked] == ["webapp-1", "webapp-2"]
    assert cluster.requests[0]["field_selector"] == "metadata.name=webapp-1"


@pytest.mark.parametrize(("port", "number"), [(80, "5000"), (81, "81")])
def test_the_port_of_a_service_leads_to_its_target_port(cluster, port, number):
    with port_forward("service/web", f"0:{port}") as forward:
        assert send(forward.port, b"welcome") == b"WELCOME"
    assert cluster.asked[0][1] == [("ports", number)]


def test_a_taken_port_is_replaced_by_a_free_one(cluster, capsys):
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        with port_forward("deployment/webapp", f"{taken}:5000") as forward:
            assert send(forward.port, b"welcome") == b"WELCOME"
    command, message = capsys.readouterr().out.splitlines()
    assert f"$ kubectl port-forward deployment/webapp {taken}:5000" in command
    assert message == (f"Port {taken} of this machine is taken by another program; using {forward.port} instead.")


def test_the_same_port_can_be_used_again_at_once(cluster, capsys):
    with port_forward("deployment/webapp", "0:5000") as forward:
        send(forward.port, b"welcome")
    cluster.serve(listed(1, {"metadata": {"name": "w"}, "spec": {"selector": {}}}), resource="deployments")
    has_pods(cluster, "webapp-1")
    with port_forward("deployment/webapp", f"{forward.port}:5000") as again:
        assert again.port == forward.port
    assert "is taken" not in capsys.readouterr().out


def test_port_connections_and_threads_end_with_the_block(cluster):
    before = set(threading.enumerate())
    with port_forward("deployment/webapp", "0:5000") as forward:
        connection = socket.create_connection(("127.0.0.1", forward.port), timeout=30)
        connection.sendall(b"welcome")
        assert connection.recv(100) == b"WELCOME"
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", forward.port), timeout=1)
    with connection:
        assert connection.recv(100) == b""
    assert poll(lambda: not any(thread.is_alive() for thread in set(threading.enumerate()) - before), timeout=30)


def test_they_end_after_an_error_in_the_block_too(cluster):
    with pytest.raises(LookupError), port_forward("deployment/webapp", "0:5000") as forward:
        raise LookupError
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", forward.port), timeout=1)


def test_a_connection_is_closed_if_no_pod_can_be_reached(cluster, monkeypatch):
    def refuse(*args, **options):
        raise ApiException(status=0, reason="refused")

    monkeypatch.setattr(module, "portforward_call", refuse)
    with port_forward("deployment/webapp", "0:5000") as forward:
        assert send(forward.port, b"") == b""


@pytest.mark.parametrize(
    ("target", "ports", "message"),
    [
        ("statefulset/webapp", "0:80", r"Cannot forward a port to 'statefulset/webapp'(.|\n)*service/NAME"),
        ("deployment/", "0:80", "Cannot forward a port to 'deployment/'"),
        ("service/web", "0:82", r"Service 'web' has no port 82(.|\n)*It has 80, 81\.(.|\n)*`services\(\)`"),
        *(
            (
                "deployment/webapp",
                ports,
                rf"Cannot forward the ports '{ports}'(.|\n)*LOCAL:REMOTE or PORT(.|\n)*`5000:80`",
            )
            for ports in ("", "http", ":80", "80:", "80:http", "1:2:3", "5000:0", "65536:80", "80:65536", "-1")
        ),
    ],
)
def test_what_cannot_be_forwarded(cluster, target, ports, message):
    with pytest.raises(WorkbookError, match=message):
        port_forward(target, ports).__enter__()


def test_a_single_port_is_both_the_local_and_the_remote_one(cluster, capsys):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with port_forward("deployment/webapp", str(port)) as forward:
            assert send(forward.port, b"welcome") == b"WELCOME"
    assert cluster.asked[0][1] == [("ports", str(port))] and f"Port {port} of this machine" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            {"type": "ExternalName", "externalName": "db.example.com"},
            r"type is ExternalName(.|\n)*Connect to db\.example\.com",
        ),
        (
            {"type": "ClusterIP", "ports": [{"port": 80}]},
            r"no selector(.|\n)*Connect to the addresses in its EndpointSlice",
        ),
        ({"type": "ClusterIP", "selector": {"app": "webapp"}}, r"has no port 80(.|\n)*It has none\."),
    ],
)
def test_a_service_that_leads_to_no_pods_or_has_no_ports(cluster, spec, message):
    cluster.serve(listed(1, {"metadata": {"name": "db1"}, "spec": spec}), resource="services")
    with pytest.raises(WorkbookError, match=message):
        port_forward("service/db1", "0:80").__enter__()


def test_a_target_that_does_not_exist(cluster):
    cluster.serve(listed(1), resource="deployments")
    with pytest.raises(WorkbookError, match="There is no deployment 'webapp' in this Namespace"):
        port_forward("deployment/webapp", "0:80").__enter__()


def test_no_ready_pod(cluster):
    cluster.serve(listed(1, pod("starting", 1)))
    with pytest.raises(
        WorkbookError, match=r"to pod/starting: none of its Pods is ready(.|\n)*1 Pod\(s\) found, none ready"
    ):
        port_forward("pod/starting", "0:80").__enter__()


def test_a_named_port_that_the_pods_do_not_have(cluster):
    has_pods(cluster, "webapp-1", port="web")
    with pytest.raises(WorkbookError, match=r"no port named 'http'(.|\n)*`targetPort`"):
        port_forward("service/web", "0:80").__enter__()
