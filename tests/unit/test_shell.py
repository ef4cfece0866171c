"""`make shell`: the user's own shell on the workbook's cluster."""

import os
import shlex
import shutil
import subprocess
import sys

import pytest

from workbook.base.paths import ROOT, clusters


@pytest.fixture
def typed(home, monkeypatch):
    """A function that types lines into the shell, and returns its output."""
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("SHELL", shutil.which("bash"))

    def type_(*lines, status=0, **env):
        command = [sys.executable, "-m", "workbook.cli.shell"]
        text = "".join(f"{line}\n" for line in lines)
        done = subprocess.run(
            command,
            input=text,
            env=os.environ | {"PYTHONIOENCODING": "utf-8"} | env,
            cwd=ROOT,
            capture_output=True,
            encoding="utf-8",
            timeout=60,
        )
        assert done.returncode == status, done.stderr
        return done.stdout

    return type_


@pytest.fixture
def newer(api_server):
    """A cluster that the kubectl in this Python environment does not fit; the one on PATH does."""
    api_server.version = "v1.99.0"


def test_kubectl_is_the_workbooks_and_on_its_cluster(newer, kubectl_script, typed):
    kubectl_script('echo "$KUBECONFIG: $*"')
    printed = typed("kubectl get pods", KUBECONFIG="/reader/config")
    assert f"{clusters()}/workbook/kubeconfig: get pods\n" in printed
    assert (
        printed.startswith("In this shell, kubectl uses an existing cluster, context 'cloud'")
        and "`exit` to leave" in printed
    )
    assert "make up" not in printed and "start-up files" not in printed


def test_one_that_fits_is_found_again_in_a_shell_in_a_shell(newer, kubectl_script, typed):
    kubectl_script('echo "$KUBECONFIG: $*"')
    inner = f"{shlex.quote(sys.executable)} -m workbook.cli.shell <<< 'kubectl get pods'"
    assert f"{clusters()}/workbook/kubeconfig: get pods\n" in typed(inner, KUBECONFIG="/reader/config")


def test_a_cluster_that_is_being_set_up(typed, set_up_process):
    set_up_process()
    printed = typed("true", WORKBOOK_CLUSTER="kind")
    assert "The cluster is being set up: Compile etcd v3: " in printed and "make up" not in printed


@pytest.mark.parametrize("provider", ["kind", "minikube"])
def test_a_cluster_that_is_not_there_is_said(typed, provider):
    """The shell starts no cluster, and kubectl does not use another cluster."""
    printed = typed('echo "config: $KUBECONFIG, profile: $MINIKUBE_PROFILE"', WORKBOOK_CLUSTER=provider)
    assert "The cluster is not running: `make up` starts it." in printed
    profile = "workbook" if provider == "minikube" else ""
    assert f"config: {clusters()}/workbook/kubeconfig, profile: {profile}\n" in printed


def test_start_up_files_are_read_and_what_they_change_is_said(kubectl_script, typed, home):
    kubectl_script("exit")
    (home / ".bashrc").write_text("export KUBECONFIG=/production; export PS1='mine> '", encoding="utf-8")
    printed = typed("true")
    assert f"First type: export KUBECONFIG={shlex.quote(f'{clusters()}/workbook/kubeconfig')}\n" in printed


def test_the_last_commands_failure_is_no_failure_of_make(typed):
    assert "left\n" in typed("echo left; exit 3", WORKBOOK_CLUSTER="kind")


def test_another_make_in_it_does_not_take_itself_for_a_part(typed):
    assert "level: \n" in typed(
        'echo "level: $MAKELEVEL$MAKEFLAGS"', WORKBOOK_CLUSTER="kind", MAKELEVEL="1", MAKEFLAGS="w"
    )


def test_a_shell_opens_even_if_the_cluster_is_not_named(typed):
    printed = typed("echo opened", WORKBOOK_CLUSTER="existing")
    assert "WORKBOOK_CONTEXT is not set" in printed and "opened\n" in printed
