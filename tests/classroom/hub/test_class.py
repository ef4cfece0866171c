"""A class of two in a browser: what learners do, what they may not do, and what breaks."""

import os
import subprocess
import sys
import time

import pytest
import requests

from tests.classroom.hub.conftest import ADA, BOB, LEARNERS
from tests.classroom.hub.learner import Learner
from workbook.base.notebooks import find
from workbook.base.paths import ROOT
from workbook.base.polling import poll
from workbook.classroom.hub import deploy
from workbook.classroom.hub.objects import DESK, NAMESPACE
from workbook.machine.browser import browser

playwright = pytest.importorskip("playwright.sync_api", reason="`make class-test` installs what drives a browser")
expect = playwright.expect
pytestmark = [pytest.mark.cluster, pytest.mark.slow]
SLOWEST = 300_000
"""Milliseconds that a notebook may take."""


def test_a_learners_way_from_the_link_to_the_exercise(opened):
    with browser() as running:
        page = running.new_page(viewport={"width": 1440, "height": 900})
        begun = time.monotonic()
        page.goto(opened.links[ADA])
        notebook = page.locator(".jp-NotebookPanel:visible")
        expect(notebook.locator(".jp-Cell").first).to_be_visible(timeout=SLOWEST)
        assert "token" not in page.url
        expect(notebook.locator(".jp-Notebook-ExecutionIndicator[data-status='idle']")).to_be_attached(timeout=SLOWEST)
        page.locator(".lm-MenuBar-item", has_text="Run").click()
        page.locator(".lm-Menu-item", has_text="Run All Cells").first.click()
        # With all cells rendered at once, the table is on the page wherever the notebook is scrolled to.
        expect(notebook.locator(".jp-OutputArea table").first).to_contain_text("cluster provider", timeout=SLOWEST)
        print(f"The first table came after {time.monotonic() - begun:.0f} s.")
        expect(notebook.get_by_text("Exercise 00.1 is done.").last).to_be_attached(timeout=SLOWEST)
        page.close()
    progress = opened.kubectl("get", "configmap", "workbook-progress", f"-n{ADA}", "-o", "jsonpath={.data}")
    assert "00" in progress


@pytest.mark.parametrize("number", ["02", "03"])
def test_a_learner_builds_and_deploys_an_image(ada, number):
    (path,) = find((number,))
    ada.work_through(path)


CONNECT = """
import socket
try:
    socket.create_connection(("{}", 8888), timeout=3)
    print("reached")
except OSError:
    print("refused")
"""


def test_no_learner_reaches_the_desk_of_another(opened, ada, bob):
    for path in ("lab", "api/status", "api/contents"):
        answer = ada.browser.get(f"{bob.desk}/{path}")
        assert answer.status_code in (403, 404), (path, answer.status_code)
    assert requests.get(f"{bob.desk}/api/status").status_code == 403
    wrong = requests.get(opened.links[BOB][:-3] + "xyz")
    assert wrong.status_code == 403 and "link that your instructor has given you" in wrong.text
    # Directly, around the proxy: the network policy of the desk refuses it.
    address = opened.kubectl("get", "pod", "desk", f"-n{BOB}{DESK}", "-o", "jsonpath={.status.podIP}")
    printed, error = ada.run(CONNECT.format(address))
    assert (printed, error) == ("refused\n", "")


PUSH = """
import base64, json, os, urllib.error, urllib.request
registry, _, me = os.environ["WORKBOOK_REGISTRY"].partition("/")
auth = json.load(open("/etc/workbook/config.json"))["auths"][registry]["auth"]
def push(owner, login):
    headers = {"Authorization": f"Basic {login}"} if login else {}
    request = urllib.request.Request(f"http://{registry}/v2/{owner}/web-app/blobs/uploads/", method="POST", headers=headers)
    try:
        return urllib.request.urlopen(request).status
    except urllib.error.HTTPError as error:
        return error.code
forged = base64.b64encode(f"OTHER:{base64.b64decode(auth).decode().partition(':')[2]}".encode()).decode()
print([push(me, auth), push("OTHER", auth), push("library", auth), push(me, ""), push("OTHER", ""), push("OTHER", forged)])
"""


