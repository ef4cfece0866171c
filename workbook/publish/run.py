"""`make run`: execute the notebooks, and save the outputs in copies."""

import os

import nbformat

from workbook.base.notebooks import find
from workbook.base.paths import ROOT
from workbook.machine.lanes import delete, room
from workbook.machine.session import for_kernels
from workbook.machine.set_up import up
from workbook.publish.execute import execute

COPIES = ROOT / "build" / "run"


def run(*chosen: str, lanes: int = 1) -> int:
    """Execute the notebooks, or the `chosen` ones, and save executed copies in `COPIES`; return 1 if one failed, or 0.

    Args:
        chosen: their paths or numbers; all when there are none.
        lanes: how many to execute at once. The clusters of all lanes but the first are deleted at the end.
    """
    paths = find(chosen)
    lanes = room(min(lanes, len(paths)))
    os.environ.update(for_kernels())
    up()
    COPIES.mkdir(parents=True, exist_ok=True)
    try:
        outcomes = execute(paths, keep=lambda path, book: nbformat.write(book, COPIES / path.name), lanes=lanes)
    finally:
        delete(range(1, lanes))
    print(f"Executed copies: {COPIES}")
    return 1 if any(outcome.error for outcome in outcomes) else 0
