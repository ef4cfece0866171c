"""For `make matrix`: the report of a failed cell has what was expected and what it printed, and its notebook goes on."""

import re
from collections.abc import Iterator, Sequence

import pytest
from nbformat import NotebookNode

from tests.cells import WHY_SKIPPED, is_cell
from workbook.lessons.check import CheckFailed

OPTION = "--differences"
EXPECTED, GOT = "expected", "got"
"""The properties of a failed cell in pytest's report as XML."""


def pytest_addoption(parser: pytest.Parser) -> None:
    text = "go on with a notebook after a cell that prints something else; report both"
    parser.addoption(OPTION, action="store_true", help=text)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    report = yield
    if report.failed and is_cell(item) and item.config.getoption(OPTION):
        got = item.test_outputs or []
        # pytest writes the item's properties into its report, at the end of the test.
        item.user_properties += [(EXPECTED, shown(item.cell.outputs)), (GOT, shown(got))]
        errors = [output.ename for output in got if output.output_type == "error"]
        if errors == [CheckFailed.__name__] or str(call.excinfo.value) == "Cell outputs differ":
            del item.parent.stash[WHY_SKIPPED]
    return report


def shown(outputs: Sequence[NotebookNode]) -> str:
    """The outputs of a cell as text, without colors."""
    texts = []
    for output in outputs:
        if output.output_type == "error":
            texts.append(f"{output.ename}: {output.evalue}")
        else:
            texts.append(output.get("text") or output.get("data", {}).get("text/plain", ""))
    return re.sub(r"\x1b\[[\d;]*m", "", "\n".join(text.rstrip() for text in texts))
