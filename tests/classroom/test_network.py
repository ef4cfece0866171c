"""The network of a class: which connections of a learner's Pods are answered, tried from inside of the Pods."""

import json
from types import SimpleNamespace

import pytest

import workbook
from tests.existing.learners import ADA, BOB, LEARNERS, instructing, kubectl
from workbook.classroom import learners
from workbook.cluster.current import current

pytestmark = [pytest.mark.cluster, pytest.mark.slow]
OPEN = ("open-one", "open-two")
"""Two namespaces without the bounds of a class."""
PROBE = """
import json, socket, sys
def answered(target):
    host, _, port = target.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=2).close()
        return True
    except OSError:
        return False
print(json.dumps([answered(target) for target in sys.argv[1:]]))
"""
METADATA = "169.254.169.254:80"
"""Where clouds hand out the credentials of a node to each process that asks."""


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """Two learners and two open namespaces, with a web server in each; `network.probe(namespace, …)` tries connections."""
    cluster = current()
    if cluster.provider != "kind":
        pytest.skip("the network plugin is for kind clusters")
    workbook.begin(3)  # puts the image onto the node
    folder = tmp_path_factory.mktemp("handed-out")

    def administrator(*words):
        status, said = kubectl(cluster.kubeconfig, *words)
        assert status == 0, said
        return said

    def address(namespace, what, field):
        return administrator("get", *what, f"--namespace={namespace}", "-o", f"jsonpath={{{field}}}")

    def probe(namespace, *targets):
        pod = "visitor" if namespace.endswith("-other") else "web"
        command = ["exec", pod, f"--namespace={namespace}", "--", "python", "-c", PROBE, *targets]
        return json.loads(administrator(*command).splitlines()[-1])

    with instructing(cluster, folder):
        learners.classroom(*LEARNERS)
    try:
        for namespace in OPEN:
            administrator("create", "namespace", namespace)
        for namespace in (*LEARNERS, *OPEN):
            file = folder / f"{namespace}.kubeconfig" if namespace in LEARNERS else cluster.kubeconfig
            where = f"--namespace={namespace}"
            for words in (
                ("run", "web", "--image=web-app:1.0", "--image-pull-policy=Never", "--port=5000"),
                ("expose", "pod", "web"),
                ("expose", "pod", "web", "--name=outside", "--type=NodePort"),
                ("wait", "pod/web", "--for=condition=Ready", "--timeout=90s"),
            ):
                status, said = kubectl(file, *words, where)
                assert status == 0, said
        for words in (
            ("create", "namespace", f"{ADA}-other"),
            ("run", "visitor", "--image=web-app:1.0", "--image-pull-policy=Never", f"--namespace={ADA}-other"),
            ("wait", "pod/visitor", "--for=condition=Ready", "--timeout=90s", f"--namespace={ADA}-other"),
        ):
            status, said = kubectl(folder / f"{ADA}.kubeconfig", *words)
            assert status == 0, said
        node = address("default", ["nodes"], ".items[0].status.addresses[0].address")
        yield SimpleNamespace(
            probe=probe,
            pod={each: f"{address(each, ['pod', 'web'], '.status.podIP')}:5000" for each in (*LEARNERS, *OPEN)},
            service={each: f"web.{each}:5000" for each in (*LEARNERS, *OPEN)},
            node_port={
                each: f"{node}:{address(each, ['service', 'outside'], '.spec.ports[0].nodePort')}" for each in LEARNERS
            },
        )
    finally:
        administrator("delete", "namespace", *OPEN, "--ignore-not-found")
        with instructing(cluster, folder):
            learners.delete()


def test_without_the_bounds_of_a_class_each_pod_reaches_each_other(network):
    one, two = OPEN
    assert network.probe(one, network.pod[two], network.service[two]) == [True, True]


def test_a_learner_does_not_reach_the_pods_of_another(network):
    targets = [network.pod[BOB], network.service[BOB], network.node_port[BOB], network.pod[OPEN[0]]]
    assert network.probe(ADA, *targets) == [False] * len(targets)


def test_the_second_namespace_reaches_the_first_but_not_the_pods_of_another(network):
    assert network.probe(f"{ADA}-other", network.pod[ADA], network.pod[BOB]) == [True, False]


def test_a_learner_does_not_reach_the_credentials_of_a_node(network):
    if network.probe(OPEN[0], METADATA) == [False]:
        pytest.skip("nothing answers at this address: the machine is not in a cloud")
    assert [network.probe(namespace, METADATA) for namespace in (ADA, f"{ADA}-other")] == [[False], [False]]


def test_others_do_not_reach_the_pods_of_a_learner(network):
    assert network.probe(OPEN[0], network.pod[ADA], network.service[ADA]) == [False, False]


def test_a_learner_reaches_their_own_pods_the_name_service_and_the_api_server(network):
    targets = [network.pod[ADA], network.service[ADA], "kubernetes.default:443"]
    assert network.probe(ADA, *targets) == [True, True, True]


def test_a_node_port_is_for_clients_outside_of_the_network_of_pods(network):
    node = current().node()
    host, _, port = network.node_port[ADA].rpartition(":")
    code, said = node.exec_run(["bash", "-c", f"exec 3<>/dev/tcp/{host}/{port}"])
    assert code == 0, said
