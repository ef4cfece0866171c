"""Imports, and the start of a kernel up to the imports of the first cell."""

import sys
from argparse import Namespace
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import nbformat
from jupyter_client.manager import start_new_kernel

from bench.measuring import Row, in_turn, seconds, versus
from bench.processes import timed
from workbook.base.notebooks import NOTEBOOKS, find
from workbook.publish.execute import QUIET

PLAIN = "import kubernetes, pandas"
PEER = f"`{PLAIN}`"


def measure(options: Namespace) -> Iterator[Row]:
    """Measure `import workbook` in a new process, and the imports of the first notebook in a new kernel."""
    workbook, peer = in_turn(
        {code: partial(timed, sys.executable, "-c", code) for code in ("import workbook", PLAIN)}
    ).values()
    yield versus("`import workbook`", PEER, workbook, peer, goal=1.3)
    first = imports(find(("00",))[0])
    workbook, peer = in_turn({code: partial(seconds, partial(kernel, code)) for code in (first, PLAIN)}).values()
    yield versus("a kernel's start and notebook 00's imports", PEER, workbook, peer, goal=1.3)


def imports(notebook: Path) -> str:
    """The part of a notebook's first cell that loads the workbook."""
    book = nbformat.read(notebook, as_version=4)
    source: str = next(cell.source for cell in book.cells if cell.cell_type == "code")
    return source.partition("\n\n")[0]


def kernel(code: str) -> None:
    """Start a kernel, execute `code` in it, and end it at once."""
    manager, client = start_new_kernel(kernel_name="python3", extra_arguments=QUIET, cwd=str(NOTEBOOKS))
    try:
        reply = client.execute_interactive(code, timeout=60, output_hook=lambda _: None)
        if reply["content"]["status"] != "ok":
            raise RuntimeError(reply["content"])
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
