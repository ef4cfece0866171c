"""Image archives and layers, read back with `tarfile`."""

import hashlib
import json
import tarfile

import pytest

from node.archive import PATH, Image, write_images, write_layer, write_part
from workbook.base.errors import WorkbookError


def test_a_layer_holds_copies_contents_and_links(tmp_path):
    source = tmp_path / "source"
    source.write_text("program", encoding="utf-8")
    source.chmod(0o644)
    script = tmp_path / "script.sh"
    script.write_text("#!/bin/sh\n", encoding="utf-8")
    script.chmod(0o755)
    files = {
        "usr/local/bin/program": source,
        "etc/copied": source,
        "script.sh": script,
        "etc/content": b"text",
        "etc/link": "-> /usr/lib",
    }
    write_layer(tmp_path / "layer.tar", files)
    with tarfile.open(tmp_path / "layer.tar") as layer:
        modes = {entry.name: entry.mode for entry in layer if entry.isreg()}
        contents = {name: layer.extractfile(name).read() for name in modes}
        link = layer.getmember("etc/link")
    assert modes == {"usr/local/bin/program": 0o755, "etc/copied": 0o644, "script.sh": 0o755, "etc/content": 0o644}
    assert contents["usr/local/bin/program"] == contents["etc/copied"] == b"program"
    assert contents["etc/content"] == b"text" and contents["script.sh"] == b"#!/bin/sh\n"
    assert link.issym() and link.linkname == "/usr/lib"


@pytest.mark.parametrize("umask", [0o022, 0o027, 0o077])
def test_the_umask_when_the_project_was_cloned_changes_no_layer(tmp_path, umask):
    plain, script = tmp_path / "plain", tmp_path / "script"
    for source, mode in ((plain, 0o666), (script, 0o777)):
        source.write_text(source.name, encoding="utf-8")
        source.chmod(mode & ~umask)
    layer = tmp_path / "layer.tar"
    write_layer(layer, {"etc/plain": plain, "preload.sh": script})
    with tarfile.open(layer) as content:
        assert {entry.name: entry.mode for entry in content} == {"etc/plain": 0o644, "preload.sh": 0o755}


def test_equal_files_make_equal_layers(tmp_path):
    for name, files in (("a", {"x": b"1", "y": b"2"}), ("b", {"y": b"2", "x": b"1"})):
        write_layer(tmp_path / name, files)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_an_image_names_its_layers_by_their_hash(tmp_path):
    layers = [tmp_path / "bottom", tmp_path / "top"]
    for layer in layers:
        layer.write_text(layer.name, encoding="utf-8")
    image = Image("a:1", layers, env=["A=b"], entrypoint=["/init", "-v"], stop_signal="SIGRTMIN+3")
    write_images(tmp_path / "image.tar", image)
    [config], manifest, contents = _read(tmp_path / "image.tar")
    digests = [hashlib.sha256(layer.read_bytes()).hexdigest() for layer in layers]
    assert [(entry["RepoTags"], entry["Layers"]) for entry in manifest] == [(["a:1"], [f"{d}.tar" for d in digests])]
    assert config["rootfs"] == {"type": "layers", "diff_ids": [f"sha256:{d}" for d in digests]}
    assert config["config"] == {"Env": [PATH, "A=b"], "Entrypoint": ["/init", "-v"], "StopSignal": "SIGRTMIN+3"}
    assert [contents[name] for name in manifest[0]["Layers"]] == [b"bottom", b"top"]


def test_a_base_image_has_no_entrypoint(tmp_path):
    (tmp_path / "layer").touch()
    write_images(tmp_path / "image.tar", Image("a:1", [tmp_path / "layer"]))
    [config], _, _ = _read(tmp_path / "image.tar")
    assert config["config"] == {"Env": [PATH], "Entrypoint": None, "StopSignal": ""}


def test_images_in_one_archive_share_their_layers(tmp_path):
    shared, own, same = (tmp_path / name for name in ("shared", "own", "same"))
    for layer in (shared, own):
        layer.write_text(layer.name, encoding="utf-8")
    same.write_text("own", encoding="utf-8")
    images = [Image("a:1", [shared]), Image("b:1", [shared, own]), Image("c:1", [same])]
    write_images(tmp_path / "images.tar", *images)
    with tarfile.open(tmp_path / "images.tar") as archive:
        names = archive.getnames()
    assert len(names) == len(set(names)) == 3 + 1 + 2
    configs, manifest, contents = _read(tmp_path / "images.tar")
    assert [entry["RepoTags"] for entry in manifest] == [["a:1"], ["b:1"], ["c:1"]]
    assert [[contents[layer] for layer in entry["Layers"]] for entry in manifest] == [
        [b"shared"],
        [b"shared", b"own"],
        [b"own"],
    ]
    assert [len(config["rootfs"]["diff_ids"]) for config in configs] == [1, 2, 1]


def test_a_part_of_a_file_system_has_the_named_files_and_links_as_they_are(tmp_path):
    tool = tmp_path / "tool"
    tool.write_text("program", encoding="utf-8")
    files = {"usr/sbin/tool": tool, "usr/lib/x/libc.so.6": b"library", "usr/bin/other": b"", "lib": "-> usr/lib"}
    write_layer(tmp_path / "whole.tar", files)
    write_part(tmp_path / "part.tar", tmp_path / "whole.tar", ["lib", "usr/lib/*/libc.so*", "usr/sbin/*"])
    with tarfile.open(tmp_path / "part.tar") as part:
        assert {entry.name: entry.mode for entry in part if entry.isreg()} == {
            "usr/lib/x/libc.so.6": 0o644,
            "usr/sbin/tool": 0o755,
        }
        assert part.extractfile("usr/sbin/tool").read() == b"program"
        assert part.getmember("lib").linkname == "usr/lib"
        assert len(part.getnames()) == 3


def test_a_part_without_one_of_its_files_is_an_error(tmp_path):
    write_layer(tmp_path / "whole.tar", {"usr/sbin/tool": b"program"})
    with pytest.raises(WorkbookError, match=r"has no usr/lib/\*/libc\.so\*"):
        write_part(tmp_path / "part.tar", tmp_path / "whole.tar", ["usr/sbin/*", "usr/lib/*/libc.so*"])


def _read(archive):
    """The images' configurations, the manifest, and all files by name."""
    with tarfile.open(archive) as image:
        contents = {entry.name: image.extractfile(entry).read() for entry in image}
    manifest = json.loads(contents["manifest.json"])
    return [json.loads(contents[entry["Config"]]) for entry in manifest], manifest, contents
