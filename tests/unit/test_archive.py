"""Archives of images depend only on the image."""

import gzip
import io
import json
import re
import tarfile
from contextlib import contextmanager

import pytest

from workbook.base.errors import WorkbookError
from workbook.publish import archive as images

LAYERS = ("1/layer.tar", "2/layer.tar")


def saved(order, time):
    """An image as `docker save` writes it, its members in some order and with some time."""
    config = {"rootfs": {"diff_ids": ["sha256:" + "a" * 64, "sha256:" + "b" * 64]}, "history": [{}, {}]}
    manifest = [{"Config": "c.json", "RepoTags": ["x:1"], "Layers": LAYERS}]
    members = {"c.json": json.dumps(config).encode(), "manifest.json": json.dumps(manifest).encode()}
    members |= dict(zip(LAYERS, (b"a layer" * 300, b"another" * 300), strict=True))
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name in order(members):
            member = tarfile.TarInfo(name)
            member.size, member.mtime = len(members[name]), time
            archive.addfile(member, io.BytesIO(members[name]))
    out.seek(0)
    return images.SavedImage(tarfile.open(fileobj=out))


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
        manifest = json.load(archive.extractfile("manifest.json"))[0]
        assert manifest["RepoTags"] == ["workbook-x:bundle-1"] and len(manifest["Layers"]) == 3
        assert archive.extractfile(manifest["Layers"][-1]).read() == b"the layer on top"
        description = json.load(archive.extractfile(manifest["Config"]))
    assert len(description["rootfs"]["diff_ids"]) == len(description["history"]) == 3
    assert images.identity(config) != images.identity(image.config)


def test_equal_layers_are_written_once(tmp_path):
    image = saved(sorted, 1)
    config = image.config
    for _ in range(2):
        config = images.with_layer(config, b"the same", "twice")
    images.write(tmp_path / "archive", "workbook-x:bundle-1", image, config, b"the same", b"the same")
    with tarfile.open(tmp_path / "archive") as archive:
        names = archive.getnames()
        assert len(json.load(archive.extractfile("manifest.json"))[0]["Layers"]) == 4
    assert len(names) == len(set(names)) == 5, "the manifest, the description, and three different layers"


def test_an_archive_without_a_layer_is_an_error(tmp_path):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        images.add(archive, "manifest.json", json.dumps([{"Config": "c.json", "Layers": ["layers"]}]).encode())
        images.add(archive, "c.json", json.dumps({"rootfs": {"diff_ids": ["sha256:" + "a" * 64]}}).encode())
        folder = tarfile.TarInfo("layers")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
    out.seek(0)
    with tarfile.open(fileobj=out) as archive:
        image = images.SavedImage(archive)
        with pytest.raises(WorkbookError, match="layers in the archive from `docker save` is not a file"):
            images.write(tmp_path / "archive", "workbook-x:bundle-1", image, image.config)
    assert not (tmp_path / "archive").exists()


@contextmanager
def image_of(*layers):
    """An image as `docker save` writes it, with these layers, as tar archives."""
    out = io.BytesIO()
    names = [f"{number}.tar" for number in range(len(layers))]
    with tarfile.open(fileobj=out, mode="w") as archive:
        images.add(archive, "manifest.json", json.dumps([{"Config": "c.json", "Layers": names}]).encode())
        images.add(archive, "c.json", b"{}")
        for name, content in zip(names, layers, strict=True):
            images.add(archive, name, content)
    out.seek(0)
    with tarfile.open(fileobj=out) as archive:
        yield images.SavedImage(archive)


def test_a_file_is_read_from_the_topmost_layer_that_has_it():
    layers = [{"etc/a": b"old", "etc/b": b"only below"}, {"etc/a": b"new"}, {"etc/c": b"c"}]
    below, compressed, above = map(images.layer, layers)
    with image_of(below, gzip.compress(compressed), above) as image:
        found = image.texts(re.compile("etc/[a-d]"))
    assert [found.get(f"etc/{name}", "") for name in "abcd"] == ["new", "only below", "c", ""]


def test_all_files_with_a_name_are_found_and_the_topmost_of_each_is_read():
    layers = [
        {"etc/a.txt": b"old", "etc/b.txt": b"only below", "etc/c.txt": b"deleted", "opt/d/e/f.txt": b"deleted, too"},
        {"etc/a.txt": b"new", "etc/a.txt.bak": b"other", "etc/.wh.c.txt": b"", "opt/d/.wh.e": b""},
        {"opt/d/ee/f.txt": b"added"},
    ]
    with image_of(*map(images.layer, layers)) as image:
        found = image.texts(re.compile(r"(etc|opt/d/e+)/.\.txt"))
    assert found == {"etc/a.txt": "new", "etc/b.txt": "only below", "opt/d/ee/f.txt": "added"}


def test_a_file_is_found_under_either_name_of_the_root():
    inside = io.BytesIO()
    with tarfile.open(fileobj=inside, mode="w") as files:
        images.add(files, "./etc/a", b"a")
    with image_of(inside.getvalue()) as image:
        assert image.texts(re.compile("etc/a")) == {"etc/a": "a"}
