"""Any notebook first, twice, in any order, and after an interruption: all of them end well. `make test-order` runs this.

Chance has a seed, which the table at the end names; `WORKBOOK_SEED` repeats it.
"""

import os
import random
import signal
import threading
from contextlib import nullcontext

import nbformat
import pytest
from jupyter_client.manager import KernelManager

import workbook
from tests import sessions
from tests.cells import code_cells
from tests.undisturbed import compares, image
from workbook.base.notebooks import NOTEBOOKS, find
from workbook.base.paths import ROOT
from workbook.cluster.current import current
from workbook.engine.catalog import catalog
from workbook.lessons.kubectl import kubectl
from workbook.publish.execute import QUIET

pytestmark = [pytest.mark.cluster, pytest.mark.slow]
SEED = int(os.environ.get("WORKBOOK_SEED", random.SystemRandom().randrange(10**6)))
BOOKS = find()


def nbval(*paths):
    """Runs notebooks as tests, in this order, in a pytest of their own; fails with what that said."""
    names = [str(path.relative_to(ROOT)) for path in paths]
    done = sessions.pytest(*names, timeout=3600)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-1000:]


def as_new():
    """The cluster as it is when nothing has been done to it: no Namespace of ours, no image."""
    ours = current()
    for tag in catalog():
        ours.remove(tag)
    kubectl("delete", "namespace", ours.namespace)


@pytest.fixture
def drawn(record_property):
    """A function that notes the random order for the table, and prints it with the seed if the test fails."""

    def note(what):
        text = f"WORKBOOK_SEED={SEED}: {what}"
        print(text)
        record_property("drawn", text)

    return note


@pytest.mark.parametrize("draw", range(3))
def test_random_order(draw, drawn):
    order = random.Random(SEED + draw).sample(BOOKS, len(BOOKS))
    drawn(" ".join(path.name[:2] for path in order))
    nbval(*order)


@pytest.mark.parametrize("path", BOOKS, ids=lambda path: path.stem)
def test_alone_on_a_fresh_cluster_and_then_again(path):
    workbook.begin(0)
    as_new()
    nbval(path)
    nbval(path)


@pytest.mark.parametrize("path", BOOKS, ids=lambda path: path.stem)
def test_a_kernel_that_is_killed_in_the_middle_of_a_cell(path, drawn):
    """The notebook is run to a random cell, its kernel is killed in that or a later one, and the notebook run again from its start."""
    chance = random.Random(f"{SEED} {path.stem}")
    code = [cell.source for cell in code_cells(nbformat.read(path, as_version=4))]
    last, after = chance.randrange(len(code)), chance.uniform(0.05, 3)
    drawn(f"{after:.2f} s after the start of cell {last}")
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(cwd=str(NOTEBOOKS), extra_arguments=QUIET)
    client = manager.blocking_client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=60)
        with image() if compares(path) else nullcontext():
            for source in code[:last]:
                client.execute_interactive(source, timeout=600, output_hook=lambda message: None)
            pid = manager.provisioner.process.pid
            threading.Timer(after, os.kill, (pid, signal.SIGKILL)).start()
            for source in code[last:]:  # all of them, since a single cell may end sooner
                client.execute(source, stop_on_error=False)
            manager.provisioner.process.wait(60)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    assert not sessions.orphans(pid), "processes of the killed kernel keep running"
    nbval(path)
