"""The use of a bundle, and minikube's part of it."""

from types import SimpleNamespace

import pytest
from docker.errors import ImageNotFound

from workbook.base.errors import WorkbookError
from workbook.bundle import choose as bundle
from workbook.bundle import manifest, use, verify
from workbook.cli import class_
from workbook.cluster.choose import Settings, choose
from workbook.cluster.minikube import Minikube
from workbook.engine.build import base
from workbook.machine import tools
from workbook.machine.findings import Facts
from workbook.publish import bundle as making
from workbook.publish.bundle import download_for_minikube


@pytest.fixture
def chosen(home, tmp_path, monkeypatch):
    """A function that makes a bundle with these files, and chooses it."""
    folder = tmp_path / "bundle"
    monkeypatch.setenv("WORKBOOK_HOME", str(tmp_path / "home"))
    monkeypatch.setenv(bundle.VERIFIED, "")

    def make(files, *, provider="minikube", images=None, wants=None):
        for name, content in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        content = {
            "format": manifest.FORMAT,
            "machine": manifest.machine(),
            "workbook": manifest.version(),
            "wants": wants or manifest.wants(),
            "provider": provider,
            "images": images or {},
            "files": {name: manifest.entry(folder / name) for name in files},
        }
        manifest.write(folder, content)
        monkeypatch.setenv(bundle.CHOSEN, str(folder))
        return folder

    return make


def test_no_bundle_is_chosen_without_the_variable(monkeypatch):
    monkeypatch.delenv(bundle.CHOSEN, raising=False)
    assert bundle.chosen() is None


WHEEL = "wheels/a-1-py3-none-any.whl"
NODE = {"node": {"tag": "workbook-node:bundle-1", "file": "images/node-1.tar.gz"}}
"""The parts of each bundle for kind."""


def test_it_is_verified_once_for_a_command_and_the_processes_that_it_starts(chosen, monkeypatch):
    folder = chosen({WHEEL: b"a"})
    read = []
    monkeypatch.setattr(verify, "entry", lambda path: read.append(path) or manifest.entry(path))
    assert bundle.chosen() is bundle.chosen()
    for name, value in bundle.environment(bundle.chosen()).items():  # as in a child process
        monkeypatch.setenv(name, value)
    assert bundle.chosen().folder == folder
    assert read == [folder / WHEEL]


def test_a_changed_bundle_is_verified_again(chosen):
    chosen({WHEEL: b"a"})
    bundle.chosen()
    folder = chosen({WHEEL: b"b"})
    (folder / WHEEL).write_bytes(b"c")
    with pytest.raises(WorkbookError, match=r"is damaged: wheels/a"):
        bundle.chosen()


def test_what_a_command_has_started_refuses_a_bundle_that_was_exchanged(chosen, monkeypatch):
    chosen({WHEEL: b"a"})
    for name, value in bundle.environment(bundle.chosen()).items():
        monkeypatch.setenv(name, value)
    chosen({WHEEL: b"another one, whose sums fit"})
    for again in (bundle.chosen, lambda: bundle.named(None)):  # a kernel, or `make run` in JupyterLab's terminal
        with pytest.raises(WorkbookError, match="The bundle has changed"):
            again()


def test_a_command_reads_the_bundle_whatever_the_environment_says(chosen, monkeypatch):
    """As in JupyterLab's terminal, which has the variables of `make lab`."""
    folder = chosen({WHEEL: b"a"})
    (folder / WHEEL).write_bytes(b"b")
    found = verify.seal((folder / manifest.NAME).read_bytes())
    monkeypatch.setenv(bundle.VERIFIED, found)
    for named in (None, str(folder)):
        with pytest.raises(WorkbookError, match="is damaged: wheels/a"):
            bundle.named(named, found)


def test_the_right_sum_is_accepted_in_capitals_too(chosen):
    folder = chosen({WHEEL: b"a"})
    found = verify.seal((folder / manifest.NAME).read_bytes())
    for given in (found, found.upper()):
        assert bundle.named(str(folder), given).seal == found
        assert bundle.named(None, given).folder == folder, "the environment names it"


