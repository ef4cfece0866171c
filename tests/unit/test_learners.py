"""A class on one simulated cluster: the commands for kubectl, and a learner's kubeconfig."""

import pytest
import yaml

from workbook.base.errors import WorkbookError
from workbook.classroom import learners
from workbook.machine.session import for_commands

CONFIG = """
apiVersion: v1
kind: Config
clusters: [{name: shared, cluster: {server: "https://shared:6443", certificate-authority-data: QQ==}}]
users: [{name: admin, user: {token: of-the-administrator}}]
contexts: [{name: shared-admin, context: {cluster: shared, user: admin}}]
current-context: shared-admin
"""


@pytest.fixture
def administrator(program, monkeypatch, tmp_path):
    """An administrator whose kubectl answers without a cluster; the folder with the learners' files."""
    (tmp_path / "config").write_text(CONFIG, encoding="utf-8")
    program(
        "kubectl",
        f"""echo "$*" >> "{tmp_path}/commands"; echo "$KUBECONFIG" >> "{tmp_path}/kubeconfigs"
echo "Warning: a login plugin is old" >&2
case "$*" in
  *"config view"*) cat "{tmp_path}/config";;
  *"get namespaces --selector=workbook!=learner"*) echo kube-system default production another-workbook;;
  *"create token"*) echo token-of-the-learner;;
  *apply*learner-1.yaml) cp "$5" "{tmp_path}/applied.yaml";;
esac""",
    )
    monkeypatch.setenv("WORKBOOK_CONTEXT", "shared-admin")
    monkeypatch.setattr(learners, "ROOT", tmp_path)
    monkeypatch.setattr(learners, "HANDED_OUT", tmp_path / "handed-out")
    return tmp_path


def test_a_learner_receives_a_kubeconfig_with_a_token_and_nothing_of_the_administrator(administrator, capsys):
    learners.classroom("learner-1")
    file = administrator / "handed-out" / "learner-1.kubeconfig"
    config = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert config["clusters"] == yaml.safe_load(CONFIG)["clusters"]
    assert config["users"] == [{"name": "learner-1", "user": {"token": "token-of-the-learner"}}]
    assert config["current-context"] == "learner-1"
    context = {"cluster": "shared", "user": "learner-1", "namespace": "learner-1"}
    assert config["contexts"] == [{"name": "learner-1", "context": context}]
    assert file.stat().st_mode & 0o777 == 0o600
    shown = capsys.readouterr().out
    assert "token-of" not in shown and "✓ learner-1: handed-out/learner-1.kubeconfig" in shown
    assert "$ kubectl --context shared-admin create token" in shown


def test_the_manifest_names_the_learner_and_every_command_the_context(administrator):
    learners.classroom("learner-1")
    applied = (administrator / "applied.yaml").read_text(encoding="utf-8")
    assert "name: learner-1" in applied and "LEARNER" not in applied
    commands = (administrator / "commands").read_text(encoding="utf-8").splitlines()
    assert len(commands) == 5 and all(command.startswith("--context shared-admin ") for command in commands)


@pytest.mark.parametrize("name", ["kube-system", "default", "production", "another-workbook"])
def test_a_namespace_that_was_not_made_for_a_learner_is_refused_before_anything_changes(administrator, name):
    with pytest.raises(WorkbookError, match=rf"'{name}' already exists(.|\n)*another name"):
        learners.classroom("learner-1", name)
    assert "apply" not in (administrator / "commands").read_text(encoding="utf-8")


def test_a_learner_of_before_is_prepared_again(administrator):
    learners.classroom("learner-2")
    assert (administrator / "handed-out" / "learner-2.kubeconfig").exists()


@pytest.mark.parametrize("name", ["", "Ada", "1", "a b", "a-", "learner-1-other", "a" * 50])
def test_a_name_that_no_namespace_can_have(administrator, name):
    with pytest.raises(WorkbookError, match="cannot be the name"):
        learners.classroom("learner-1", name)
    assert not (administrator / "commands").exists()


def test_the_current_context_is_never_used(administrator, monkeypatch):
    monkeypatch.delenv("WORKBOOK_CONTEXT")
    with pytest.raises(WorkbookError, match="WORKBOOK_CONTEXT is not set"):
        learners.classroom("learner-1")
    assert not (administrator / "commands").exists()


@pytest.mark.parametrize("theirs", ["/administrator/config", ""])
def test_in_the_workbooks_shell_it_is_still_the_administrators_kubeconfig(administrator, home, monkeypatch, theirs):
    monkeypatch.setenv("KUBECONFIG", theirs)
    for name, value in for_commands().items():
        monkeypatch.setenv(name, value)
    learners.classroom("learner-1")
    assert set((administrator / "kubeconfigs").read_text(encoding="utf-8").splitlines()) == {theirs}
