"""What each exercise was told before its solution and after it, as a table at the end of a run."""

import re
from collections.abc import Iterator

import pytest
from rich.table import Table

from tests import summary
from tests.cells import is_cell

SAID = pytest.StashKey[dict]()
CALL = re.compile(r"^exercise\(\s*(\d+),(?:.|\n)*?(solution=True,?\s*)?\)\Z", re.MULTILINE)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    if is_cell(item) and item.test_outputs is not None and (call := CALL.search(item.cell.source)):
        number, solution = call.groups()
        text = "".join(output.get("text", "") for output in item.test_outputs)
        claims = [line[0] for line in text.splitlines() if line[0] in "✓✗"]
        item.config.stash.setdefault(SAID, {}).setdefault(number, ["", ""])[bool(solution)] = " ".join(claims)
    return report


def pytest_terminal_summary(terminalreporter, config: pytest.Config) -> None:
    if said := config.stash.get(SAID, None):
        table = Table("exercise", "before its solution", "after it", title="Exercises")
        for number, told in sorted(said.items(), key=lambda entry: int(entry[0])):
            table.add_row(number, *told)
        summary.show(terminalreporter, table)
