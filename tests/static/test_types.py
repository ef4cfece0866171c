"""The types of workbook/ and node/, checked by mypy, and by pyright for each system; those of bench/ by mypy; and the types of the public names."""

import os
import re
import subprocess
import sys
from importlib.util import find_spec

import pytest

import workbook
from workbook.base.paths import ROOT

PYRIGHT = ["pyright", "--pythonpath", sys.executable]
CHECKERS = {
    "mypy": ["mypy", "--no-pretty", "--no-color-output", "bench"],
    **{f"pyright for {system}": [*PYRIGHT, "--pythonplatform", system] for system in ("Linux", "Darwin", "Windows")},
}
FINDING = re.compile(r"(?:: | - )(?:error|warning): ")
REVEALED = re.compile(r'Revealed type is "(.+)"|Type of ".+" is "(.+)"')
# Its wrapper asks PyPI for a newer version otherwise; where it downloads one, that stays in this folder.
SETTINGS = {"PYRIGHT_PYTHON_IGNORE_WARNINGS": "1", "PYRIGHT_PYTHON_CACHE_DIR": str(ROOT / "build")}
NAMES = sorted(workbook.__all__)


@pytest.fixture(scope="module")
def checks(tmp_path_factory):
    """All checkers, started at the same time: of the sources, and of a module that uses the public names."""
    cell = tmp_path_factory.mktemp("types") / "cell.py"
    revealed = "".join(f"reveal_type({name})\n" for name in NAMES)
    cell.write_text(f"from workbook import {', '.join(NAMES)}\n{revealed}reveal_type(pods())\n", encoding="utf-8")
    running = {
        name: subprocess.Popen(
            [sys.executable, "-m", *command, "workbook", "node", cell],
            cwd=ROOT,
            env=os.environ | SETTINGS,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        )
        for name, command in CHECKERS.items()
        if find_spec(command[0])
    }
    return {name: (process.communicate()[0], process.returncode) for name, process in running.items()}


@pytest.fixture(params=CHECKERS)
def checked(request, checks):
    """The name of a checker, its output, and its exit status."""
    if request.param not in checks:
        pytest.skip(f"{request.param} is not installed: it is in the optional dependencies `dev` of pyproject.toml")
    return request.param, *checks[request.param]


def test_no_finding(checked, record_property):
    checker, output, status = checked
    findings = [line for line in output.splitlines() if FINDING.search(line)]
    record_property("findings", f"{checker}: {len(findings)} findings")
    assert not findings, "\n".join(findings)
    assert status == 0, output


def test_the_public_names_have_types(checked):
    _, output, _ = checked
    *names, table = (first or second for first, second in REVEALED.findall(output))
    assert len(names) == len(NAMES)
    assert [name for name, found in zip(NAMES, names, strict=True) if found in ("Any", "Unknown")] == []
    assert table.split(".")[-1] == "Table"
