"""A manifest by another author, with matching sums, is refused with an error unless everything in it is plain."""

import copy
import hashlib
import json
import os
import random
import re
from collections import defaultdict
from contextlib import suppress
from pathlib import Path

import pytest

from workbook.base.errors import WorkbookError
from workbook.bundle import choose, manifest, verify

WHEEL, IMAGE, PROGRAM = "wheels/tool-1.0-py3-none-any.whl", "images/node-0123456789ab.tar.gz", "bin/kind"
NAMES = [WHEEL, IMAGE, PROGRAM, "workbook.tar.gz", "minikube/linux/amd64/v1.36.0/kubectl", "handout/handout.html"]


@pytest.fixture
def folder(home, tmp_path, monkeypatch):
    """The folder of a small bundle, which is accepted."""
    for variable in (choose.CHOSEN, choose.VERIFIED):
        monkeypatch.delenv(variable, raising=False)
    folder = tmp_path / "bundle"
    for name in NAMES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name, encoding="utf-8")
    write(folder, described(folder))
    return folder


def described(folder: Path) -> dict:
    """The manifest of the folder's files."""
    return {
        "format": manifest.FORMAT,
        "machine": manifest.machine(),
        "workbook": manifest.version(),
        "wants": manifest.wants(),
        "provider": "kind",
        "images": {"node": {"tag": "workbook-node:bundle-0123456789ab", "file": IMAGE, "official": False}},
        "files": {name: manifest.entry(folder / name) for name in NAMES},
    }


def write(folder: Path, content) -> None:
    """Write a manifest with its matching sum; `content` is JSON text in bytes, or an object to write as JSON."""
    text = content if isinstance(content, bytes) else json.dumps(content).encode()
    (folder / manifest.NAME).write_bytes(text)
    (folder / manifest.SUM).write_text(f"{hashlib.sha256(text).hexdigest()}  {manifest.NAME}\n", encoding="utf-8")


def refused(folder: Path) -> str:
    """The error that refuses the bundle."""
    with pytest.raises(WorkbookError) as error:
        choose.named(str(folder))
    assert error.value.fix
    assert all(character.isprintable() or character == "\n" for character in str(error.value))
    return str(error.value)


def test_the_bundle_as_it_is_written_is_accepted(folder):
    assert choose.named(str(folder)).manifest == described(folder)


ODD = {
    "nothing": b"",
    "an empty object": b"{}",
    "a list": b"[]",
    "null": b"null",
    "a number": b"1",
    "a text": b'"manifest"',
    "no JSON": b"format: 1",
    "text after it": b"{}{}",
    "not a number": b'{"format": NaN}',
    "infinity": b'{"format": -Infinity}',
    "a number of 5,000 digits": b'{"format": ' + b"1" * 5000 + b"}",
    "the same key twice": b'{"format": 1, "format": 1}',
    "a mark of its byte order": b"\xef\xbb\xbf{}",
    "UTF-16": '{"format": 1}'.encode("utf-16"),
    "Latin-1": '{"workbook": "ü"}'.encode("latin-1"),
    "lists in lists": b"[" * 100_000,
    "objects in objects": b'{"format":' * 100_000 + b"1" + b"}" * 100_000,
    "too large": b" " * 2**23 + b"{}",
}


@pytest.mark.parametrize("what", ODD)
def test_odd_json_is_refused(what, folder):
    write(folder, ODD[what])
    assert manifest.NAME in refused(folder)


def test_a_key_that_is_there_twice_is_refused_at_every_level(folder):
    text = json.dumps(described(folder)).replace('"provider":', '"provider": "minikube", "provider":')
    write(folder, text.encode())
    assert "'provider' occurs twice" in refused(folder)
    text = json.dumps(described(folder)).replace('"size":', '"size": 0, "size":')
    write(folder, text.encode())
    assert "'size' occurs twice" in refused(folder)


def places(value, path=()):
    """The place of each value in a manifest, the manifest itself among them."""
    yield path
    if isinstance(value, dict):
        for key in value:
            yield from places(value[key], (*path, key))


def change(content: dict, path: tuple, value) -> dict:
    """A copy of the manifest with another value at a place."""
    new = copy.deepcopy(content)
    *parents, last = path
    inner = new
    for key in parents:
        inner = inner[key]
    inner[last] = value
    return new


FREE = defaultdict(tuple, {bool: ("images", "node", "official"), str: ("workbook",)})
"""The values of a manifest that may be replaced by others of their type."""


