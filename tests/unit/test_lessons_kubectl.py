"""kubectl as cells run it: its arguments, its output, and its errors."""

import json

import pytest
import yaml

from workbook.base.errors import WorkbookError
from workbook.base.paths import ROOT
from workbook.lessons.kubectl import KubectlError, apply, delete, kubectl, kubectl_output, magic, scale

WARNS = "echo 'WARNING: this login plugin is old' >&2\n"
MANIFEST = "manifests/1-03-webapp-deployment.yaml"


@pytest.fixture
def words(kubectl_script, tmp_path):
    """A kubectl that records its arguments, and a function that reads them."""
    kubectl_script(f'printf "%s\\n" "$@" > "{tmp_path}/words"')
    return lambda: (tmp_path / "words").read_text(encoding="utf-8").splitlines()


def test_a_reader_sees_output_and_warnings_in_their_order(kubectl_script):
    kubectl_script(f"echo first\n{WARNS}echo last")
    assert kubectl("get", "pods") == "first\nWARNING: this login plugin is old\nlast"
    assert repr(magic("get pods")) == kubectl("get", "pods")


def test_what_is_parsed_has_no_warnings_in_it(kubectl_script):
    kubectl_script(WARNS + """echo '{"items": []}'""")
    assert json.loads(kubectl_output("get", "pods", "-o", "json")) == {"items": []}


@pytest.mark.parametrize("function", [kubectl, kubectl_output])
def test_an_error_is_kubectls_own(kubectl_script, function):
    kubectl_script(f"{WARNS}echo 'error: no such host' >&2; exit 3")
    with pytest.raises(KubectlError) as refused:
        function("get", "pods")
    assert str(refused.value) == "WARNING: this login plugin is old\nerror: no such host"
    assert refused.value.code == 3


def test_a_known_error_has_a_fix(kubectl_script):
    kubectl_script("echo 'error: unable to listen on any of the requested ports: [{80 80}]' >&2; exit 1")
    with pytest.raises(KubectlError, match=r"unable to listen(.|\n)*Do:  .*`port_forward"):
        kubectl("port-forward", "pod/web", "80")


def test_it_gets_the_workbooks_kubeconfig_and_no_aliases(kubectl_script, home):
    kubectl_script('echo "$KUBECONFIG $KUBECACHEDIR $KUBECTL_KUBERC $PWD"')
    folder = home / "clusters/workbook"
    assert kubectl("get", "pods") == f"{folder}/kubeconfig {folder}/kubectl false {ROOT}"


def test_without_a_kubeconfig_it_does_not_run(words, home):
    (home / "clusters/workbook/kubeconfig").unlink()
    with pytest.raises(WorkbookError, match=r"not connected to its cluster"):
        kubectl("get", "pods")


def test_images_are_those_of_the_registry(words):
    kubectl("run", "once", "--image=web-app:1.0", "--image-pull-policy=Never", "--", "--other")
    assert words() == [
        "run",
        "once",
        "--image=registry:5000/web-app:1.0",
        "--image-pull-policy=Always",
        "--",
        "--other",
    ]


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (["--image", "web-app:1.0"], ["--image", "registry:5000/web-app:1.0"]),
        (
            ["--image", "web-app:1.0", "--image-pull-policy", "Never"],
            ["--image", "registry:5000/web-app:1.0", "--image-pull-policy", "Always"],
        ),
        (["--image=nginx:1.27"], ["--image=nginx:1.27"]),
        (
            ["--image", "nginx:1.27", "--image-pull-policy=Never"],
            ["--image", "nginx:1.27", "--image-pull-policy=Never"],
        ),
    ],
)
def test_only_the_workbooks_images_are_those_of_the_registry(words, typed, expected):
    kubectl("run", "once", *typed)
    assert words() == ["run", "once", *expected]


def test_each_manifest_has_the_images_of_the_registry(kubectl_script, home):
    kubectl_script('cat "$3" "$5"')
    printed = kubectl("apply", "-f", MANIFEST, "-f", "manifests/1-04-webapp-service.yaml")
    assert "image: registry:5000/web-app:1.0" in printed and "imagePullPolicy: Always" in printed
    assert "kind: Service" in printed
    assert "image: web-app:1.0" in (ROOT / MANIFEST).read_text(encoding="utf-8")


def test_the_init_containers_of_a_manifest_have_the_images_of_the_registry(kubectl_script):
    kubectl_script('cat "$3"')
    spec = yaml.safe_load(kubectl("apply", "-f", "manifests/solutions/12-prepared.yaml"))["spec"]["template"]["spec"]
    images = [container["image"] for container in spec["initContainers"] + spec["containers"]]
    assert images == ["registry:5000/web-app:1.0"] * 2


def test_each_manifest_of_a_folder_has_the_images_of_the_registry(kubectl_script, home):
    kubectl_script('cat "$3"/puzzle-3.yaml "$5"')
    printed = kubectl("apply", "-f", "manifests/puzzles", "-f", "manifests/1-04-webapp-service.yaml")
    assert "image: registry:5000/web-app:1.0" in printed and "kind: Service" in printed