def test_a_learner_pushes_only_under_their_own_name(ada):
    printed, error = ada.run(PUSH.replace("OTHER", BOB))
    assert not error and printed.strip() == "[202, 403, 403, 403, 403, 401]", printed


PING = """
import os, urllib.error, urllib.request
registry = os.environ["WORKBOOK_REGISTRY"].partition("/")[0]
def ping(client):
    try:
        return urllib.request.urlopen(urllib.request.Request(f"http://{registry}/v2/", headers={"User-Agent": client})).status
    except urllib.error.HTTPError as error:
        return error.code
print([ping("docker/26.1.5 go/go1.24"), ping("containers/5.23.1 (github.com/containers/image)")])
"""


def test_a_node_with_docker_may_pull_and_podman_is_asked_for_its_password(ada):
    """Docker's engine pulls nothing without a password if the registry's first answer asks for one."""
    printed, error = ada.run(PING)
    assert not error and printed.strip() == "[200, 401]", printed


def test_a_desk_has_no_rights_but_those_of_its_learner(ada):
    printed, _ = ada.run(
        "import os; print(os.path.exists('/var/run/secrets/kubernetes.io'), os.environ['WORKBOOK_NAMESPACE'])"
    )
    assert printed.split() == ["False", ADA]
    printed, error = ada.run(f"%kubectl get pods --namespace {BOB}")
    assert error and "Forbidden" in printed
    printed, error = ada.run(f"%kubectl get secrets --namespace {ADA}{DESK}")
    assert error and "Forbidden" in printed


def test_the_hub_may_restart_while_a_learner_works(opened, ada):
    ada.run("kept = 'in this kernel'")
    opened.kubectl("delete", "pod", f"-n{NAMESPACE}", "-lapp=hub", "--wait=true")
    assert ada.run("print(kept)") == ("in this kernel\n", "")
    opened.kubectl("rollout", "status", "deployment/hub", f"-n{NAMESPACE}", "--timeout=120s")
    again = Learner(ADA, ada.link)
    again.log_in()
    again.running = ada.running
    assert again.run("print(kept)") == ("in this kernel\n", "")


def test_files_survive_the_end_of_a_desk(opened, bob):
    bob.run("open('mine.txt', 'w').write('my work')")
    opened.kubectl("delete", "pod", "desk", f"-n{BOB}{DESK}", "--wait=true")
    time.sleep(10)  # the hub looks every five seconds
    bob.log_in()
    bob.begin()
    assert bob.run("print(open('mine.txt').read())") == ("my work\n", "")


def test_a_second_start_keeps_everything(opened, ada, bob):
    ada.run("kept = 'in this kernel'")
    assert deploy.deploy(opened.cluster, LEARNERS[:1]) == opened.tokens
    assert ada.run("print(kept)") == ("in this kernel\n", "")
    assert bob.run("print(open('mine.txt').read())") == ("my work\n", "")


def test_a_clean_up_that_was_interrupted_continues(opened):
    """This is the last test, since it ends the class."""
    kubectl = opened.kubectl
    kubectl("create", "namespace", "somebodys-desk")
    command = [sys.executable, "-m", "workbook", "class", "--delete"]
    with subprocess.Popen(command, cwd=ROOT, env=os.environ | {"KUBECONFIG": "", "WORKBOOK_CONTEXT": ""}) as first:
        poll(lambda: "Terminating" in kubectl("get", "namespaces"), timeout=120)
        first.kill()
    done = subprocess.run(command, cwd=ROOT, env=os.environ | {"KUBECONFIG": "", "WORKBOOK_CONTEXT": ""}, timeout=600)
    assert done.returncode == 0
    left = kubectl("get", "namespaces,clusterroles,clusterrolebindings", "-o", "name").split()
    assert not [name for name in left if ADA in name or BOB in name or "workbook-class" in name]
    assert "namespace/somebodys-desk" in left
    kubectl("delete", "namespace", "somebodys-desk")
