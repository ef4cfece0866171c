"""`make clean` and `make down`: what they remove or stop, and what they keep."""

import json
import platform
import shutil
from types import SimpleNamespace

import pytest

import node
from workbook.base.errors import WorkbookError
from workbook.base.labels import MANAGED
from workbook.cli import clean, main, verbs
from workbook.engine import build, find, homes

DIGEST = "sha256:" + "a" * 64
IMAGES = {
    "sha256:app": (["web-app:1.0", "theirs:1"], [], MANAGED),
    "sha256:node": (["workbook-node:abc"], [], {}),
    "sha256:base": (["workbook-python:def"], [], {}),
    "sha256:official": ([], [f"kindest/node@{DIGEST}"], {}),
    "sha256:before": (["debian:stable-slim"], [], {}),
    "sha256:namesake": (["frontend:1.0"], [], {}),
    "sha256:untagged": ([], [], MANAGED),
}
OWN = {"web-app:1.0", "workbook-node:abc", "workbook-python:def", f"kindest/node@{DIGEST}"}


@pytest.fixture
def engine(docker_engine, home, monkeypatch, tmp_path_factory):
    """An engine with images of the workbook, and others; an official node image was pulled into it."""
    root = tmp_path_factory.mktemp("project")
    monkeypatch.setattr(clean, "ROOT", root)
    monkeypatch.setattr(clean, "made", list)
    docker_engine.stopped = []
    monkeypatch.setattr(clean.daemon, "stop", lambda: docker_engine.stopped.append(True))
    docker_engine.volumes, docker_engine.containers, docker_engine.networks = {}, [], []
    docker_engine.answers = {
        "GET /containers/json": docker_engine.containers,
        "GET /images/json": [{"Id": identity} for identity in IMAGES],
        "GET /networks": docker_engine.networks,
        "DELETE /.*": [],
        "POST /images/prune": {},
        **docker_engine.answers,
    }
    for identity, (tags, digests, labels) in IMAGES.items():
        image = {"Id": identity, "RepoTags": tags, "RepoDigests": digests, "Config": {"Labels": labels}}
        docker_engine.answers = {f"GET /images/{identity}/json": image, **docker_engine.answers}

    def add_note(label, value):
        name = f"volume-{len(docker_engine.volumes)}"
        docker_engine.volumes[name] = volume = {"Name": name, "Labels": MANAGED | {label: value}}
        docker_engine.answers["GET /volumes"] = {"Volumes": list(docker_engine.volumes.values())}
        docker_engine.answers = {f"GET /volumes/{name}": volume, **docker_engine.answers}
        return name

    docker_engine.note = add_note
    add_note(homes.PULLED, f"kindest/node:v1.37.0@{DIGEST}")
    add_note(homes.HOME, f"{platform.node()}:{home}")
    return docker_engine


def removed(engine, what="images"):
    return {request.what.removeprefix(f"DELETE /{what}/") for request in engine.asked(f"DELETE /{what}/.*")}


def used_by(engine, image, name, **fields):
    container = {"Id": name, "Names": [f"/{name}"], "ImageID": image, "State": "running", "Labels": {}} | fields
    engine.containers.append(container)
    engine.answers = {f"GET /containers/{name}/json": {"Id": name, "Name": f"/{name}"}, **engine.answers}


def test_clean_removes_what_the_workbook_made_and_nothing_else(engine, monkeypatch, capsys):
    (clean.ROOT / "build").mkdir()
    deleted = []
    monkeypatch.setattr(clean, "made", lambda: [SimpleNamespace(delete=lambda: deleted.append("cluster"))])
    clean.clean()
    assert deleted == ["cluster"] and engine.stopped
    assert removed(engine) == OWN, "an image of the same name that the workbook has not built stays"
    assert removed(engine, "volumes") == {"volume-0", "volume-1"}, "and its notes"
    (pruned,) = engine.asked("POST /images/prune")
    assert json.loads(pruned.query["filters"]) == {
        "dangling": ["true"],
        "label": ["app.kubernetes.io/managed-by=workbook"],
    }
    assert list(clean.ROOT.iterdir()) == []
    assert "stays" not in capsys.readouterr().out


def test_a_cluster_that_cannot_be_deleted_blocks_nothing_else(engine, monkeypatch, capsys):
    def fail():
        raise WorkbookError("minikube is not installed.", fix="Install it.")

    deleted = []
    clusters = [
        SimpleNamespace(name="first", delete=fail),
        SimpleNamespace(name="second", delete=lambda: deleted.append("second")),
    ]
    monkeypatch.setattr(clean, "made", lambda: clusters)
    with pytest.raises(WorkbookError, match=r"not deleted: first\.(.|\n)*then run `.* ?clean` again"):
        clean.clean()
    assert "minikube is not installed.\nDo:  Install it." in capsys.readouterr().err
    assert deleted == ["second"] and removed(engine) == OWN and engine.stopped


def test_nothing_is_removed_while_a_set_up_runs(engine, set_up_process):
    process = set_up_process()
    with pytest.raises(WorkbookError, match=rf"busy: process {process.pid} has been running `set-up`"):
        clean.clean()
    assert removed(engine) == set() and not engine.stopped
    process.communicate("\n")
    clean.clean()
    assert removed(engine) == OWN


