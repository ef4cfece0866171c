"""A class of two in a browser when something breaks: what learners see, and that they can go on."""

import json
import time
from contextlib import suppress
from urllib.parse import urljoin

import pytest
import requests
from websocket import WebSocketException

from tests.classroom.hub.conftest import ADA, BOB, LEARNERS
from tests.classroom.hub.learner import Learner
from workbook.base.polling import poll
from workbook.classroom.hub import deploy, objects, tls
from workbook.classroom.hub.objects import DESK, NAMESPACE

pytestmark = [pytest.mark.cluster, pytest.mark.slow]
IMPORTS = "%load_ext workbook\nfrom workbook import begin, pods, rollout_status"


def end_desk(opened, learner):
    """Delete the Pod of a learner's desk, and wait until the hub knows: it looks every five seconds."""
    opened.kubectl("delete", "pod", "desk", f"-n{learner.name}{DESK}", "--wait=true")
    # https://jupyterhub.readthedocs.io/en/stable/reference/rest-api.html
    account = urljoin(learner.link, "api/user")
    poll(lambda: not learner.browser.get(account).json()["servers"], timeout=60, every=1)


def test_the_hub_may_restart_while_a_learner_works(opened, ada):
    ada.run("kept = 'in this kernel'")
    opened.kubectl("delete", "pod", f"-n{NAMESPACE}", "-lapp=hub", "--wait=true")
    assert ada.run("print(kept)") == ("in this kernel\n", "")
    opened.kubectl("rollout", "status", "deployment/hub", f"-n{NAMESPACE}", "--timeout=120s")
    again = Learner(ADA, ada.link)
    again.log_in()
    again.running = ada.running
    assert again.run("print(kept)") == ("in this kernel\n", "")


def test_the_proxy_may_restart_while_a_learner_works(opened, ada):
    ada.run("kept = 'in this kernel'")
    opened.kubectl("delete", "pod", f"-n{NAMESPACE}", "-lapp=proxy", "--wait=true")
    assert ada.log_in() < 60  # the hub's default is to look after 300 s
    assert ada.run("print(kept)") == ("in this kernel\n", "")


def test_files_survive_the_end_of_a_desk(opened, bob):
    bob.run("open('mine.txt', 'w').write('my work')")
    end_desk(opened, bob)
    bob.log_in()
    bob.begin()
    assert bob.run("print(open('mine.txt').read())") == ("my work\n", "")


def test_files_survive_a_kernel_that_uses_too_much_memory(bob):
    bob.run("open('mine.txt', 'w').write('my work')")
    with suppress(WebSocketException):  # on nodes with cgroup v2, the whole desk starts again
        _, error = bob.run("hoard = [bytes(100_000_000).replace(bytes(1), b'x') for _ in range(40)]")
        assert error == "the kernel died"
    bob.log_in()
    bob.begin()
    assert bob.run("print(open('mine.txt').read())") == ("my work\n", "")


def test_a_second_start_keeps_everything_and_starts_what_has_ended(opened, ada, bob):
    ada.run("kept = 'in this kernel'")
    end_desk(opened, bob)
    assert deploy.deploy(opened.cluster, LEARNERS[:1]) == opened.tokens
    assert opened.kubectl("get", "pod", "desk", f"-n{BOB}{DESK}", "-o", "jsonpath={.status.phase}") == "Running"
    assert ada.run("print(kept)") == ("in this kernel\n", "")
    bob.log_in()
    bob.begin()
    assert bob.run("print(open('mine.txt').read())") == ("my work\n", "")


def test_access_that_has_expired_is_renewed_in_the_same_kernel(opened, ada):
    ada.run(f"{IMPORTS}\nkept = 'in this kernel'")
    # The API server refuses the tokens of an account that is gone like those that have expired.
    opened.kubectl("delete", "serviceaccount", "workbook-learner", f"-n{ADA}")
    poll(lambda: ada.run("pods()")[1], timeout=60)  # it remembers for some seconds which tokens it has accepted
    for source in (
        "pods()",
        "%kubectl get pods",
        "%kubectl apply -f manifests/1-03-webapp-deployment.yaml",
        "rollout_status('webapp-deployment')",
        "begin(3)",
    ):
        printed, error = ada.run(source)
        assert error and "expired" in printed and "tell your instructor" in printed and "`make class`" in printed, (
            printed
        )
    deploy.deploy(opened.cluster, LEARNERS[:1])
    begun = time.monotonic()
    poll(lambda: not ada.run("pods()")[1], timeout=180, every=2)
    print(f"The learner's cells worked again {time.monotonic() - begun:.0f} s after `make class`.")
    assert ada.run("%kubectl get pods\nprint(kept)")[1] == ""


