"""A bundle that is damaged, or for another machine, is refused before anything is installed or started."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from workbook.base.paths import ROOT
from workbook.bundle import manifest
from workbook.bundle import verify as verifying
from workbook.publish import bundle as making

FILES = {
    "wheels/tool-1.0-py3-none-any.whl": b"a wheel" * 100,
    "images/node-0123456789ab.tar.gz": b"an image" * 1000,
    "bin/kubectl": b"a program" * 50,
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A small bundle, made by the code that makes the large one."""
    monkeypatch.setattr(making, "FOLDER", tmp_path / "bundle")
    return write()


def write(**changes):
    """Makes the bundle, its manifest changed."""
    with making._making() as part:
        for name, content in FILES.items():
            part.make(name, lambda path, content=content: path.write_bytes(content))
        told = {"format": manifest.FORMAT, "machine": manifest.machine(), "wants": manifest.wants(), "provider": "kind"}
        part.finish(told | {"images": {}, "workbook": manifest.version()} | changes)
    return making.FOLDER


def command(verb, folder, home):
    """A verb, by a Python that has nothing but its standard library, on a machine that has no program."""
    return subprocess.run(
        [sys.executable, "-S", "-m", "workbook", verb, "--bundle", str(folder)],
        cwd=ROOT,
        env={"PATH": "", "WORKBOOK_HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=60,
    )


WHEEL, IMAGE, PROGRAM = FILES


def flip(path: Path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def other_machine(**changes):
    return lambda folder: write(machine=manifest.machine() | changes)


DAMAGES = {
    "one bit of a wheel": (lambda folder: flip(folder / WHEEL), r"is damaged: wheels/tool.*sha256"),
    "one bit of an image": (lambda folder: flip(folder / IMAGE), r"is damaged: images/node.*sha256"),
    "a program is cut off": (
        lambda folder: (folder / PROGRAM).write_bytes(b"a"),
        r"is damaged: bin/kubectl.*has 1 bytes",
    ),
    "an image is missing": (lambda folder: (folder / IMAGE).unlink(), r"is not whole: images/node"),
    "a wheel too many": (
        lambda folder: (folder / "wheels/other.whl").touch(),
        r"more in the bundle.*wheels/other\.whl",
    ),
    "the manifest is cut off": (
        lambda folder: (folder / manifest.NAME).write_bytes((folder / manifest.NAME).read_bytes()[:200]),
        r"is damaged: manifest\.json is not as it was written",
    ),
    "one bit of the manifest": (
        lambda folder: flip(folder / manifest.NAME),
        r"manifest\.json is not as it was written",
    ),
    "the manifest is missing": (lambda folder: (folder / manifest.NAME).unlink(), r"There is no bundle in"),
    "the manifest's sum is missing": (lambda folder: (folder / manifest.SUM).unlink(), r"sha256 says nothing"),
    "its format is a newer one": (lambda folder: write(format=manifest.FORMAT + 1), r"has format 2.*reads format 1"),
    "made for another architecture": (other_machine(architecture="riscv64"), r"another kind of machine.*riscv64"),
    "made for another system": (other_machine(system="Plan9"), r"another kind of machine.*Plan9"),
    "made for another Python": (other_machine(python="3.99"), r"another Python.*3\.99.*PYTHON=python3\.99"),
    "made for another version of the workbook": (
        lambda folder: write(wants=manifest.wants() | {"kubernetes": "1.99.0"}),
        r"another version of the workbook.*kubernetes: 1\.99\.0 there, \d",
    ),
}


@pytest.mark.parametrize("what", DAMAGES)
def test_what_is_broken_is_said_and_nothing_is_started(what, folder, tmp_path, record_property):
    damage, expected = DAMAGES[what]
    damage(folder)
    home = tmp_path / "home"
    done = command("lab", folder, home)
    assert done.returncode == 1
    assert done.stdout == "", "something was done before"
    assert not home.exists(), "something was written"
    said = done.stderr.strip()
    assert re.search(expected, said.replace("\n", " ")), said
    assert "Traceback" not in said and "\nDo:  " in said
    record_property("broken", (what, said.replace(str(folder.parent), "…")))


def test_a_wheel_for_a_newer_system(monkeypatch, tmp_path, record_property):

    monkeypatch.setattr(making, "FOLDER", tmp_path / "bundle")
    monkeypatch.setitem(FILES, "wheels/tool-1-cp311-cp311-manylinux_2_17_x86_64.manylinux_2_99_x86_64.whl", b"new")
    monkeypatch.setattr(verifying.platform, "libc_ver", lambda: ("glibc", "2.17"))
    verifying.verify(write())
    monkeypatch.setattr(verifying.platform, "libc_ver", lambda: ("glibc", "2.5"))
    with pytest.raises(verifying.WorkbookError, match=r"newer system(.|\n)*glibc 2\.17; here is 2\.5") as said:
        verifying.verify(making.FOLDER)
    record_property("broken", ("made on a newer system", str(said.value)))


def test_a_sound_one_is_verified(folder, tmp_path):
    (folder / "wheels" / ".DS_Store").touch()  # macOS leaves it wherever it looks
    done = command("verify", folder, tmp_path / "home")
    assert done.returncode == 0, done.stderr
    assert "3 files" in done.stdout and manifest.write(folder, manifest.read(folder)) in done.stdout
    assert not (tmp_path / "home").exists()


def test_the_same_inputs_give_the_same_sums(folder):
    first = (folder / manifest.NAME).read_bytes()
    (folder / "wheels" / "left-from-before.whl").touch()
    assert (write() / manifest.NAME).read_bytes() == first
    assert not (folder / "wheels" / "left-from-before.whl").exists()


def test_what_is_there_is_kept_unless_it_is_damaged(folder):
    made = []

    def again(path):
        made.append(path.name)
        path.write_bytes(FILES[PROGRAM])

    with making._making() as part:
        part.make(PROGRAM, again)
        assert made == []
        flip(folder / PROGRAM)
        part.make(PROGRAM, again)
    assert made == ["kubectl"] and (folder / PROGRAM).read_bytes() == FILES[PROGRAM]


def test_one_with_a_damaged_manifest_is_made_anew(folder):
    (folder / manifest.NAME).write_bytes(b"{")
    assert manifest.read(write())["files"].keys() == FILES.keys()


def test_an_interrupted_one_is_no_bundle(folder):
    with pytest.raises(KeyboardInterrupt), making._making():
        raise KeyboardInterrupt
    assert not (folder / manifest.NAME).exists()


def test_the_list_of_packages_is_closed():
    """Nothing that is listed needs something that is not."""
    from importlib import metadata

    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    from workbook.machine import environment

    listed = dict(line.split("==") for line in making.installed(environment.requirements(*manifest.EXTRAS)))
    assert {"jupyterlab", "nbval", "pandas", "traitlets"} <= listed.keys()
    for name in listed:
        for text in metadata.distribution(name).requires or []:
            needed = Requirement(text)
            if needed.marker is None or needed.marker.evaluate({"extra": ""}):
                assert canonicalize_name(needed.name) in listed, f"{name} needs {text}"
                assert needed.specifier.contains(listed[canonicalize_name(needed.name)], prereleases=True)
