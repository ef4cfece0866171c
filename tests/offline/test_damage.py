"""A bundle that is damaged, or for another machine, is refused before anything is installed or started."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from workbook.base.errors import WorkbookError
from workbook.base.paths import ROOT
from workbook.bundle import manifest, read
from workbook.bundle import verify as verifying
from workbook.publish import bundle as making

FILES = {
    "wheels/tool-1.0-py3-none-any.whl": b"a wheel" * 100,
    "images/node-0123456789ab.tar.gz": b"an image" * 1000,
    "bin/kind": b"a program" * 50,
}
WHEEL, IMAGE, PROGRAM = FILES


@pytest.fixture
def folder(tmp_path):
    """The folder of a small bundle, written by the code that writes real ones."""
    return write(tmp_path / "bundle")


def write(folder: Path, **changes) -> Path:
    """Write the small bundle, with changes to its manifest."""
    new = making.Writer(folder)
    for name, content in FILES.items():
        new.make(name, lambda path, content=content: path.write_bytes(content))
    description = {
        "format": manifest.FORMAT,
        "machine": manifest.machine(),
        "workbook": manifest.version(),
        "wants": manifest.wants(),
        "provider": "kind",
        "images": {"node": {"tag": "workbook-node:bundle-0123456789ab", "file": IMAGE}},
        "files": new.files,
    }
    new.finish(description | changes)
    return folder


def command(verb, folder, home, *words):
    """Run a verb in a Python that has nothing but its standard library, on a machine without any program."""
    return subprocess.run(
        [sys.executable, "-S", "-m", "workbook", verb, "--bundle", str(folder), *words],
        cwd=ROOT,
        env={"PATH": "", "WORKBOOK_HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=60,
    )


def flip(path: Path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def write_raw(folder, content):
    """Write a manifest, and the checksum that fits it."""
    (folder / manifest.NAME).write_bytes(content)
    (folder / manifest.SUM).write_text(f"{verifying.seal(content)}  {manifest.NAME}\n", encoding="utf-8")


def link(path):
    path.unlink()
    path.symlink_to("/etc/passwd")


def other_machine(**changes):
    return lambda folder: write(folder, machine=manifest.machine() | changes)


DAMAGES = {
    "one bit of a wheel": (lambda folder: flip(folder / WHEEL), r"is damaged: wheels/tool.*sha256"),
    "one bit of an image": (lambda folder: flip(folder / IMAGE), r"is damaged: images/node.*sha256"),
    "a program is cut off": (
        lambda folder: (folder / PROGRAM).write_bytes(b"a"),
        r"is damaged: bin/kind.*has 1 bytes",
    ),
    "an image is missing": (lambda folder: (folder / IMAGE).unlink(), r"is incomplete: images/node"),
    "an additional wheel": (
        lambda folder: (folder / "wheels/other.whl").touch(),
        r"contains files that its manifest does not list: wheels/other\.whl",
    ),
    "the manifest is cut off": (
        lambda folder: (folder / manifest.NAME).write_bytes((folder / manifest.NAME).read_bytes()[:200]),
        r"is damaged: manifest\.json does not match its checksum",
    ),
    "one bit of the manifest": (
        lambda folder: flip(folder / manifest.NAME),
        r"manifest\.json does not match its checksum",
    ),
    "the manifest is missing": (lambda folder: (folder / manifest.NAME).unlink(), r"There is no bundle in"),
    "the manifest's checksum is missing": (
        lambda folder: (folder / manifest.SUM).unlink(),
        r"no readable manifest\.json\.sha256",
    ),
    "its format is a newer one": (
        lambda folder: write(folder, format=manifest.FORMAT + 1),
        r"has format 2.*reads format 1",
    ),
    "made for another architecture": (other_machine(architecture="riscv64"), r"another type of machine.*riscv64"),
    "made for another system": (other_machine(system="Plan9"), r"another type of machine.*Plan9"),
    "made for another Python": (other_machine(python="3.99"), r"another Python.*3\.99.*PYTHON=python3\.99"),
    "its manifest is an empty object": (lambda folder: write_raw(folder, b"{}"), r"was not written by `make bundle`"),
    "its manifest is nested deeply": (
        lambda folder: write_raw(folder, b"[" * 100_000),
        r"was not written by `make bundle`.*nested too deeply",
    ),
    "an image outside of it": (
        lambda folder: write(folder, images={"node": {"tag": "workbook-node:bundle-0", "file": "../../etc/passwd"}}),
        r"'../../etc/passwd' is not among its images",
    ),
    "a file outside of it": (
        lambda folder: write(folder, files={"../../etc/passwd": manifest.entry(folder / IMAGE)}),
        r"'../../etc/passwd' is not a file that a bundle has",
    ),
    "a link in place of a wheel": (
        lambda folder: link(folder / WHEEL),
        r"neither a file nor a folder: wheels/tool",
    ),
    "made for another version of the workbook": (
        lambda folder: write(folder, wants=manifest.wants() | {"kubernetes": "1.99.0"}),
        r"another version of the workbook.*kubernetes: 1\.99\.0 in the bundle, \d",
    ),
}


@pytest.mark.parametrize("what", DAMAGES)
def test_damage_is_reported_and_nothing_is_started(what, folder, tmp_path, record_property):
    damage, expected = DAMAGES[what]
    damage(folder)
    home = tmp_path / "home"
    done = command("lab", folder, home)
    assert done.returncode == 1
    assert done.stdout == "", "something was done before"
    assert not home.exists(), "something was written"
    error = done.stderr.strip()
    assert re.search(expected, error.replace("\n", " ")), error
    assert "Traceback" not in error and "\nDo:  " in error
    record_property("damage", (what, error.replace(str(folder.parent), "…")))


def test_a_wheel_for_a_newer_system(monkeypatch, tmp_path, record_property):
    monkeypatch.setitem(FILES, "wheels/tool-1-cp311-cp311-manylinux_2_17_x86_64.manylinux_2_99_x86_64.whl", b"new")
    monkeypatch.setattr(verifying.platform, "libc_ver", lambda: ("glibc", "2.17"))
    folder = write(tmp_path / "bundle")
    verifying.verify(folder, read.text(folder))
    monkeypatch.setattr(verifying.platform, "libc_ver", lambda: ("glibc", "2.5"))
    with pytest.raises(WorkbookError, match=r"newer system(.|\n)*glibc 2\.17; this system has 2\.5") as error:
        verifying.verify(folder, read.text(folder))
    record_property("damage", ("made on a newer system", str(error.value)))


def test_an_undamaged_bundle_is_verified(folder, tmp_path):
    (folder / "wheels" / ".DS_Store").touch()  # macOS leaves it in every folder that it shows
    done = command("verify", folder, tmp_path / "home")
    assert done.returncode == 0, done.stderr
    noted = manifest.write(folder, read.read(folder))
    assert "3 files" in done.stdout and noted in done.stdout
    assert "Compare this sum" in done.stdout, "nothing was compared with what somebody has noted"
    assert not (tmp_path / "home").exists()
    done = command("verify", folder, tmp_path / "home", f"--sum={noted}")
    assert done.returncode == 0 and "This is the expected sum" in done.stdout


@pytest.mark.parametrize("given", ["0" * 64, "", "nonsense"])
@pytest.mark.parametrize("verb", ["lab", "verify", "test", "clean"])
def test_a_sum_that_does_not_fit_starts_nothing(verb, given, folder, tmp_path):
    done = command(verb, folder, tmp_path / "home", "--sum", given)
    assert done.returncode == 1 and done.stdout == ""
    assert "sum" in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        (["SUM=12"], "--bundle=b --sum=12"),
        (["SUM="], "--bundle=b --sum="),
        ([], "--bundle=b"),
    ],
)
@pytest.mark.skipif(not shutil.which("make"), reason="make is not installed")
def test_make_passes_a_sum_on_even_if_it_is_empty(variables, expected):
    words = ["make", "--no-print-directory", "-C", str(ROOT), "lab", "PYTHON=echo", "BUNDLE=b", *variables]
    environment = {"PATH": os.environ["PATH"]}
    shown = subprocess.run(
        words, env=environment, capture_output=True, encoding="utf-8", errors="replace", check=True
    ).stdout
    assert shown == f"-m workbook lab {expected}\n"
    if variables:
        environment["SUM"] = variables[0].removeprefix("SUM=")
        shown = subprocess.run(
            words[:-1], env=environment, capture_output=True, encoding="utf-8", errors="replace", check=True
        ).stdout
        assert shown == f"-m workbook lab {expected}\n"


def test_equal_contents_have_equal_checksums(folder):
    first = (folder / manifest.NAME).read_bytes()
    (folder / "wheels" / "from-an-earlier-bundle.whl").touch()
    assert (write(folder) / manifest.NAME).read_bytes() == first
    assert not (folder / "wheels" / "from-an-earlier-bundle.whl").exists()


def test_a_file_is_kept_unless_it_is_damaged(folder):
    made = []

    def make(path):
        made.append(path.name)
        path.write_bytes(FILES[PROGRAM])

    new = making.Writer(folder)
    new.make(PROGRAM, make)
    assert made == []
    flip(folder / PROGRAM)
    new.make(PROGRAM, make)
    assert made == ["kind"] and (folder / PROGRAM).read_bytes() == FILES[PROGRAM]


def test_a_bundle_with_a_damaged_manifest_is_written_again(folder):
    (folder / manifest.NAME).write_bytes(b"{")
    assert read.read(write(folder))["files"].keys() == FILES.keys()


def test_an_interrupted_bundle_has_no_manifest(folder):
    def interrupt(path):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        making.Writer(folder).make("bin/minikube", interrupt)
    assert not (folder / manifest.NAME).exists()
