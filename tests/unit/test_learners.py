"""A class on one simulated cluster: the commands for kubectl, and a learner's kubeconfig."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from workbook.base.errors import WorkbookError
from workbook.classroom import learners, network, tokens
from workbook.classroom.administrator import Administrator
from workbook.classroom.manifests import PRIVATE, ranges_of_pods
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
  *"get namespaces"*"--selector=workbook=learner"*) echo learner-2 learner-2-other;;
  *"get namespaces"*) echo kube-system default production another-workbook learner-2 learner-2-other free-other;;
  *"get --raw"*) cat "{tmp_path}/policies";;
  *"get daemonsets"*) cat "{tmp_path}/daemonsets";;
  *"get nodes"*) cat "{tmp_path}/ranges";;
  *"create token"*) echo token-of-the-learner;;
  *apply*learner-1.yaml) cp "$5" "{tmp_path}/applied.yaml";;
esac""",
    )
    (tmp_path / "daemonsets").write_text("kube-proxy calico-node", encoding="utf-8")
    (tmp_path / "policies").write_text('{"name": "mutatingadmissionpolicies"}'.replace(": ", ":"), encoding="utf-8")
    (tmp_path / "ranges").write_text("10.1.0.0/24 fd00::/64;10.1.1.0/24;", encoding="utf-8")
    monkeypatch.setenv("WORKBOOK_CONTEXT", "shared-admin")
    monkeypatch.setattr(learners, "ROOT", tmp_path)
    monkeypatch.setattr(tokens, "HANDED_OUT", tmp_path / "handed-out")
    monkeypatch.setattr(network, "made", list)
    return tmp_path


def commands(folder):
    """The commands that were run, without the context."""
    lines = (folder / "commands").read_text(encoding="utf-8").splitlines()
    assert all(line.startswith("--context shared-admin ") for line in lines)
    return [line.removeprefix("--context shared-admin ") for line in lines]


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


def test_the_manifest_names_the_learner_and_the_ranges_of_pods(administrator):
    learners.classroom("learner-1")
    applied = (administrator / "applied.yaml").read_text(encoding="utf-8")
    assert "name: learner-1" in applied and "LEARNER" not in applied and "PODS" not in applied
    (policy,) = [each for each in yaml.safe_load_all(applied) if each["kind"] == "NetworkPolicy"]
    assert policy["spec"]["ingress"][0]["from"][1]["ipBlock"]["except"] == ["10.1.0.0/24", "10.1.1.0/24"]
    assert "169.254.169.254/32" in policy["spec"]["egress"][0]["to"][1]["ipBlock"]["except"]


@pytest.mark.parametrize("stated", ["", ";", "10.1.0.0/24;;", "fd00::/64;"])
def test_without_the_ranges_of_all_pods_all_private_addresses_count(administrator, stated):
    (administrator / "ranges").write_text(stated, encoding="utf-8")
    assert ranges_of_pods(Administrator("shared-admin")) == PRIVATE


def test_what_is_outside_of_the_namespace_has_the_label_by_which_it_is_deleted():
    text = (learners.ROOT / "classroom/learner.yaml").read_text(encoding="utf-8")
    outside = [each["metadata"] for each in yaml.safe_load_all(text) if each["metadata"].get("namespace") != "LEARNER"]
    assert len(outside) == 5
    assert all(
        each["labels"].items() >= {"workbook": "learner", "workbook-learner": "LEARNER"}.items() for each in outside
    )
    for name in ("cluster.yaml", "network.yaml", "visitor.yaml"):
        text = (learners.ROOT / "classroom" / name).read_text(encoding="utf-8")
        assert all(each["metadata"]["labels"]["workbook"] == "classroom" for each in yaml.safe_load_all(text))


def test_an_older_kubernetes_does_not_get_a_policy_that_it_does_not_know(administrator):
    (administrator / "policies").write_text('{"name":"validatingadmissionpolicies"}', encoding="utf-8")
    learners.classroom("learner-1")
    learners.delete()
    assert not [each for each in commands(administrator) if "visitor.yaml" in each or "mutating" in each]


def test_a_known_network_plugin_is_named(administrator, capsys):
    learners.classroom("learner-1")
    assert "✓ calico-node enforces NetworkPolicies." in capsys.readouterr().out


