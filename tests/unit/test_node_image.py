"""The node image and the base images, built with parts that stand in for the compiled ones."""

import json
import tarfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from node import image, machine
from node.archive import write_layer
from node.versions import VARIABLE, VERSIONS
from workbook.base.errors import WorkbookError

DEFAULT = VERSIONS["kubernetes"]
TAGS = {
    "kube-apiserver": "registry.example/kube-apiserver:v1",
    "kube-controller-manager": "registry.example/kube-controller-manager:v1",
    "kube-scheduler": "registry.example/kube-scheduler:v1",
    "kube-proxy": "registry.example/kube-proxy:v1",
    "coredns": "registry.example/coredns/coredns:v1.1",
    "pause": "registry.example/pause:3.99",
    "etcd": "registry.example/etcd:3.6-0",
}


@pytest.fixture
def parts(tmp_path, monkeypatch):
    """Parts that only hold their name; `kubeadm config images list` prints TAGS."""

    def part(*names):
        for name in names:
            (tmp_path / name).write_text(name, encoding="utf-8")
        return tmp_path

    monkeypatch.setenv("WORKBOOK_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(image, "compiled", part)
    monkeypatch.setattr(image, "download", lambda name: None)
    monkeypatch.setattr(image, "pause", lambda: part("pause"))
    debian = {pattern.replace("*", "x").replace("?", "4"): b"a file of Debian" for pattern in image.IPTABLES}
    write_layer(tmp_path / "root.tar", debian | {"usr/bin/vim": b"not needed"})
    monkeypatch.setattr(image, "filesystem", lambda purpose: tmp_path / "root.tar")
    monkeypatch.setattr(image, "kind", lambda: tmp_path / "kind")

    def listing(command, **_):
        assert Path(command[0]).name == "kubeadm" and Path(command[0]).read_text(encoding="utf-8") == "kubernetes"
        return "".join(f"{tag}\n" for tag in TAGS.values())

    monkeypatch.setattr(image, "read", listing)
    config = tmp_path / "files/etc/containerd/config.toml"
    config.parent.mkdir(parents=True)
    config.write_text(
        'sandbox_image = "registry.example/pause:3.1"\nrestrict_oom_score_adj = false\n', encoding="utf-8"
    )
    (tmp_path / "files/LICENSES").mkdir()
    (tmp_path / "files/LICENSES/README.txt").touch()
    monkeypatch.setattr(image, "kind_files", lambda: tmp_path / "files")


class Engine:
    """An engine that records its requests."""

    def __init__(self, tags=(), used=(), status=0):
        self.tags, self.used, self.status = list(tags), used, status
        self.images = self.containers = self
        self.loaded, self.committed, self.removed = [], [], []

    def list(self, name="", all=False, filters=None):
        if filters:
            return [tag for tag in self.used if tag == filters["ancestor"]]
        return [SimpleNamespace(tags=[tag]) for tag in self.tags if name in (tag, tag.partition(":")[0])]

    def load(self, content):
        with tarfile.open(fileobj=content) as archive:
            (manifest,) = json.load(archive.extractfile("manifest.json"))
            config = json.load(archive.extractfile(manifest["Config"]))["config"]
            (tag,), files = manifest["RepoTags"], {}
            if tag.startswith("workbook-node"):
                with tarfile.open(fileobj=archive.extractfile(manifest["Layers"][-1])) as layer:
                    files = {
                        entry.name: layer.extractfile(entry).read() if entry.isreg() else entry.linkname
                        for entry in layer
                    }
        self.loaded.append((tag, config, files))
        self.tags.append(tag)

    def create(self, base, **options):
        assert base in self.tags and options["privileged"]
        return SimpleNamespace(
            start=lambda: None,
            wait=lambda timeout: {"StatusCode": self.status},
            logs=lambda tail: b"containerd is not there",
            commit=lambda repository, version, changes: self.committed.append(f"{repository}:{version}"),
            remove=lambda force: None,
        )

    def remove(self, tag, force=False):
        self.removed.append(tag)


@pytest.fixture
def locked_down(monkeypatch):
    facts = machine.Machine(linux=True, sys_resource=False, cgroups=1, systemd=False)
    monkeypatch.setattr(machine, "detect", lambda: facts)


def test_each_image_of_the_control_plane_has_the_tag_that_kubeadm_expects(parts):
    archive = image.control_plane_images()
    assert [path.name for path in archive.parent.iterdir()] == [archive.name]
    with tarfile.open(archive) as content:
        manifest = json.load(content.extractfile("manifest.json"))
        for (name, tag), entry in zip(TAGS.items(), manifest, strict=True):
            config = json.load(content.extractfile(entry["Config"]))["config"]
            with tarfile.open(fileobj=content.extractfile(entry["Layers"][0])) as layer:
                program = layer.getmember(f"usr/local/bin/{name}")
                if name in image.CONTROL_PLANE:
                    program = layer.getmember(f"usr/local/bin/{program.linkname}")
                assert program.mode == 0o755
                assert layer.extractfile(program).read().decode() == (
                    "kubernetes" if name in image.CONTROL_PLANE else name
                )
            assert entry["RepoTags"] == [tag] and config["Entrypoint"] == [f"/usr/local/bin/{name}"]


def test_kubernetes_programs_are_in_the_archive_once(parts):
    """The layer with them is the lowest of each image, so that a node unpacks it only once."""
    with tarfile.open(image.control_plane_images()) as content:
        manifest = json.load(content.extractfile("manifest.json"))
        layers = {name: entry["Layers"] for name, entry in zip(TAGS, manifest, strict=True)}
        assert len({layers[name][0] for name in image.CONTROL_PLANE}) == 1
        assert len(content.getnames()) == 1 + len(TAGS) + 5
        with tarfile.open(fileobj=content.extractfile(layers["kube-proxy"][1])) as debian:
            assert len(debian.getnames()) == len(image.IPTABLES) and "usr/bin/vim" not in debian.getnames()
    assert [name for name, own in layers.items() if len(own) > 1] == ["kube-proxy"]


def test_an_engine_that_has_the_node_image_is_left_alone():
    engine = Engine([image.node_tag()])
    assert image.node_image(engine) == image.node_tag() and not engine.loaded and not engine.removed


def test_the_node_image_is_assembled_from_its_parts(parts):
    old, used, other = (f"workbook-node:v{tag}" for tag in (f"{DEFAULT}-old", f"{DEFAULT}-used", "1.2.3-other"))
    engine = Engine([old, used, other], used=[used])
    assert image.node_image(engine) == image.node_tag()
    ((base, config, files),) = engine.loaded
    assert config["Entrypoint"] == image.ENTRYPOINT and config["StopSignal"] == "SIGRTMIN+3"
    assert files["kind/version"] == f"v{DEFAULT}".encode()
    assert b'sandbox_image = "registry.example/pause:3.99"' in files["etc/containerd/config.toml"]
    assert "preload.sh" in files and "LICENSES/README.txt" not in files
    assert files["usr/bin/kubernetes"] == b"kubernetes"
    assert {name for name, content in files.items() if content == "kubernetes"} == {
        f"usr/bin/{name}" for name in ("kubelet", "kubeadm", "kubectl")
    }
    assert engine.committed == [image.node_tag()] and engine.removed == [base, old]


def test_another_kubernetes_has_an_image_of_its_own_and_the_default_stays(parts, monkeypatch):
    engine = Engine()
    default = image.node_image(engine)
    monkeypatch.setenv(VARIABLE, "1.2.3")
    engine.tags += [default, "workbook-node:v1.2.3-old"]
    other = image.node_image(engine)
    assert other.startswith("workbook-node:v1.2.3-") and engine.committed == [default, other]
    assert engine.loaded[1][2]["kind/version"] == b"v1.2.3"
    assert default not in engine.removed and "workbook-node:v1.2.3-old" in engine.removed
    kept = {path.name for path in image.folder().iterdir() if path.is_dir()}
    assert {name.rpartition("-")[0] for name in kept} >= {
        "control-plane",
        "control-plane-1.2.3",
        "node-base",
        "node-base-1.2.3",
    }


def test_only_a_locked_down_machine_gets_the_runc_wrapper(parts, locked_down, monkeypatch):
    engine = Engine()
    image.node_image(engine)
    ordinary = machine.Machine(linux=True, sys_resource=True, cgroups=2, systemd=True)
    monkeypatch.setattr(machine, "detect", lambda: ordinary)
    image.node_image(engine)
    (_, _, locked), (_, _, plain) = engine.loaded
    assert locked.keys() - plain.keys() == {"usr/local/sbin/runc", "etc/systemd/system/service.d/oom.conf"}
    assert b"restrict_oom_score_adj = true" in locked["etc/containerd/config.toml"]
    assert b"restrict_oom_score_adj = false" in plain["etc/containerd/config.toml"]
    assert len(set(engine.committed)) == 2


def test_a_failed_preload_shows_the_log_and_removes_the_base(parts):
    engine = Engine(status=1)
    with pytest.raises(WorkbookError, match="could not be added") as error:
        image.node_image(engine)
    assert error.value.why == "containerd is not there" and "make clean" in error.value.fix
    assert not engine.committed and engine.removed == [engine.loaded[0][0]]


def test_an_engine_that_has_the_base_image_is_left_alone():
    engine = Engine([image.base_tag("python")])
    assert image.base_image(engine, "python") == image.base_tag("python") and not engine.loaded


@pytest.mark.parametrize(("purpose", "certificates"), [("python", True), ("jdk", False)])
def test_a_base_image_replaces_older_ones(parts, purpose, certificates):
    Path(image.folder()).mkdir(parents=True)
    engine = Engine([f"workbook-{purpose}:old"])
    tag = image.base_image(engine, purpose)
    ((loaded, config, _),) = engine.loaded
    assert tag == loaded == image.base_tag(purpose) and engine.removed == [f"workbook-{purpose}:old"]
    assert config["Entrypoint"] is None
    assert any(variable.startswith("PIP_CERT=") for variable in config["Env"]) == certificates
