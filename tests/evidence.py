"""What a failure leaves behind to be read: Pods, events, logs, and the notebook as it was executed, in a folder of its own."""

import copy
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

from tests.cells import code_cells, is_cell, needs_cluster
from workbook.base.paths import ROOT

FOLDER = ROOT / "build" / "failures"
COMMANDS = {
    "objects.txt": "get all -o wide",
    "describe.txt": "describe pods",
    "events.txt": "get events --sort-by=.lastTimestamp",
    "logs.txt": "logs -l app --all-containers --prefix --tail=200",
    "nodes.txt": "describe nodes",
}
SHORT = ("objects.txt", "events.txt", "logs.txt")
LAST = 25
"""Lines of each of these in the report itself."""
OUTPUTS = pytest.StashKey[dict]()
FAILURES = pytest.StashKey[list]()


def pytest_sessionstart(session: pytest.Session) -> None:
    session.config.stash[FAILURES] = []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    if is_cell(item) and item.test_outputs is not None:
        item.parent.stash.setdefault(OUTPUTS, {})[item.cell_num] = item.test_outputs
    if report.failed and needs_cluster(item):
        folder = FOLDER / re.sub(r"[^\w.-]+", "-", item.nodeid.removeprefix("tests/").removeprefix("notebooks/")).strip(
            "-"
        )
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / "failure.txt").write_text(report.longreprtext, encoding="utf-8")
        report.sections.append(("The cluster when this failed", _cluster(folder)))
        if is_cell(item):
            _notebook(item, folder)
        item.config.stash[FAILURES].append(folder)
    return report


def _cluster(folder: Path) -> str:
    """Writes what kubectl tells into `folder`; returns the ends of it."""
    from workbook.base.errors import WorkbookError
    from workbook.base.processes import CommandFailed
    from workbook.lessons.kubectl import kubectl

    told = []
    for name, command in COMMANDS.items():
        try:
            output = kubectl(*command.split(), timeout=30)
        except (CommandFailed, WorkbookError) as error:
            output = str(error)
        (folder / name).write_text(output + "\n", encoding="utf-8")
        if name in SHORT:
            told.append("\n".join([f"$ kubectl {command}", *output.splitlines()[-LAST:]]))
    return "\n".join(told)


def _notebook(item: pytest.Item, folder: Path) -> None:
    """Writes the notebook with the outputs that its cells had this time; cells that did not run have none."""
    book = copy.deepcopy(item.parent.nb)
    outputs = item.parent.stash.get(OUTPUTS, {})
    for number, cell in enumerate(code_cells(book)):
        cell.outputs = [nbformat.from_dict(output) for output in outputs.get(number, [])]
        cell.execution_count = number + 1 if number in outputs else None
    (folder / item.path.name).write_text(nbformat.writes(book), encoding="utf-8")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Last of all, after pytest's own last line: where to look."""
    for folder in config.stash.get(FAILURES, []):
        print(f"Pods, events, logs, and what was executed: {folder.relative_to(ROOT)}")