def test_a_cluster_without_a_known_network_plugin_is_pointed_out(administrator, capsys):
    (administrator / "daemonsets").write_text("kube-proxy", encoding="utf-8")
    learners.classroom("learner-1")
    assert "can reach each other" in capsys.readouterr().out


@pytest.mark.parametrize("source", ["built here", "bundle"])
def test_the_plugin_is_installed_where_the_node_image_was_built_here(source, administrator, monkeypatch, capsys):
    class Kind:
        """A kind cluster of the workbook."""

        context, built_here, engine = "shared-admin", True, None
        bundle = SimpleNamespace(archive=lambda purpose: (f"workbook-{purpose}:bundle-1", Path("archive")))
        settings = SimpleNamespace(bundle=bundle if source == "bundle" else None)
        load = staticmethod(print)

    monkeypatch.setattr(network, "Kind", Kind)
    monkeypatch.setattr(network, "made", lambda: [Kind()])
    monkeypatch.setattr(network, "load", lambda engine, tag, archive: tag)
    monkeypatch.setattr(network.node, "network_image", lambda engine: "workbook-network:1")
    (administrator / "daemonsets").write_text("kube-proxy workbook-network", encoding="utf-8")
    learners.classroom("learner-1")
    tag = {"built here": "1", "bundle": "bundle-1"}[source]
    assert f"workbook-network:{tag}\n" in capsys.readouterr().out
    assert any("rollout status daemonset/workbook-network" in command for command in commands(administrator))


@pytest.mark.parametrize("name", ["kube-system", "default", "production", "another-workbook", "free"])
def test_a_namespace_that_was_not_made_for_a_learner_is_refused_before_anything_changes(administrator, name):
    with pytest.raises(WorkbookError, match=rf"'{name}(-other)?' already exists(.|\n)*another name"):
        learners.classroom("learner-1", name)
    assert not any(command.startswith("apply") for command in commands(administrator))


def test_two_learners_with_the_same_name_are_refused(administrator):
    with pytest.raises(WorkbookError, match="Two learners have the name 'ada'"):
        learners.classroom("ada", "bob", "ada")
    assert not (administrator / "commands").exists()


def deleted(folder):
    """The commands that delete something."""
    return [command for command in commands(folder) if command.startswith("delete")]


def test_only_what_was_made_is_deleted(administrator, capsys):
    learners.classroom("learner-2")
    (administrator / "commands").unlink()
    learners.delete()
    assert deleted(administrator) == [
        "delete clusterrolebindings,rolebindings,clusterroles --selector=workbook=learner --all-namespaces",
        "delete namespaces --ignore-not-found --wait=false learner-2-other",
        "delete namespaces --ignore-not-found --timeout=300s learner-2-other learner-2",
        "delete validatingadmissionpolicybindings,validatingadmissionpolicies --selector=workbook=classroom --all-namespaces",
        "delete mutatingadmissionpolicybindings,mutatingadmissionpolicies --selector=workbook=classroom --all-namespaces",
        "delete clusterrolebindings,clusterroles --selector=workbook=classroom --all-namespaces",
        "delete daemonsets,serviceaccounts --selector=workbook=classroom --all-namespaces",
    ]
    assert not (administrator / "handed-out" / "learner-2.kubeconfig").exists()
    assert "✓ learner-2 deleted." in capsys.readouterr().out


def test_a_single_learner_is_deleted_and_the_class_goes_on(administrator):
    learners.delete("learner-2")
    first, *_, last = deleted(administrator)
    assert "--selector=workbook=learner,workbook-learner in (learner-2)" in first
    assert last.endswith("learner-2-other learner-2")


@pytest.mark.parametrize("name", ["production", "learner-2-other", "unknown"])
def test_a_namespace_that_was_not_made_for_a_learner_is_not_deleted(administrator, name):
    with pytest.raises(WorkbookError, match=r"is not deleted(.|\n)*The learners are: learner-2\."):
        learners.delete("learner-2", name)
    assert deleted(administrator) == []


def test_after_an_interrupted_deletion_the_next_one_finds_the_learner(administrator, program):
    fail = f"""echo "$*" >> "{administrator}/commands"
case "$*" in
  *"get namespaces"*) echo learner-2;;
  *"delete namespaces"*timeout*) exit 1;;
esac"""
    program("kubectl", fail)
    for _ in range(2):
        with pytest.raises(WorkbookError):
            learners.delete()
    assert deleted(administrator)[:3] == deleted(administrator)[3:]


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
