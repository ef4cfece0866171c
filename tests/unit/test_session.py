"""The environment of kernels and terminals."""

import os
import shlex
import shutil
from pathlib import Path

import pytest

from workbook.kube import kubeconfig
from workbook.machine import session


def test_commands_use_the_workbooks_cluster_before_it_is_there(home):
    variables = session.for_commands()
    assert variables["KUBECONFIG"] == str(home / "clusters/workbook/kubeconfig")
    assert Path(variables["PATH"].split(os.pathsep)[0]).is_relative_to(home)
    assert not (home / "clusters").exists(), "it made a cluster's folder, as if there had been one"


@pytest.mark.parametrize(
    ("theirs", "kept"),
    [
        ("", ""),
        ("/a/config", "/a/config"),
        ("learner-1.kubeconfig", "{cwd}/learner-1.kubeconfig"),
        ("/a:b", "/a:{cwd}/b"),
    ],
)
def test_the_readers_own_kubeconfig_is_kept_in_a_shell_in_a_shell(home, monkeypatch, theirs, kept):
    monkeypatch.setenv("KUBECONFIG", theirs)
    for _ in range(3):
        variables = session.for_commands()
        assert variables[kubeconfig.USERS] == kept.format(cwd=Path.cwd())
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
    monkeypatch.setenv("KUBECONFIG", "/another")
    assert kubeconfig.users() == "/another", "what a reader sets in the shell counts"


def test_kernels_have_folders_of_their_own_whatever_the_readers_are(home, monkeypatch):
    for name in (*session.FOLDERS, "JUPYTER_PATH"):
        monkeypatch.setenv(name, "/reader")
    variables = session.for_kernels()
    assert variables["JUPYTER_PATH"] == ""
    for name in session.FOLDERS:
        assert Path(variables[name]).is_dir() and Path(variables[name]).is_relative_to(home)
    assert variables.items() >= session.for_commands().items()


@pytest.fixture
def asked(home, program, monkeypatch):
    """A function that returns the commands to type in a bash with these start-up files."""
    (own := home / "own").mkdir()
    (own / "kubectl").symlink_to("/bin/true")
    variables = {"KUBECONFIG": "/workbook's/config", "PATH": f"{own}:{os.environ['PATH']}"}
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("SHELL", shutil.which("bash"))

    def ask(startup):
        (home / ".bashrc").write_text(startup, encoding="utf-8")
        return session.repairs(variables)

    return ask


@pytest.mark.parametrize(
    ("startup", "commands"),
    [
        ("", []),
        ("export PATH=/opt/tools/bin:$PATH; echo Welcome", []),
        ("export KUBECONFIG=~/.kube/production", ["""export KUBECONFIG='/workbook'"'"'s/config'"""]),
        ("unset KUBECONFIG", ["""export KUBECONFIG='/workbook'"'"'s/config'"""]),
        ("export PATH=/usr/bin:/bin", ["export PATH={own}:$PATH"]),
        ("mkdir -p ~/first; cp /bin/true ~/first/kubectl; PATH=~/first:$PATH", ["export PATH={own}:$PATH"]),
        ("alias kubectl=kubecolor", ["unalias kubectl"]),
        ("kubectl() { ssh elsewhere kubectl; }", ["unset -f kubectl"]),
        ("exit 1", []),
        ("(exec sleep 60) & echo $! > ~/left", []),
    ],
)
def test_start_up_files_that_lead_kubectl_elsewhere(asked, home, startup, commands):
    assert asked(startup) == [command.format(own=shlex.quote(str(home / "own"))) for command in commands]
    if (left := home / "left").exists():
        os.kill(int(left.read_text(encoding="utf-8")), 15)


def test_a_shell_that_does_not_answer_is_not_waited_for(asked, monkeypatch):
    monkeypatch.setattr(session, "PATIENCE", 0.3)
    assert asked("exec sleep 60") == []


@pytest.mark.parametrize("shell", ["/nonexistent", "/bin/false", ""])
def test_a_shell_that_cannot_be_asked(asked, monkeypatch, shell):
    monkeypatch.setenv("SHELL", shell)
    assert asked("") == []