def test_a_full_registry_is_explained_and_brought_back(opened, ada):
    assert ada.run(f"{IMPORTS}\nbegin(3)")[1] == ""
    words = ("deployment/registry", f"-n{NAMESPACE}", "-o", "jsonpath={.spec.template.spec.containers[0].image}")
    full = objects.manifest("registry.yaml", HUB_IMAGE=opened.kubectl("get", *words))
    deployment = next(each for each in full if each["kind"] == "Deployment")
    deployment["spec"]["template"]["spec"]["volumes"][0] = {
        "name": "data",
        "emptyDir": {"medium": "Memory", "sizeLimit": "16Mi"},  # a disk of this size
    }
    deploy._apply(opened.administrator, *full)
    deploy._wait_for(opened.administrator, "registry")
    for source in ("begin(3)", "%docker build -t web-app:1.0 app/webapp"):
        printed, error = ada.run(source)
        assert "could not store" in error and "full" in error, printed
        assert "Nothing of yours is lost" in printed and "tell your instructor" in printed, printed
    deploy.deploy(opened.cluster, LEARNERS[:1])
    printed, error = ada.run("%docker build -t web-app:1.0 app/webapp\nbegin(3)")
    assert not error and "Notebook 03 can start" in printed, printed


REPLACE = """
import os, pathlib, subprocess, tempfile
name = os.environ["WORKBOOK_REGISTRY"] + "/mine:1.0"
for _ in range(2):
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "content").write_bytes(os.urandom(20_000_000))
        pathlib.Path(folder, "Dockerfile").write_text("FROM scratch\\nCOPY content /\\n")
        subprocess.run(["docker", "build", "--quiet", "--tag", name, folder], check=True)
        subprocess.run(["docker", "push", "--quiet", name], check=True)
"""
PULL = """
subprocess.run(["docker", "image", "rm", "--force", name], check=True)
subprocess.run(["docker", "pull", "--quiet", name], check=True)
"""


def test_a_registry_that_starts_removes_what_was_replaced_and_keeps_the_rest(opened, ada):
    def size():
        return int(opened.kubectl(*deploy.IN_REGISTRY, "du", "--summarize", "-BMB", "/srv/data").partition("MB")[0])

    def start():
        opened.kubectl("rollout", "restart", "deployment/registry", f"-n{NAMESPACE}")
        deploy._wait_for(opened.administrator, "registry")

    start()
    before = size()
    assert ada.run(REPLACE)[1] == ""
    ended = f"/srv/data/docker/registry/v2/repositories/{ADA}/mine/_uploads/ended"
    opened.kubectl(*deploy.IN_REGISTRY, "sh", "-c", f"mkdir -p {ended} && head -c 10M /dev/zero > {ended}/data")
    assert size() - before >= 50
    start()
    assert 20 <= size() - before < 30
    assert ada.run(PULL)[1] == ""


def test_a_class_for_other_machines_is_encrypted(opened, ada, tmp_path, monkeypatch):
    ada.run("kept = 'in this kernel'")
    monkeypatch.setattr(tls, "home", lambda: tmp_path)
    deploy.deploy(opened.cluster, LEARNERS[:1], tls.certificate("127.0.0.1"))
    for name in ("REQUESTS_CA_BUNDLE", "WEBSOCKET_CLIENT_CA_BUNDLE"):  # only this certificate is trusted
        monkeypatch.setenv(name, str(tmp_path / "class" / "127.0.0.1" / "tls.crt"))
    visitor = Learner(ADA, opened.links[ADA].replace("http:", "https:"))
    visitor.log_in()
    visitor.running = ada.running
    assert visitor.run("print(kept)") == ("in this kernel\n", "")
    with pytest.raises(requests.ConnectionError):
        requests.get(opened.links[ADA])
    deploy.deploy(opened.cluster, LEARNERS[:1])
    ada.log_in()
    assert ada.run("print(kept)") == ("in this kernel\n", "")


def test_a_class_goes_on_after_its_node_was_lost(opened, ada):
    """The node gets another address if this machine's engine gives its own one to a container that starts meanwhile."""
    assert ada.run(f"{IMPORTS}\nbegin(5)\nopen('mine.txt', 'w').write('my work')")[1] == ""
    cluster = opened.cluster
    engine, (network,) = cluster.docker(), cluster.node().attrs["NetworkSettings"]["Networks"]
    cluster.stop()
    image = next(iter(engine.images.list("workbook-hub"))).id
    other = engine.containers.run(image, ["sleep", "infinity"], network=network, detach=True)
    try:
        cluster.start()

        def restarted():
            pods = json.loads(opened.kubectl("get", "pods", f"-n{ADA}", "-o", "json"))["items"]
            containers = [status for pod in pods for status in pod["status"]["containerStatuses"]]
            return containers and all(status["restartCount"] and status["ready"] for status in containers)

        poll(restarted, timeout=300, every=2)
        ada.log_in()
        ada.begin()
        assert ada.run("print(open('mine.txt').read())") == ("my work\n", "")
        printed, error = ada.run("from workbook.cluster.current import current\nprint(current().images())")
        assert "web-app:1.0" in printed and not error
    finally:
        other.remove(force=True)