def test_a_sum_that_does_not_fit_is_refused_before_anything_else_is_read(chosen, monkeypatch):
    """As for a bundle that a person has changed: its manifest and all sums in it fit."""
    folder = chosen({WHEEL: b"a"})
    noted = verify.seal((folder / manifest.NAME).read_bytes())
    chosen({WHEEL: b"something else"})
    monkeypatch.setattr(bundle, "parse", lambda content: pytest.fail("its manifest was believed"))
    monkeypatch.setattr(bundle, "verify", lambda *_: pytest.fail("its files were read"))
    for named in (str(folder), None):
        with pytest.raises(WorkbookError, match=rf"bundle does not match the sum(.|\n)*{noted}") as error:
            bundle.named(named, noted, verify.seal((folder / manifest.NAME).read_bytes()))
        assert "Do not use it" in error.value.fix


@pytest.mark.parametrize(
    "given", ["", " ", "0" * 63, "0" * 65, "g" * 64, "0" * 64 + "\n", "０" * 64, "sha256:" + "0" * 64, "*"]
)
def test_what_is_not_a_sum_is_refused_before_the_bundle_is_looked_at(given, tmp_path):
    with pytest.raises(WorkbookError, match="is not a sha256"):
        bundle.named(str(tmp_path / "nowhere"), given)


def test_a_sum_without_a_bundle_is_refused(monkeypatch):
    monkeypatch.delenv(bundle.CHOSEN, raising=False)
    with pytest.raises(WorkbookError, match="A sum is given, but no bundle"):
        bundle.named(None, "0" * 64)


def test_a_program_can_be_executed_although_a_usb_stick_keeps_no_permissions(chosen):
    folder = chosen({"bin/kind": b"#!/bin/sh\necho it is me\n"})
    (folder / "bin/kind").chmod(0o644)
    program = bundle.chosen().program("kind")
    assert program.stat().st_mode & 0o111 and not program.is_relative_to(folder)
    assert bundle.chosen().program("kubectl") is None


@pytest.mark.parametrize(("suffix", "folder"), [(".exe", "windows"), ("", "linux"), ("", "darwin")])
def test_a_bundle_of_minikube_has_the_programs_that_the_system_looks_for(
    suffix, folder, home, program, chosen, monkeypatch, tmp_path
):
    """The suffix of programs on other systems, and a minikube that fills its cache as it does there.

    `minikube start --download-only` caches a kubectl for the system that it runs on:
    https://github.com/kubernetes/minikube/blob/master/pkg/minikube/node/cache.go
    """
    for module in (use, making):
        monkeypatch.setattr(module, "SUFFIX", suffix)
    script = f"""
[ "$1" = version ] && echo v1.38.1 && exit
cache="$MINIKUBE_HOME/.minikube/cache/{folder}/amd64/v1.36.0"
mkdir -p "$cache" && echo kubectl > "$cache/kubectl{suffix}"
"""
    program("minikube", script)
    new = making.Writer(tmp_path / "made")
    parts = making._add_programs(new, Minikube(Settings.from_environment("workbook")))
    kubectl = f"minikube/{folder}/amd64/v1.36.0/kubectl{suffix}"
    assert list(new.files) == [f"bin/minikube{suffix}", kubectl]
    assert [(part.path, part.version) for part in parts] == [(f"bin/minikube{suffix}", "1.38.1")]
    chosen({name: (new.folder / name).read_bytes() for name in new.files})
    monkeypatch.setenv("MINIKUBE_HOME", str(tmp_path))
    given = bundle.chosen()
    assert given.program("minikube").name == f"minikube{suffix}"
    given.fill_minikube()
    assert (tmp_path / ".minikube/cache" / kubectl.removeprefix("minikube/")).exists()