@pytest.mark.parametrize("value", [None, True, 1.0, -1, "1", "", [], {}, {"x": "y"}, ["x"], ["\x1b[2J"]], ids=ascii)
def test_a_value_of_another_type_is_refused_wherever_it_is(value, folder, monkeypatch):
    monkeypatch.setattr(verify, "entry", lambda path: pytest.fail("a file was read"))
    content = described(folder)
    for path in places(content):
        if path and path != FREE[type(value)]:
            write(folder, change(content, path, value))
            refused(folder)


def test_a_missing_or_an_unknown_key_is_refused_wherever_it_is(folder):
    content = described(folder)
    for path in ((), ("machine",), ("images", "node"), ("files", WHEEL)):
        inner = content
        for key in path:
            inner = inner[key]
        for key in set(inner) - {"official"}:
            less = change(content, (*path, key), None)
            place = less
            for step in path:
                place = place[step]
            del place[key]
            write(folder, less)
            refused(folder)
        write(folder, change(content, (*path, "more"), "x"))
        assert "'more'" in refused(folder)


PATHS = [
    "../../etc/passwd",
    "images/../../../etc/passwd",
    "images/./node.tar.gz",
    "images//node.tar.gz",
    "/etc/passwd",
    "//server/share/node.tar.gz",
    "C:/Windows/node.tar.gz",
    "C:node.tar.gz",
    "images\\node.tar.gz",
    "\\\\server\\share\\node.tar.gz",
    "images/node.tar.gz\0.txt",
    "images/no\nde.tar.gz",
    "images/no\x1b[2Jde.tar.gz",
    "images/nö.tar.gz",
    "images/con.tar.gz",
    "images/Aux.tar.gz",
    "minikube/linux/NUL/kubectl",
    "minikube/COM1/kubectl",
    "minikube/linux./kubectl",
    "minikube/linux /kubectl",
    "images/node.tar.gz ",
    "images/node.tar.gz:stream",
    "images/.hidden.tar.gz",
    "images/-node.tar.gz",
    "images/" + "n" * 300 + ".tar.gz",
    "images/node.sh",
    "images/deep/node.tar.gz",
    "images",
    "images/",
    "",
    ".",
    "~/node.tar.gz",
    "etc/passwd",
    "wheels/tool.tar.gz",
    "wheels/--index-url=x.whl",
    "wheels/http:",
    "bin/sh",
    "bin/kind.bat",
    "manifest.json",
    "manifest.json.sha256",
    "workbook.tar.gz/x",
]


@pytest.mark.parametrize("value", ["a\x1b[2Jb", "\ud800", "a\0b", "a\rb", "a\u202eb"], ids=ascii)
def test_a_text_that_could_change_a_terminal_is_refused_wherever_it_is(value, folder):
    content = described(folder)
    for path in places(content):
        if path:
            write(folder, change(content, path, value))
            refused(folder)


@pytest.mark.parametrize("name", PATHS, ids=ascii)
def test_a_path_that_leads_elsewhere_or_is_not_plain_is_refused(name, folder, monkeypatch):
    monkeypatch.setattr(verify, "entry", lambda path: pytest.fail("a file was read"))
    content = described(folder)
    content["files"][name] = content["files"][IMAGE]
    write(folder, content)
    assert re.search("is not a file that a bundle has|a key of 'files' contains control characters", refused(folder))
    content = described(folder)
    content["images"]["node"]["file"] = name
    write(folder, content)
    refused(folder)


def test_names_that_are_one_file_on_another_system_are_refused(folder):
    content = described(folder)
    content["files"][WHEEL.replace("tool", "Tool")] = content["files"][WHEEL]
    write(folder, content)
    assert "differ only in capitals" in refused(folder)


@pytest.mark.parametrize("file", ["workbook.tar.gz", WHEEL, "images/other-0123456789ab.tar.gz", "../node.tar.gz"])
def test_an_image_is_in_one_of_the_bundles_archives_of_images(file, folder):
    write(folder, change(described(folder), ("images", "node", "file"), file))
    assert "is not among its images" in refused(folder)


@pytest.mark.parametrize(
    "tag",
    [
        "node",
        "python:3.13-slim",
        "workbook-python:bundle-0123456789ab",
        "workbook-node:bundle-",
        "-v:x",
        "a b",
        "../x:1",
    ],
)
def test_an_image_has_a_tag_of_a_bundle(tag, folder):
    write(folder, change(described(folder), ("images", "node", "tag"), tag))
    assert "tag" in refused(folder)


