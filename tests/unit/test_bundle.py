"""What is used from a bundle, and what minikube contributes to one."""

import pytest
from docker.errors import ImageNotFound

from workbook.base.errors import WorkbookError
from workbook.bundle import choose as bundle
from workbook.bundle import manifest, use
from workbook.cluster.choose import Settings, choose
from workbook.cluster.minikube import Minikube
from workbook.engine.build import base
from workbook.publish.bundle import download_for_minikube


@pytest.fixture
def chosen(home, tmp_path, monkeypatch):
    """A function that makes a bundle with these files, and chooses it."""
    folder = tmp_path / "bundle"
    monkeypatch.setenv("WORKBOOK_HOME", str(tmp_path / "home"))
    monkeypatch.setenv(bundle.VERIFIED, "")

    def make(files, **changes):
        for name, content in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        usual = {"format": manifest.FORMAT, "machine": manifest.machine(), "wants": manifest.wants()}
        entries = {name: manifest.entry(folder / name) for name in files}
        manifest.write(folder, usual | changes | {"files": entries})
        monkeypatch.setenv(bundle.CHOSEN, str(folder))
        return folder

    return make


def test_no_bundle_is_chosen_without_the_variable(monkeypatch):
    monkeypatch.delenv(bundle.CHOSEN, raising=False)
    assert bundle.chosen() is None


def test_it_is_verified_once_for_a_command_and_the_processes_that_it_starts(chosen, monkeypatch):
    folder = chosen({"wheels/a": b"a"}, provider="kind")
    read = []
    monkeypatch.setattr(bundle.verify, "verify", lambda folder: read.append(folder) or manifest.read(folder))
    assert bundle.chosen() is bundle.chosen()
    for name, value in bundle.environment(bundle.chosen()).items():  # as in a child process
        monkeypatch.setenv(name, value)
    assert bundle.chosen().folder == folder
    assert read == [folder]


def test_a_changed_bundle_is_verified_again(chosen):
    chosen({"wheels/a": b"a"}, provider="kind")
    bundle.chosen()
    folder = chosen({"wheels/a": b"b"}, provider="kind")
    (folder / "wheels/a").write_bytes(b"c")
    with pytest.raises(WorkbookError, match=r"is damaged: wheels/a"):
        bundle.chosen()


def test_a_program_can_be_executed_although_a_usb_stick_keeps_no_permissions(chosen):
    folder = chosen({"bin/kind": b"#!/bin/sh\necho it is me\n"}, provider="kind")
    (folder / "bin/kind").chmod(0o644)
    program = bundle.chosen().program("kind")
    assert program.stat().st_mode & 0o111 and not program.is_relative_to(folder)
    assert bundle.chosen().program("kubectl") is None


class Engine:
    """An engine that has images with these tags, and records what is loaded."""

    def __init__(self, *tags):
        self.tags, self.loaded, self.images = set(tags), [], self

    def get(self, tag):
        if tag not in self.tags:
            raise ImageNotFound(tag)

    def load(self, archive):
        self.loaded.append(archive.read())


def test_an_image_is_loaded_from_the_bundle_when_it_is_absent(chosen, monkeypatch):
    image = {"tag": "workbook-python:bundle-1", "file": "images/python-1.tar.gz"}
    chosen({image["file"]: b"an image"}, provider="kind", images={"python": image})
    monkeypatch.setattr("workbook.engine.build.pull", lambda *_: pytest.fail("a registry is asked"))
    absent, present = Engine("python:3.13-slim"), Engine(image["tag"])
    given = bundle.chosen()
    assert base(absent, "python", given) == base(present, "python", given) == image["tag"]
    assert absent.loaded == [b"an image"] and present.loaded == []


def test_the_provider_is_the_bundles(chosen, monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: "/usr/bin/minikube")
    chosen({"wheels/a": b"a"}, provider="kind")
    assert choose() == ("kind", "the bundle was made for it")
    monkeypatch.setenv("WORKBOOK_CLUSTER", "minikube")
    with pytest.raises(WorkbookError, match=r"brings kind(.|\n)*minikube(.|\n)*WORKBOOK_CLUSTER asks for it"):
        choose()


# ---- minikube ----


FAKE = """
[ "$*" = "start --cpus=2 --memory=4096 --container-runtime=docker --embed-certs --interactive=false --download-only" ] || exit 64
cache="$MINIKUBE_HOME/.minikube/cache"
mkdir -p "$cache/kic/amd64" "$cache/preloaded-tarball" "$cache/linux/amd64/v1.36.0"
echo base > "$cache/kic/amd64/kicbase_v0.0.50@sha256_ab.tar"
echo images > "$cache/preloaded-tarball/preloaded-images-k8s-v18-v1.36.0-docker-overlay2-amd64.tar.lz4"
echo kubelet > "$cache/linux/amd64/v1.36.0/kubelet"
echo 1 > "$cache/linux/amd64/v1.36.0/kubelet.lock"
mkdir -p "$MINIKUBE_HOME/.minikube/logs" && echo log > "$MINIKUBE_HOME/.minikube/logs/audit.json"
"""
CACHED = {
    "kic/amd64/kicbase_v0.0.50@sha256_ab.tar",
    "preloaded-tarball/preloaded-images-k8s-v18-v1.36.0-docker-overlay2-amd64.tar.lz4",
    "linux/amd64/v1.36.0/kubelet",
}


def test_minikube_downloads_what_its_start_needs(home, program, tmp_path):
    program("minikube", FAKE)
    (empty := tmp_path / "empty").mkdir()
    found = download_for_minikube(empty, Minikube(Settings.from_environment("workbook")).starting)
    assert found.keys() == CACHED and all(path.is_file() for path in found.values())


@pytest.mark.parametrize(
    ("variable", "expected"), [("{}/.minikube", ".minikube/cache"), ("{}/my", "my/.minikube/cache")]
)
def test_the_folder_of_minikubes_cache(tmp_path, monkeypatch, variable, expected):
    monkeypatch.setenv("MINIKUBE_HOME", variable.format(tmp_path))
    assert use.minikube_cache() == tmp_path / expected


def test_minikubes_cache_gets_the_files_that_it_lacks(chosen, tmp_path, monkeypatch):
    monkeypatch.setenv("MINIKUBE_HOME", str(tmp_path))
    incomplete = tmp_path / ".minikube/cache/linux/amd64/v1.36.0/kubelet"
    incomplete.parent.mkdir(parents=True)
    incomplete.write_bytes(b"cut o")
    other = incomplete.with_name("kubeadm")
    other.write_bytes(b"another's")
    chosen({f"minikube/{name}": b"content" for name in CACHED} | {"bin/minikube": b""}, provider="minikube")
    bundle.chosen().fill_minikube()
    cached = tmp_path / ".minikube/cache"
    assert all((cached / name).read_bytes() == b"content" for name in CACHED)
    assert other.read_bytes() == b"another's" and not list(cached.rglob("*.part*"))
    assert Minikube(Settings.from_environment("workbook")).starting[0].endswith("/minikube")