@pytest.mark.parametrize("option", [["-f"], ["--filename"]])
def test_each_form_of_the_option_has_the_images_of_the_registry(kubectl_script, option):
    kubectl_script('cat "${3:-${2#*=}}"')
    assert "image: registry:5000/web-app:1.0" in kubectl("apply", *option, MANIFEST)
    assert "image: registry:5000/web-app:1.0" in kubectl("apply", f"{option[0]}={MANIFEST}")


@pytest.fixture
def work(monkeypatch, tmp_path):
    """The folder work/ of a repository."""
    monkeypatch.setattr("workbook.lessons.kubectl.ROOT", tmp_path)
    (tmp_path / "work").mkdir()
    return tmp_path / "work"


def test_a_manifest_that_was_deleted_is_not_applied_again(kubectl_script, work):
    kubectl_script('cat "$3"/*.yaml')
    for name in ("first", "second"):
        (work / f"{name}.yaml").write_text(f"kind: {name}\n", encoding="utf-8")
    assert kubectl("apply", "-f", "work") == "kind: first\nkind: second"
    (work / "first.yaml").unlink()
    assert kubectl("apply", "-f", "work") == "kind: second"


def test_a_manifest_outside_of_the_repository_is_not_copied(kubectl_script, work):
    (work.parents[1] / "theirs.yaml").write_text("kind: theirs\n", encoding="utf-8")
    kubectl_script('cat "$3"; echo "$PWD"')
    assert kubectl("apply", "-f", "../theirs.yaml") == f"kind: theirs\n{work.parent}"


@pytest.mark.parametrize(
    "text",
    [
        "kind: Pod\n  spec: wrong\n",
        "kind: Pod\nmetadata: {name: a\n",
    ],
)
def test_a_mistake_in_yaml_is_left_to_kubectl(kubectl_script, work, text):
    (work / "typo.yaml").write_text(text, encoding="utf-8")
    kubectl_script('cat "$3"; echo "error: error parsing $3" >&2; exit 1')
    with pytest.raises(KubectlError, match=r"error parsing work/typo\.yaml") as refused:
        kubectl("apply", "-f", "work/typo.yaml")
    assert refused.value.output.startswith(text)


@pytest.mark.parametrize(
    ("text", "documents"),
    [
        ("kind: Pod\n---\n", [{"kind": "Pod"}]),
        ("# nothing yet\n", []),
        ("kind\n", ["kind"]),
        ("kind: Pod\nspec: wrong\n", [{"kind": "Pod", "spec": "wrong"}]),
        (
            "spec:\n  template:\n  spec:\n    containers:\n",
            [{"spec": {"template": None, "spec": {"containers": None}}}],
        ),
        ("spec: {containers: [a, {image: [b]}]}\n", [{"spec": {"containers": ["a", {"image": ["b"]}]}}]),
    ],
)
def test_a_manifest_of_another_structure_is_left_to_kubectl(kubectl_script, work, text, documents):
    (work / "other.yaml").write_text(text, encoding="utf-8")
    kubectl_script('cat "$3"')
    assert list(yaml.safe_load_all(kubectl("apply", "-f", "work/other.yaml"))) == documents


def test_to_follow_a_log_is_no_manifest(kubectl_script):
    kubectl_script('echo "$PWD"')
    assert kubectl("logs", "-f", "deployment/webapp") == str(ROOT)


def test_apply_finds_a_manifest_by_its_name_or_path(words):
    for manifest in ("1-03-webapp-deployment.yaml", MANIFEST):
        apply(manifest)
        assert words() == ["apply", "-f", MANIFEST]


def test_apply_takes_a_file_of_the_users(words, tmp_path):
    (tmp_path / "mine.yaml").touch()
    apply(tmp_path / "mine.yaml")
    assert words() == ["apply", "-f", str(tmp_path / "mine.yaml")]


def test_apply_takes_the_text_of_a_manifest(kubectl_script):
    kubectl_script('cat "$3"')
    printed = apply((ROOT / MANIFEST).read_text(encoding="utf-8").replace("replicas: 1", "replicas: 3"))
    [container] = yaml.safe_load(printed)["spec"]["template"]["spec"]["containers"]
    assert (container["image"], container["imagePullPolicy"]) == ("registry:5000/web-app:1.0", "Always")


def test_a_manifest_that_is_not_there(words):
    with pytest.raises(WorkbookError, match=r"no manifest 'webapp.yaml'(.|\n)*1-03-webapp-deployment.yaml"):
        apply("webapp.yaml")


def test_delete_and_scale(words):
    delete("deployment", "webapp")
    assert words() == ["delete", "deployment", "webapp", "--ignore-not-found", "--cascade=foreground"]
    scale("webapp", 3)
    assert words() == ["scale", "--replicas=3", "deployment", "webapp"]


@pytest.mark.parametrize("name", ["--all", "Webapp", "", "a b", "web-"])
def test_a_name_that_would_be_an_option_is_refused(words, name):
    with pytest.raises(WorkbookError, match="is not a valid object name"):
        delete("pod", name)


def test_the_magic_reads_a_line_as_a_shell_does(words):
    magic("get pods -o jsonpath='{.items[0].metadata.name} {.kind}'")
    assert words() == ["get", "pods", "-o", "jsonpath={.items[0].metadata.name} {.kind}"]


@pytest.mark.parametrize("option", ["-f", "--follow"])
def test_a_log_that_would_never_end(option):
    with pytest.raises(WorkbookError, match="never end"):
        magic(f"logs {option} deployment/webapp")