@pytest.mark.parametrize(("provider", "images"), [("minikube", None), ("kind", NODE)])
def test_the_doctor_looks_for_programs_in_the_bundle(provider, images, chosen, home, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(use, "SUFFIX", ".exe")
    files = {each["file"]: b"an image" for each in (images or {}).values()}
    folder = chosen(files | {f"bin/{provider}.exe": b"a program"}, provider=provider, images=images)
    finding = {"minikube": tools.minikube, "kind": tools.kind}[provider](Facts())
    assert finding.ok and finding.found == "in the bundle"
    assert not (tmp_path / "home").exists(), "the doctor changes nothing"
    (folder / f"bin/{provider}.exe").unlink()
    chosen(files, provider=provider, images=images)
    assert not {"minikube": tools.minikube, "kind": tools.kind}[provider](Facts()).ok


class Engine:
    """An engine that has images with these tags, and records what is loaded."""

    def __init__(self, *tags):
        self.tags, self.loaded, self.images = set(tags), [], self
        self.volumes = SimpleNamespace(create=lambda name, labels: None)  # with a note about its users

    def get(self, tag):
        if tag not in self.tags:
            raise ImageNotFound(tag)

    def load(self, archive):
        self.loaded.append(archive.read())


def test_an_image_is_loaded_from_the_bundle_when_it_is_absent(chosen, monkeypatch):
    image = {"tag": "workbook-python:bundle-1", "file": "images/python-1.tar.gz"}
    chosen({image["file"]: b"an image"}, images={"python": image})
    monkeypatch.setattr("workbook.engine.build.pull", lambda *_: pytest.fail("a registry is asked"))
    absent, present = Engine("python:3.13-slim"), Engine(image["tag"])
    given = bundle.chosen()
    assert base(absent, "python", given) == base(present, "python", given) == image["tag"]
    assert absent.loaded == [b"an image"] and present.loaded == []


def for_class():
    """The entries of the images that only a class needs."""
    return {
        name: {"tag": f"workbook-{name}:bundle-1", "file": f"images/{name}-1.tar.gz"}
        for name in (*manifest.CLASS, "network")
    }


def test_a_bundle_that_was_not_made_for_a_class_says_how_to_make_one(chosen, monkeypatch, tmp_path):
    chosen({WHEEL: b"a"})
    with pytest.raises(WorkbookError, match=r"no image for hub(.|\n)*make bundle ARGS=--class"):
        class_.class_(["2"], host="", address="", remove=False)
    assert not (tmp_path / "home" / "clusters").exists(), "a cluster was set up before"


def test_what_only_a_class_requires_counts_for_a_bundle_that_was_made_for_one(chosen, monkeypatch):
    images, wanted = for_class(), manifest.wants(for_class=True)
    assert wanted.items() > manifest.wants().items() and "locks/hub.txt" in wanted
    files = {image["file"]: b"an image" for image in images.values()}
    folder = chosen(files, images=images, wants=wanted)
    assert bundle.chosen().archive("network") == ("workbook-network:bundle-1", folder / "images/network-1.tar.gz")
    chosen(files, images=images, wants=wanted | {"locks/hub.txt": "sha256 of another workbook's"})
    with pytest.raises(WorkbookError, match=r"another version of the workbook(.|\n)*locks/hub.txt"):
        bundle.chosen()


def test_the_provider_is_the_bundles(chosen, monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: "/usr/bin/minikube")
    chosen({WHEEL: b"a", NODE["node"]["file"]: b"an image"}, provider="kind", images=NODE)
    assert choose() == ("kind", "the bundle was made for it")
    monkeypatch.setenv("WORKBOOK_CLUSTER", "minikube")
    with pytest.raises(WorkbookError, match=r"contains kind(.|\n)*minikube(.|\n)*WORKBOOK_CLUSTER requests it"):
        choose()


# ---- minikube ----


FAKE = """
case "$*" in "start --cpus=2 --memory=4096 "*"--container-runtime="*" --download-only") ;; *) exit 64 ;; esac
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
    chosen({f"minikube/{name}": b"content" for name in CACHED} | {"bin/minikube": b""})
    bundle.chosen().fill_minikube()
    cached = tmp_path / ".minikube/cache"
    assert all((cached / name).read_bytes() == b"content" for name in CACHED)
    assert other.read_bytes() == b"another's" and not list(cached.rglob("*.part*"))
    assert Minikube(Settings.from_environment("workbook")).starting[0].endswith("/minikube")
