"""What cells call, on a cluster."""

import re
import socket
import subprocess

import pytest

import workbook
from workbook.base.errors import WorkbookError
from workbook.cluster.current import current
from workbook.engine import catalog
from workbook.lessons import kubectl
from workbook.lessons.kubectl import MANIFESTS, KubectlError
from workbook.lessons.wait import WaitTimeout

pytestmark = pytest.mark.cluster
MANIFEST = "1-03-webapp-deployment.yaml"


@pytest.fixture
def webapp():
    workbook.apply(MANIFEST)
    workbook.rollout_status("webapp-deployment")


def changed(tmp_path, before, after):
    """A copy of the manifest in which `before` is `after`."""
    text = (MANIFESTS / MANIFEST).read_text()
    assert before in text
    path = tmp_path / "changed.yaml"
    path.write_text(text.replace(before, after))
    return str(path)


@pytest.mark.parametrize("path", sorted(MANIFESTS.glob("*.yaml")), ids=lambda path: path.name)
def test_the_api_server_accepts_each_manifest_strictly(path):
    assert "(server dry run)" in kubectl.kubectl("apply", "--dry-run=server", "--validate=strict", "-f", str(path))


def test_tables_are_kubectls(webapp):
    for resource in ("pods", "deployments", "replicasets"):
        lines = kubectl.kubectl("get", resource, "-o", "wide").splitlines()
        table = workbook.get(resource, wide=True)
        assert ["NAME", *table.columns] == re.split(r"\s{2,}", lines[0].strip())
        assert list(table.index) == sorted(line.split()[0] for line in lines[1:])


def test_a_table_of_nothing_keeps_its_columns():
    assert list(workbook.pods().columns) == ["READY", "STATUS", "RESTARTS"]
    assert workbook.pods().empty


def test_no_such_table():
    with pytest.raises(WorkbookError, match=r"no table of 'podz'(.|\n)*pods"):
        workbook.get("podz")


def test_a_rollout_that_cannot_succeed_says_why(tmp_path):
    kubectl.kubectl("apply", "-f", changed(tmp_path, "web-app:1.0", "web-app:9.9"))
    said = r"webapp-deployment-\S+: ErrImageNeverPull(.|\n)*not on the node(.|\n)*Do:  Build it"
    with pytest.raises(WaitTimeout, match=said):
        workbook.rollout_status("webapp-deployment", timeout=8)


def test_a_rollout_of_nothing():
    with pytest.raises(WorkbookError, match=r"no Deployment 'webapp-deployment'"):
        workbook.rollout_status("webapp-deployment")


def test_a_selector_that_does_not_match_is_refused(tmp_path):
    with pytest.raises(KubectlError, match=r"`selector` does not match template `labels`"):
        kubectl.kubectl(
            "apply", "-f", changed(tmp_path, "matchLabels:\n      app: webapp", "matchLabels:\n      app: other")
        )


def test_a_manifest_that_is_not_there():
    with pytest.raises(WorkbookError, match=r"no manifest 'webapp.yaml'(.|\n)*1-03-webapp-deployment.yaml"):
        workbook.apply("webapp.yaml")


def test_a_log_that_would_never_end():
    with pytest.raises(WorkbookError, match=r"never end"):
        kubectl.magic("logs -f deployment/webapp-deployment")


class TestPortForward:
    def test_a_taken_port_is_replaced_and_that_is_said(self, webapp, capsys):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            with workbook.port_forward("deployment/webapp-deployment", f"{port}:5000") as forward:
                assert forward.port != port
                assert workbook.page(forward.url).text == "Welcome!"
        assert f"Port {port} of this machine is taken" in capsys.readouterr().out

    def test_it_listens_on_loopback_only_and_ends_with_its_block(self, webapp):
        with workbook.port_forward("deployment/webapp-deployment", "0:5000") as forward:
            listening = subprocess.run(["ss", "-ltn"], capture_output=True, text=True).stdout
            assert f"127.0.0.1:{forward.port} " in listening or not listening
        with pytest.raises(OSError):
            socket.create_connection(("127.0.0.1", forward.port), timeout=1)

    def test_it_reaches_the_successor_of_a_pod_that_was_deleted(self, webapp):
        with workbook.port_forward("deployment/webapp-deployment", "0:5000") as forward:
            assert workbook.page(forward.url).status == 200
            workbook.delete("pod", workbook.pods(wide=True).index[0])
            workbook.pods_ready("app=webapp", 1)
            assert workbook.page(forward.url).status == 200

    def test_nothing_to_forward_to(self):
        with pytest.raises(WorkbookError, match=r"no deployment 'webapp-deployment'"):
            workbook.port_forward("deployment/webapp-deployment", "0:5000").__enter__()


def test_an_image_that_fails_to_build_shows_the_failing_step(tmp_path, monkeypatch):
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/Dockerfile").write_text("ARG BASE\nFROM ${BASE}\nRUN echo the cause is here && exit 7\n")
    (tmp_path / "images.toml").write_text('["web-app:1.0"]\ncontext = "broken"\nbases = {BASE = "python"}\n')
    monkeypatch.setattr(catalog, "APP", tmp_path)
    with pytest.raises(WorkbookError, match=r"not built(.|\n)*returned a non-zero code: 7(.|\n)*the cause is here"):
        workbook.build("web-app:1.0", log=False)


def test_an_image_the_workbook_does_not_have():
    with pytest.raises(WorkbookError, match=r"no image 'web-app:7'(.|\n)*web-app:1.0"):
        workbook.build("web-app:7")


def test_the_image_on_the_node_is_listed():
    assert list(workbook.images().itertuples(name=None)) == [("web-app", "1.0")]
    assert "web-app:1.0" in {str(image) for image in current().images()}
