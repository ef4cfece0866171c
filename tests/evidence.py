"""Evidence of a failure: Pods, events, logs and the executed notebook, in a folder for each failure."""

import copy
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests import summary
from tests.cells import code_cells, is_cell, needs_cluster
from workbook.base.errors import WorkbookError
from workbook.base.paths import ROOT
from workbook.cluster.current import select
from workbook.lessons.begin import states
from workbook.lessons.kubectl import kubectl

FOLDER = ROOT / "build" / "failures"
COMMANDS = {
    "objects.txt": "get all -o wide",
    "describe.txt": "describe pods",
    "events.txt": "get events --sort-by=.lastTimestamp",
    "logs.txt": "logs -l app --all-containers --prefix --tail=200",
    "nodes.txt": "describe nodes",
}
"""The files in the folder, and the arguments of kubectl whose output each contains."""
IN_REPORT = ("objects.txt", "events.txt", "logs.txt")
"""The files whose last lines pytest's report shows, too."""
LINES = 25
"""Number of lines that the report shows of each file."""
OUTPUTS = pytest.StashKey[dict[int, list[dict[str, Any]]]]()
"""The outputs of a notebook's cells in this run, by the cell's number."""
EVIDENCE = "evidence"
"""The property of a report: the folder."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    if is_cell(item) and item.test_outputs is not None:
        item.parent.stash.setdefault(OUTPUTS, {})[item.cell_num] = item.test_outputs
    if report.failed and needs_cluster(item):
        name = item.nodeid.removeprefix("tests/").removeprefix("notebooks/")
        folder = FOLDER / re.sub(r"[^\w.-]+", "-", name).strip("-")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / "failure.txt").write_text(report.longreprtext, encoding="utf-8")
        select(states()[item.path.name[:2]].get("nodes", 1) if is_cell(item) else 1)  # the cluster of the notebook
        report.sections.append(("The cluster when this failed", write_cluster(folder)))
        select(1)
        if is_cell(item):
            write_notebook(item, folder)
        report.user_properties.append((EVIDENCE, folder.relative_to(ROOT).as_posix()))
    return report


def write_cluster(folder: Path) -> str:
    """Write what kubectl prints about the cluster into files; return the last lines for the report."""
    parts = []
    for name, command in COMMANDS.items():
        try:
            output = kubectl(*command.split(), timeout=30)
        except WorkbookError as error:
            output = str(error)
        (folder / name).write_text(output + "\n", encoding="utf-8")
        if name in IN_REPORT:
            parts += [f"$ kubectl {command}", *output.splitlines()[-LINES:]]
    return "\n".join(parts)


def write_notebook(item: pytest.Item, folder: Path) -> None:
    """Write the notebook with the outputs of this run; cells that did not run have none."""
    book = copy.deepcopy(item.parent.nb)
    outputs = item.parent.stash.get(OUTPUTS, {})
    for number, cell in enumerate(code_cells(book)):
        cell.outputs = [nbformat.from_dict(output) for output in outputs.get(number, [])]
        cell.execution_count = number + 1 if number in outputs else None
    (folder / item.path.name).write_text(nbformat.writes(book), encoding="utf-8")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Print the folders below pytest's own last line."""
    reporter = config.pluginmanager.getplugin("terminalreporter")
    for report in summary.reports(reporter, "failed", "error") if reporter else []:
        if folder := summary.noted(report, EVIDENCE):
            print(f"Pods, events, logs, and what was executed: {folder}")
