"""A learner of a class: follows a link, runs notebook 00 until it shows a table of Pods, and works through notebook 02.

Run as `python -m tests.offline.learner NAME LINK`, in the network of the class. It prints how many seconds each part took.
"""

import sys
import time

import nbformat

from tests.cells import code_cells
from tests.classroom.hub.learner import Learner
from workbook.base.notebooks import find
from workbook.publish.execute import failed


def first_table(learner: Learner) -> None:
    """Run the cells of notebook 00 until one shows a table with the API server's Pod."""
    (path,) = find(("00",))
    for cell in code_cells(nbformat.read(path, as_version=4)):
        printed, error = learner.run(cell.source)
        assert bool(error) == failed(cell), printed
        if cell.source.startswith("pods(") and "kube-apiserver" in printed:
            return
    raise AssertionError("no cell has shown a table of Pods")


def build(learner: Learner) -> None:
    """Run notebook 02, which builds an image; its checks must pass."""
    (path,) = find(("02",))
    learner.work_through(path)


learner = Learner(*sys.argv[1:])
for part, work in {
    "from the link to JupyterLab": learner.log_in,
    "notebook 00 to the first table": lambda: first_table(learner),
    "notebook 02, with a build": lambda: build(learner),
}.items():
    begun = time.monotonic()
    work()
    print(f"✓ {part} ({time.monotonic() - begun:.1f} s)", flush=True)