@pytest.mark.parametrize("purpose", ["", "Node", "../node", "node:x", "a b"])
def test_an_image_has_a_plain_purpose(purpose, folder):
    content = described(folder)
    content["images"][purpose] = {"tag": f"workbook-{purpose}:bundle-0123456789ab", "file": IMAGE}
    write(folder, content)
    assert "purpose" in refused(folder)


def test_a_bundle_of_kind_has_the_nodes_image(folder):
    write(folder, change(described(folder), ("images",), {}))
    assert "node" in refused(folder)


@pytest.mark.parametrize("python", ["3.11; rm -rf x", "3", "", "three", "3.11\n"])
def test_the_version_of_python_that_an_error_recommends_is_one(python, folder):
    write(folder, change(described(folder), ("machine", "python"), python))
    assert "PYTHON=" not in refused(folder)


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda path: path.symlink_to("/etc/passwd"), id="a link"),
        pytest.param(lambda path: path.symlink_to(path.with_name("nowhere")), id="a link to nothing"),
        pytest.param(lambda path: path.symlink_to("/etc"), id="a link to a folder"),
        pytest.param(os.mkfifo, id="a pipe"),
    ],
)
@pytest.mark.parametrize("name", [WHEEL, "wheels/more.whl", "more", manifest.NAME, manifest.SUM])
@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows, and it has no such pipes")
def test_what_is_not_a_file_is_refused_and_not_opened(name, make, folder):
    (folder / name).unlink(missing_ok=True)
    make(folder / name)
    assert Path(name).name in refused(folder)


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_a_folder_that_is_a_link_is_refused(folder, tmp_path):
    (folder / "wheels").rename(tmp_path / "elsewhere")
    (folder / "wheels").symlink_to(tmp_path / "elsewhere")
    assert "wheels" in refused(folder)


@pytest.mark.skipif(
    os.name == "nt" or not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read every file"
)
def test_a_file_that_cannot_be_read_is_an_error(folder):
    (folder / WHEEL).chmod(0)
    assert WHEEL in refused(folder)


def test_a_stick_that_fails_while_it_is_read_is_an_error(folder, monkeypatch):
    def fail(path):
        raise OSError(5, "Input/output error", str(path))

    monkeypatch.setattr(verify, "entry", fail)
    assert "Input/output error" in refused(folder)


VALUES = [None, True, 0, -1, 1e308, 10**30, "", "x", "../x", "\0", "\ud800", "x" * 9000, [], {}, [[]], {"": {}}]


def test_no_random_change_ends_in_another_error(folder):
    """Manifests with one to three changes, always the same ones: accepted only if nothing has changed."""
    chance = random.Random(39)
    content = described(folder)
    for _ in range(300):
        new = copy.deepcopy(content)
        for _ in range(chance.randint(1, 3)):
            path = chance.choice([path for path in places(new) if path])
            *parents, last = path
            inner = new
            for key in parents:
                inner = inner[key]
            what = chance.randrange(4)
            if what == 0:
                inner[last] = copy.deepcopy(chance.choice(VALUES))
            elif what == 1:
                inner[chance.choice(["", "x", "../x", last + "/", last.upper(), last])] = inner.pop(last)
            elif what == 2:
                del inner[last]
            elif isinstance(inner[last], str):
                letters = list(inner[last])
                letters.insert(chance.randint(0, len(letters)), chance.choice("/\\.\0\n~: é%-A"))
                inner[last] = "".join(letters)
        if checked(new) == checked(content):
            continue
        write(folder, new)
        refused(folder)


def checked(content: dict) -> dict:
    """A manifest without the values that may differ: the workbook's version, and whether the node's image is kind's own."""
    content = copy.deepcopy(content)
    content.pop("workbook", None)
    with suppress(KeyError, TypeError, AttributeError):
        content["images"]["node"].pop("official", None)
    return content


def test_no_random_byte_ends_in_another_error(folder):
    chance = random.Random(38)
    text = json.dumps(described(folder)).encode()
    for _ in range(300):
        new = bytearray(text)
        for _ in range(chance.randint(1, 8)):
            place = chance.randrange(len(new))
            new[place : place + chance.randint(0, 2)] = chance.randbytes(chance.randint(0, 2))
        write(folder, bytes(new))
        with suppress(WorkbookError):
            assert checked(choose.named(str(folder)).manifest) == checked(json.loads(text))
