"""Imports, and a kernel's start to the end of the first cell."""

import sys
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

import nbformat
from jupyter_client.manager import start_new_kernel

from bench.measuring import Row, in_turn, seconds, versus
from bench.processes import timed
from workbook.base.notebooks import NOTEBOOKS, find
from workbook.publish.execute import QUIET

PLAIN = "import kubernetes, pandas"


def measure(options: Namespace) -> Iterator[Row]:
    """`import workbook`, and the imports of the first notebook on a fresh kernel."""
    ways = {code: lambda code=code: timed(sys.executable, "-c", code) for code in ("import workbook", PLAIN)}
    found = in_turn(ways)
    yield versus("import workbook", PLAIN, *found.values(), goal=1.3)
    first = imports(find(("00",))[0])
    found = in_turn({code: lambda code=code: seconds(lambda: kernel(code)) for code in (first, PLAIN)})
    yield versus("kernel start to notebook 00's imports", f"the same with {PLAIN}", *found.values(), goal=1.3)


def imports(notebook: Path) -> str:
    """The first cell of a notebook as far as it loads the workbook: what the cells of all notebooks begin with."""
    book = nbformat.read(notebook, as_version=4)
    source = next(cell.source for cell in book.cells if cell.cell_type == "code")
    return source.partition("\n\n")[0]


def kernel(code: str) -> None:
    """Starts a kernel, has it execute `code`, and ends it without waiting for its farewell."""
    manager, client = start_new_kernel(kernel_name="python3", extra_arguments=QUIET, cwd=str(NOTEBOOKS))
    try:
        reply = client.execute_interactive(code, timeout=60, output_hook=lambda _: None)
        if reply["content"]["status"] != "ok":
            raise RuntimeError(reply["content"])
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