def test_nothing_is_removed_by_force(engine):
    clean.clean()
    assert {request.query["force"] for request in engine.asked("DELETE /images/.*")} == {"False"}


@pytest.mark.parametrize("state", ["running", "exited", "created"])
def test_the_images_of_containers_stay(engine, capsys, state):
    used_by(engine, "sha256:node", "other-control-plane", State=state)
    used_by(engine, "sha256:official", "theirs-control-plane", State=state)
    clean.clean()
    assert removed(engine) == {"web-app:1.0", "workbook-python:def"}
    assert "volume-0" not in removed(engine, "volumes"), "the note of an image that stays"
    printed = capsys.readouterr().out
    assert "Keeping the image workbook-node:abc: the container other-control-plane uses it." in printed
    assert f"Keeping the image kindest/node@{DIGEST}: the container theirs-control-plane uses it." in printed
    assert bool(engine.stopped) == (state != "running"), "an engine with running containers is not stopped"


def test_what_another_home_uses_stays(engine, capsys, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    engine.note(homes.HOME, f"{platform.node()}:{other}")
    clean.clean()
    assert removed(engine) == set() and not engine.asked("POST /images/prune") and not engine.stopped
    assert removed(engine, "volumes") == {"volume-1"}, "this home does not use it any more"
    printed = capsys.readouterr().out
    for name in OWN:
        assert f"Keeping the image {name}: the workbook with its files in {other} uses it." in printed
    assert f"Keeping the Docker engine: the workbook with its files in {other} uses it." in printed


def test_a_home_on_another_machine_counts_too(engine, capsys):
    engine.note(homes.HOME, "elsewhere:/home/reader/.cache/kubernetes-workbook")
    clean.clean()
    assert removed(engine) == set()
    assert "/home/reader/.cache/kubernetes-workbook on elsewhere uses it" in capsys.readouterr().out


def test_a_home_that_was_deleted_uses_nothing(engine, tmp_path_factory):
    gone = tmp_path_factory.mktemp("gone")
    engine.note(homes.HOME, f"{platform.node()}:{gone}")
    shutil.rmtree(gone)
    clean.clean()
    assert removed(engine) == OWN and removed(engine, "volumes") == {"volume-0", "volume-1", "volume-2"}


def test_a_home_that_uses_the_engine_is_noted_in_it(engine, home, monkeypatch):
    engine.answers |= {"POST /volumes/create": {"Name": "x"}, "GET /volumes/x": {"Name": "x"}}
    build.base(find.ensure_engine(), "python")
    (created,) = engine.asked("POST /volumes/create")
    content = json.loads(created.body)
    assert content["Labels"] == MANAGED | {homes.HOME: f"{platform.node()}:{home}"}
    monkeypatch.setenv("WORKBOOK_HOME", str(home / "second"))
    build.base(find.ensure_engine(), "python")
    assert json.loads(engine.asked("POST /volumes/create")[1].body)["Name"] != content["Name"]


def test_an_engine_that_allows_no_volumes_works(engine):
    engine.answers["POST /volumes/create"] = (403, "authorization denied by plugin")
    assert build.base(find.ensure_engine(), "python") == "python:3.13-slim"


def test_a_container_that_an_interrupted_step_has_left_is_removed(engine):
    used_by(engine, "sha256:other", "left", Labels=MANAGED)
    clean.clean()
    assert removed(engine, "containers") == {"left"}


@pytest.mark.parametrize("used", [True, False])
def test_clean_removes_the_network_of_kind_unless_a_cluster_uses_it(engine, used):
    engine.networks.append({"Id": "n", "Name": "kind"})
    engine.answers = {"GET /networks/n": {"Id": "n", "Name": "kind", "Containers": {}}, **engine.answers}
    if used:  # by a stopped node, which the engine does not list under the network
        used_by(engine, "sha256:other", "theirs-control-plane", State="exited")
    clean.clean()
    assert (removed(engine, "networks") == {"n"}) != used


def test_clean_works_without_an_engine(engine, monkeypatch):
    monkeypatch.setattr(clean, "running_engine", lambda: None)
    clean.clean()
    assert engine.stopped and not engine.asked("DELETE .*")


def test_an_engine_that_goes_on_keeps_its_files(home, monkeypatch, tmp_path):
    """The engine's runtime is one of the removed files."""
    monkeypatch.setattr(main, "ROOT", tmp_path / "project")
    monkeypatch.setattr(main.environment, "VENV", tmp_path / "venv")
    (home / "engine").mkdir()
    (home / "clusters").mkdir()
    for name in ("dockerd.pid", "runc-wrapper"):
        (home / "engine" / name).touch()
    main._remove_files()
    assert sorted(path.name for path in home.rglob("*")) == ["dockerd.pid", "engine", "runc-wrapper"]
    (home / "engine/dockerd.pid").unlink()
    main._remove_files()
    assert not home.exists()


def test_down_stops_every_cluster_of_the_workbook(monkeypatch, tmp_path):
    stopped = []
    clusters = [
        SimpleNamespace(folder=tmp_path / name, stop=lambda name=name: stopped.append(name)) for name in ("a", "b")
    ]
    monkeypatch.setattr(verbs, "made", lambda: clusters)
    verbs.down(verbs.Options())
    assert stopped == ["a", "b"]


def test_the_network_plugins_image_is_the_workbooks_own():
    assert clean.BUILT.match(node.network_tag())
