"""The safety of a reader's machine."""

import os
import re
import signal
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

import workbook
from tests import sessions
from workbook.base.errors import WorkbookError
from workbook.base.paths import ROOT, home
from workbook.cluster.current import current
from workbook.engine.catalog import catalog, is_current
from workbook.engine.proxies import PROXIES
from workbook.lessons.build import build
from workbook.lessons.docker import docker

pytestmark = pytest.mark.cluster


def answered(url):
    """The HTTP status; None if no server answers yet."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=20) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return None


def test_jupyterlab_is_on_loopback_and_wants_its_token():
    process = subprocess.Popen(
        [sys.executable, "-m", "workbook", "lab"],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    )
    try:
        told = next(
            found for line in process.stdout if (found := re.search(r"http://127\.0\.0\.1:(\d+)/\S+=(\S+)", line))
        )
        port, token = told.groups()
        assert next(line for line in process.stdout if "Ctrl-C" in line)
        base = f"http://127.0.0.1:{port}/api/contents"
        deadline = time.monotonic() + 60
        while (refused := answered(base)) is None:
            assert time.monotonic() < deadline and process.poll() is None, "JupyterLab does not answer"
            time.sleep(0.2)
        assert refused == 403
        assert answered(f"{base}?token={token}") == 200
        assert sessions.listening(process.pid, int(port)) == {("127.0.0.1", int(port))}
        commands = subprocess.run(
            ["ps", "-eo", "args="], capture_output=True, encoding="utf-8", errors="replace"
        ).stdout
        assert token not in commands, "other users of this machine can read it"
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


@pytest.mark.skipif(os.name == "nt", reason="Windows has other rights than these")
def test_nobody_else_reads_the_kubeconfigs():
    found = list((home() / "clusters").glob("*/kubeconfig"))
    assert found
    for path in found:
        assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path


@pytest.mark.same_image
@pytest.mark.parametrize("image", catalog())
def test_images_do_not_run_as_root(image):
    engine = current().docker()
    if not is_current(engine, image):
        build(image, log=False)
    assert engine.images.get(image).attrs["Config"]["User"] not in ("", "0", "root")
    assert docker("run", "--rm", "--network=none", "--entrypoint=id", image, "-u") != "0"
    history = " ".join(layer["CreatedBy"] for layer in engine.images.get(image).history())
    for name in PROXIES:
        assert not (value := os.environ.get(name)) or value not in history, "a proxy's address is in the image"


@pytest.mark.parametrize("name", ["--all", "", "-n=kube-system", "a/b", "Web", "a b", "../x"])
def test_what_is_no_name_never_reaches_kubectl(name):
    for call in (
        lambda: workbook.delete("pod", name),
        lambda: workbook.delete(name, "a"),
        lambda: workbook.scale(name, 0),
    ):
        with pytest.raises(WorkbookError, match="is not a valid object name"):
            call()


def test_a_namespace_cannot_lead_elsewhere_in_the_api():
    with pytest.raises(
        WorkbookError, match=r"refuses to list pods in the Namespace '../../nodes'(.|\n)*could not find"
    ):
        workbook.pods(namespace="../../nodes")
    with pytest.raises(WorkbookError, match=r"unable to parse(.|\n)*Correct the Namespace or the selector"):
        workbook.pods(selector="app=a&watch=true")
