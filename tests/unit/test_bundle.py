"""What is used from a bundle, and what goes into one."""

import gzip
import io
import json
import tarfile

import pytest

from workbook.base.errors import WorkbookError
from workbook.bundle import choose as bundle
from workbook.bundle import manifest, minikube
from workbook.cluster.choose import Settings, choose
from workbook.cluster.minikube import Minikube
from workbook.engine.build import base
from workbook.publish import archive as images
from workbook.publish.bundle import download_for_minikube


@pytest.fixture
def chosen(home, tmp_path, monkeypatch):
    """Makes a bundle with these files, and chooses it; returns the function that does."""
    folder = tmp_path / "bundle"
    monkeypatch.setenv("WORKBOOK_HOME", str(tmp_path / "home"))
    monkeypatch.setenv(bundle.VERIFIED, "")

    def make(files, **told):
        for name, content in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        told = {"format": manifest.FORMAT, "machine": manifest.machine(), "wants": manifest.wants()} | told
        manifest.write(folder, told | {"files": {name: manifest.entry(folder / name) for name in files}})
        monkeypatch.setenv(bundle.CHOSEN, str(folder))
        return folder

    return make


def test_without_the_variable_there_is_none(monkeypatch):
    monkeypatch.delenv(bundle.CHOSEN, raising=False)
    assert bundle.chosen() is None


def test_it_is_verified_once_for_a_command_and_the_processes_that_it_starts(chosen, monkeypatch):
    folder = chosen({"wheels/a": b"a"}, provider="kind")
    read = []
    monkeypatch.setattr(bundle.verify, "verify", lambda folder: read.append(folder) or manifest.read(folder))
    assert bundle.chosen() is bundle.chosen()
    for name, value in bundle.environment(bundle.chosen()).items():  # as in a process started by this one
        monkeypatch.setenv(name, value)
    assert bundle.chosen().folder == folder
    assert read == [folder]


def test_another_bundle_is_verified_although_one_was(chosen):
    chosen({"wheels/a": b"a"}, provider="kind")
    bundle.chosen()
    folder = chosen({"wheels/a": b"b"}, provider="kind")
    (folder / "wheels/a").write_bytes(b"c")
    with pytest.raises(WorkbookError, match=r"is damaged: wheels/a"):
        bundle.chosen()


def test_a_program_can_be_executed_although_a_stick_keeps_no_such_right(chosen):
    folder = chosen({"bin/kind": b"#!/bin/sh\necho it is me\n"}, provider="kind")
    (folder / "bin/kind").chmod(0o644)
    program = bundle.chosen().program("kind")
    assert program.stat().st_mode & 0o111 and not program.is_relative_to(folder)
    assert bundle.chosen().program("kubectl") is None


class Engine:
    """An engine that has some images, and notes what is loaded."""

    def __init__(self, *tags):
        self.tags, self.loaded, self.images = set(tags), [], self

    def get(self, tag):
        from docker.errors import ImageNotFound

        if tag not in self.tags:
            raise ImageNotFound(tag)

    def load(self, archive):
        self.loaded.append(archive.read())


def test_images_come_from_it_and_only_when_they_are_absent(chosen, monkeypatch):
    told = {"tag": "workbook-python:bundle-1", "file": "images/python-1.tar.gz"}
    chosen({told["file"]: b"an image"}, provider="kind", images={"python": told})
    monkeypatch.setattr("workbook.engine.build.pull", lambda *_: pytest.fail("a registry is asked"))
    absent, present = Engine("python:3.13-slim"), Engine(told["tag"])
    given = bundle.chosen()
    assert base(absent, "python", given) == base(present, "python", given) == told["tag"]
    assert absent.loaded == [b"an image"] and present.loaded == []


def test_the_provider_is_the_one_that_the_bundle_brings(chosen, monkeypatch):
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
    found = download_for_minikube(empty, Minikube(Settings.from_environment("workbook")).starting())
    assert found.keys() == CACHED and all(path.is_file() for path in found.values())


@pytest.mark.parametrize(
    ("variable", "expected"), [("{}/.minikube", ".minikube/cache"), ("{}/my", "my/.minikube/cache")]
)
def test_where_minikube_has_its_cache(tmp_path, monkeypatch, variable, expected):
    monkeypatch.setenv("MINIKUBE_HOME", variable.format(tmp_path))
    assert minikube.cache() == tmp_path / expected


def test_minikubes_cache_is_filled_with_what_is_not_there(chosen, tmp_path, monkeypatch):
    monkeypatch.setenv("MINIKUBE_HOME", str(tmp_path))
    there = tmp_path / ".minikube/cache/linux/amd64/v1.36.0/kubelet"
    there.parent.mkdir(parents=True)
    there.write_bytes(b"cut o")
    other = there.with_name("kubeadm")
    other.write_bytes(b"another's")
    chosen({f"minikube/{name}": b"content" for name in CACHED} | {"bin/minikube": b""}, provider="minikube")
    bundle.chosen().fill_minikube()
    cached = tmp_path / ".minikube/cache"
    assert all((cached / name).read_bytes() == b"content" for name in CACHED)
    assert other.read_bytes() == b"another's" and not list(cached.rglob("*.part*"))
    assert Minikube(Settings.from_environment("workbook")).starting()[0].endswith("/minikube")


# ---- archives ----


def saved(order, time):
    """What `docker save` writes of one and the same image, its members in some order and with some time."""
    layers = [b"a layer" * 300, b"another" * 300]
    config = {"rootfs": {"diff_ids": ["sha256:" + "a" * 64, "sha256:" + "b" * 64]}, "history": [{}, {}]}
    described = [{"Config": "c.json", "RepoTags": ["x:1"], "Layers": ["1/layer.tar", "2/layer.tar"]}]
    members = {"c.json": json.dumps(config).encode(), "manifest.json": json.dumps(described).encode()}
    members |= {f"{number}/layer.tar": layer for number, layer in enumerate(layers, 1)}
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name in order(members):
            member = tarfile.TarInfo(name)
            member.size, member.mtime = len(members[name]), time
            archive.addfile(member, io.BytesIO(members[name]))
    out.seek(0)
    return images.Saved(tarfile.open(fileobj=out))


def test_an_archive_depends_on_nothing_but_the_image(tmp_path):
    first, second = saved(sorted, 1), saved(lambda names: sorted(names, reverse=True), 2)
    for name, image in (("first", first), ("second", second)):
        images.write(tmp_path / name, "workbook-x:bundle-1", image, image.config)
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()


def test_a_layer_on_top(tmp_path):
    image = saved(sorted, 1)
    config = images.with_layer(image.config, b"the layer on top", "wheels")
    images.write(tmp_path / "archive", "workbook-x:bundle-1", image, config, b"the layer on top")
    with gzip.open(tmp_path / "archive") as file, tarfile.open(fileobj=file) as archive:
        told = json.load(archive.extractfile("manifest.json"))[0]
        assert told["RepoTags"] == ["workbook-x:bundle-1"] and len(told["Layers"]) == 3
        assert archive.extractfile(told["Layers"][-1]).read() == b"the layer on top"
        described = json.load(archive.extractfile(told["Config"]))
    assert len(described["rootfs"]["diff_ids"]) == len(described["history"]) == 3
    assert images.identity(config) != images.identity(image.config)
