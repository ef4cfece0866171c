"""A class of two in a browser: what learners do, and what they may not do."""

import time

import pytest
import requests

from tests.classroom.hub.conftest import ADA, BOB
from tests.kernel import await_kernel
from workbook.base.notebooks import find
from workbook.classroom import board
from workbook.classroom.hub.objects import DESK
from workbook.classroom.page import served
from workbook.machine.browser import browser

playwright = pytest.importorskip("playwright.sync_api", reason="`make class-test` installs what drives a browser")
expect = playwright.expect
pytestmark = [pytest.mark.cluster, pytest.mark.slow]
SLOWEST = 300_000
"""Milliseconds that a notebook may take."""
FEW = 5_000
"""Milliseconds after which the board shows what a learner has done."""
SOLVED = 'name_service = pods(namespace="kube-system", selector="k8s-app=kube-dns")'


def test_a_learners_way_from_the_link_to_the_exercise_and_the_board(opened, shoot):
    with browser() as running, board.opened() as overview:
        overview.read()
        overview.watch()
        page = running.new_page(viewport={"width": 1440, "height": 900})
        begun = time.monotonic()
        page.goto(opened.links[ADA])
        notebook = page.locator(".jp-NotebookPanel:visible")
        expect(notebook.locator(".jp-Cell").first).to_be_visible(timeout=SLOWEST)
        assert "token" not in page.url
        await_kernel(notebook, SLOWEST)
        shoot(page, "class-1-notebook")
        exercise = notebook.locator(".jp-CodeCell", has_text="name_service = None").first
        exercise.locator(".cm-content").click()
        run(page, "Run All Above Selected Cell")
        # The recorded table has another provider. With all cells rendered at once, scrolling does not matter.
        expect(notebook.locator(".jp-OutputArea table").first).to_contain_text(
            "existing: WORKBOOK_CLUSTER", timeout=SLOWEST
        )
        print(f"The first table came after {time.monotonic() - begun:.0f} s.")
        shoot(page, "class-2-table")
        with served(overview) as address:
            instructors = running.new_page(viewport={"width": 1440, "height": 900})
            instructors.goto(address)
            line = instructors.get_by_role("row").filter(has=instructors.get_by_role("rowheader", name=ADA))
            expect(line.locator("[data-label='00']")).to_contain_text("0/2 exercises", timeout=SLOWEST)
            shoot(instructors, "class-3-board")
            exercise.locator(".cm-content").click()
            page.keyboard.press("ControlOrMeta+KeyA")
            page.keyboard.insert_text(SOLVED)
            for _ in range(3):  # the cell, the text below it, and the check
                page.keyboard.press("Shift+Enter")
            check = notebook.locator(".jp-CodeCell", has_text="part=1)")  # its recorded output is that of a failure
            expect(check.locator(".jp-OutputArea")).to_contain_text("Exercise 00.1 is done.", timeout=SLOWEST)
            shoot(page, "class-4-exercise")
            expect(line.locator("[data-label='00']")).to_contain_text("1/2 exercises", timeout=FEW)
            expect(line.locator("[data-label='Exercises']")).to_contain_text("1 of")
            shoot(instructors, "class-5-board")


def run(page, command):
    """Choose a command in JupyterLab's menu *Run*."""
    page.locator(".lm-MenuBar-item", has_text="Run").click()
    page.locator(".lm-Menu-item", has_text=command).first.click()


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
    # Directly, around the proxy: the network policy of the desk refuses it. Her own desk can be reached.
    for learner, result in ((ADA, "reached\n"), (BOB, "refused\n")):
        address = opened.kubectl("get", "pod", "desk", f"-n{learner}{DESK}", "-o", "jsonpath={.status.podIP}")
        assert ada.run(CONNECT.format(address)) == (result, "")


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
