"""`make matrix`: run the notebooks on several versions of Kubernetes, or with several versions of its Python client.

Each version of Kubernetes gets a cluster of its own, one after the other. pytest's reports in build/matrix/ show what an
interrupted run has finished; the next run continues there. The results are added to tests/matrix.json, and
tests/matrix_page.py writes a page with them.
"""

import argparse
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from difflib import unified_diff
from functools import cached_property
from pathlib import Path
from xml.etree import ElementTree

import nbformat

from node.versions import VARIABLE
from tests import matrix_page
from tests.cells import code_cells
from tests.claims import listed
from tests.differences import EXPECTED, GOT, OPTION
from tests.matrix_page import Difference, Part, Row
from tests.needs import STATUS
from workbook.base.errors import WorkbookError
from workbook.base.notebooks import find
from workbook.base.paths import ROOT, locks
from workbook.base.processes import attend, read, run
from workbook.base.steps import step
from workbook.cluster.choose import PROFILE, Provider, Settings
from workbook.cluster.kind import Kind

KUBERNETES = ("1.32.2", "1.36.3", "1.37.0")
"""The oldest Kubernetes that the workbook supports, and newer ones. All modules of these versions are published, so that
their node images can be built from source."""
CLIENTS = ("35", "36", "37")
"""The versions of the Python client that pyproject.toml allows."""
WITH_CLIENTS = ("01", "03", "08")
"""The notebooks that run with each client, after the unit tests."""
UNIT_TESTS = ROOT / "tests" / matrix_page.UNIT_TESTS
AGAIN = UNIT_TESTS / "test_platforms.py"
"""The module that runs all unit tests once more, which takes as long as the rest."""
REPORTS = ROOT / "build" / "matrix"
LINES = 20
"""The number of lines that are stored of a difference."""


@dataclass
class Version:
    """A version to try: of Kubernetes, or of the client.

    `python` runs pytest with the `variables`. `table` and `name` are its place in the results.
    """

    table: str
    name: str
    python: Path = Path(sys.executable)
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        return f"{'Kubernetes' if self.table == matrix_page.KUBERNETES else 'client'} {self.name}"

    @property
    def reports(self) -> Path:
        """The folder with the reports of an unfinished run."""
        return REPORTS / f"{self.table}-{self.name}"

    @cached_property
    def cluster(self) -> Kind | None:
        """The cluster for this version alone; None for a client, which uses that of all tests."""
        profile = self.variables.get(PROFILE)
        return Kind(Settings.from_environment(profile)) if profile else None


def matrix(*arguments: str) -> int:
    """Try versions, and write the results.

    Returns:
        1 if something differed or a version could not be tried, 130 after Ctrl-C, else 0.
    """
    options = _parser().parse_args(arguments)
    parts = find(options.notebooks)
    if options.clients:
        parts = [UNIT_TESTS, *(parts if options.notebooks else find(WITH_CLIENTS))]
    problems = []
    try:
        for name in options.versions or (CLIENTS if options.clients else KUBERNETES):
            try:
                problems += _try(_client(name) if options.clients else _kubernetes(name), parts)
            except WorkbookError as error:
                print(f"\n{error}", file=sys.stderr)
                problems.append(f"{name} was not tried to the end: {error.what}")
    except KeyboardInterrupt:
        print("\nInterrupted. Nothing is lost: the same command continues where it stopped.", file=sys.stderr)
        return 130
    print(f"\nThe results: {matrix_page.PAGE}", *problems, sep="\n")
    return 1 if problems else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make matrix", allow_abbrev=False)
    parser.add_argument("versions", nargs="*", metavar="VERSION", help=f"by default {', '.join(KUBERNETES)}")
    parser.add_argument(
        "--clients", action="store_true", help=f"try the Python client, by default {', '.join(CLIENTS)}"
    )
    parser.add_argument("--notebooks", nargs="+", default=(), metavar="NOTEBOOK", help="only these, by path or number")
    return parser


def _kubernetes(name: str) -> Version:
    """A version of Kubernetes, on a kind cluster of its own."""
    profile = f"matrix-{name.replace('.', '-')}"
    variables = {"WORKBOOK_CLUSTER": Provider.KIND.value, PROFILE: profile, VARIABLE: name}
    return Version(matrix_page.KUBERNETES, name, variables=variables)


def _client(name: str) -> Version:
    """A version of the client, in a Python environment of its own, with the other packages in their pinned versions."""
    folder = REPORTS / f"environment-{name}"
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    uv = [sys.executable, "-m", "uv"]
    with step(f"Install the client {name} and all other packages") as running:
        run([*uv, "venv", "--clear", "--seed", f"--python={sys.executable}", folder], on_line=running.update)
        pinned = [f"--requirement={path}" for path in locks("test", "dev", "handout")]
        for packages in (["--require-hashes", *pinned], [f"kubernetes=={name}.*"]):
            run([*uv, "pip", "install", f"--python={python}", *packages], timeout=1800, on_line=running.update)
    installed = read([python, "-c", "from importlib.metadata import version; print(version('kubernetes'))"]).strip()
    return Version(matrix_page.CLIENTS, installed, python)


