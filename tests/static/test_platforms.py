"""Differences between systems: line endings, and the encoding of text."""

import ast
import subprocess

import pytest

from workbook.base.paths import ROOT

SOURCES = sorted(path for folder in ("workbook", "node", "bench", "tests") for path in (ROOT / folder).rglob("*.py"))
OTHER_OPEN = ("tarfile.open", "gzip.open", "os.open", "opener.open", "reader.open")
"""Functions of this name that open no text file."""
NO_PROGRAM = ("new_output",)
"""Functions whose argument `text` has another meaning."""


def test_a_clone_has_the_same_files_whatever_git_is_set_to(tmp_path):
    """As in Git for Windows, which turns on `core.autocrlf`: Linux in an image cannot run a script with CRLF."""
    if not (ROOT / ".git").exists():
        pytest.skip("this copy of the workbook is no clone")
    command = [
        "git",
        "clone",
        "--quiet",
        "--no-local",
        "--depth=1",
        "--config=core.autocrlf=true",
        ROOT.as_uri(),
        "clone",
    ]
    subprocess.run(command, cwd=tmp_path, check=True)
    listed = subprocess.run(["git", "ls-files", "--eol", "-z"], cwd=tmp_path / "clone", capture_output=True, check=True)
    ends = {
        name: words.split()[1]
        for line in listed.stdout.decode().split("\0")
        if line
        for words, name in [line.split("\t")]
    }
    assert "workbook/__init__.py" in ends
    assert {
        name: end for name, end in ends.items() if end not in ("w/lf", "w/none") and not name.endswith(".png")
    } == {}
    assert {end for name, end in ends.items() if name.endswith(".png")} == {"w/-text"}


def without_encoding(source: str) -> list[str]:
    """The calls in a module that read or write text in the encoding of the system, which is not UTF-8 everywhere."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name, text = ast.unparse(node.func), ast.unparse(node)
        options = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
        method, positions = name.split(".")[-1], [ast.unparse(argument) for argument in node.args]
        if method in ("read_text", "write_text"):
            ok = len(positions) > (method == "write_text")
        elif method in ("open", "fdopen", "TemporaryFile", "NamedTemporaryFile") and name not in OTHER_OPEN:
            default = "'r'" if method in ("open", "fdopen") else "'w+b'"
            mode = next(
                (each for each in [*positions[:2], options.get("mode", "")] if set(each) <= set("'rwaxbt+")), ""
            )
            ok = "b" in (mode or default)
        elif method in NO_PROGRAM:
            ok = True
        else:
            ok = options.get("text", options.get("universal_newlines", "False")) == "False"
        if not ok and "encoding" not in options:
            found.append(f"line {node.lineno}: {text}")
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: ".".join(path.relative_to(ROOT).parts))
def test_text_has_an_encoding(path):
    assert without_encoding(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("call", "recognized"),
    [
        ("path.read_text()", True),
        ("path.read_text(errors='replace')", True),
        ("path.read_text('utf-8')", False),
        ("path.write_text(text)", True),
        ("path.write_text(text, encoding='utf-8')", False),
        ("path.open()", True),
        ("path.open('a')", True),
        ("path.open('wb')", False),
        ("open(path, mode='w')", True),
        ("open(path, 'rb')", False),
        ("os.fdopen(descriptor, 'w')", True),
        ("tempfile.TemporaryFile()", False),
        ("tempfile.TemporaryFile('w+')", True),
        ("subprocess.run(command, text=True)", True),
        ("subprocess.run(command, text=True, encoding='utf-8')", False),
        ("subprocess.run(command)", False),
        ("tarfile.open(path, 'w')", False),
    ],
)
def test_a_call_without_an_encoding_is_recognized(call, recognized):
    assert bool(without_encoding(call)) is recognized