def _try(version: Version, parts: Sequence[Path]) -> list[str]:
    """Run the notebooks and the folders of tests on a version, and store their results; return what differed, in words."""
    results = matrix_page.results()
    row = results[version.table].setdefault(version.name, Row(image="", parts={}))
    problems = []
    try:
        for path in parts:
            row["parts"][path.stem] = part = result(path, _report(version, path))
            row["image"] = _image(version) or row["image"]
            matrix_page.write(results)
            if part["passed"] < part["all"]:
                problems.append(f"{version.title}, {path.stem}: {part['passed']} of {part['all']} passed.")
    finally:
        if version.cluster and not isinstance(sys.exception(), KeyboardInterrupt):  # else the next run continues on it
            version.cluster.delete()
    shutil.rmtree(version.reports)
    return problems


def _report(version: Version, path: Path) -> Path:
    """Run a notebook or a folder of tests on a version; return pytest's report. Keeps that of an interrupted run.

    Raises:
        KeyboardInterrupt: the run was interrupted.
        WorkbookError: it did not begin, for example because there is no cluster.
    """
    report = version.reports / f"{path.stem}.xml"
    if report.exists():
        return report
    print(f"\n{version.title}: {path.relative_to(ROOT)}", flush=True)
    part = report.with_suffix(".part")
    part.unlink(missing_ok=True)
    words = ("-m", "pytest", "--quiet", "--nbval", OPTION, f"--junitxml={part}", f"--ignore={AGAIN}", path)
    code = attend([version.python, *words], version.variables)
    if code < 0 or (code == STATUS and part.exists() and cases(part)):  # a signal has ended it, or Ctrl-C
        raise KeyboardInterrupt
    if code not in (0, 1) or not part.exists():
        raise WorkbookError(
            f"{version.title}: {path.stem} could not be run.", "The reason is above.", "Run this again."
        )
    part.replace(report)
    return report


def cases(report: Path) -> list[ElementTree.Element]:
    """Return the tests in a report of pytest."""
    return list(ElementTree.parse(report).iter("testcase"))


def outcome(case: ElementTree.Element) -> str:
    """Return the outcome of a test in a report: `passed`, `skipped` or `failed`."""
    tags = {element.tag for element in case}
    return "failed" if tags & {"failure", "error"} else "skipped" if "skipped" in tags else "passed"


def result(path: Path, report: Path) -> Part:
    """Return the result of a notebook or of a folder of tests from pytest's report."""
    found = cases(report)
    outcomes = {case.get("name", ""): outcome(case) for case in found}
    code = code_cells(nbformat.read(path, as_version=4)) if path.suffix == ".ipynb" else []
    places = {}
    for place in sorted({place for entry in listed().values() for place in entry.cells}):
        number, _, text = place.partition(": ")
        if path.name.startswith(f"{number}_"):
            tried = [outcomes.get(f"Cell {index}", "") for index, cell in enumerate(code) if text in cell.source]
            places[place] = worst(tried)
    differences = []
    for case in found:
        if outcome(case) == "failed":
            cell = code[int(case.get("name", "").removeprefix("Cell "))] if code else None
            differences.append(
                Difference(
                    cell=cell.execution_count if cell else None,
                    code=cell.source.partition("\n")[0] if cell else f"{case.get('classname')}.{case.get('name')}",
                    lines=difference(case),
                )
            )
    return Part(
        date=datetime.now(UTC).date().isoformat(),
        all=len(found) if code else sum(outcome(case) != "skipped" for case in found),
        passed=sum(outcome(case) == "passed" for case in found),
        places=places,
        differences=differences,
    )


def worst(outcomes: Sequence[str]) -> str:
    """Return `failed` if one of the outcomes is, `passed` if all are, else `skipped`."""
    if "failed" in outcomes:
        return "failed"
    return "passed" if outcomes and set(outcomes) == {"passed"} else "skipped"


def difference(case: ElementTree.Element) -> list[str]:
    """Return the lines that a failed cell should have printed, after `- `, and those that it printed, after `+ `."""
    noted = {found.get("name"): found.get("value", "") for found in case.iter("property")}
    if EXPECTED not in noted:  # a test, or a cell that did not run
        return [
            f"+ {found.get('message', '').partition(chr(10))[0]}" for found in case if found.tag in ("failure", "error")
        ]
    expected, got = (noted[name].splitlines() for name in (EXPECTED, GOT))
    changed = list(unified_diff(expected, got, n=0, lineterm=""))[2:]
    lines = [f"{line[0]} {line[1:]}".rstrip() for line in changed if not line.startswith("@@")]
    if not lines:
        return ["+ the same text, with another picture or table"]
    return lines[:LINES] + ["…"] * (len(lines) > LINES)


def _image(version: Version) -> str:
    """The node image of a version's cluster, with its digest or hash; empty without a cluster of its own."""
    node = version.cluster.node() if version.cluster else None
    return str(node.attrs["Config"]["Image"]) if node else ""
