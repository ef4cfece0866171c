"""A simulated learner who keeps one kernel, and compares what its cells print."""

from contextlib import ExitStack, closing
from pathlib import Path

import nbformat

from bench.load import learner
from tests.cells import code_cells
from workbook.publish.execute import failed


class Learner(learner.Learner):
    """A learner with a link, whose kernel goes on while the connection or the hub is restarted."""

    def __init__(self, name: str, link: str) -> None:
        super().__init__(name, link)
        self.running = ""
        self._kernels = ExitStack()

    def begin(self) -> None:
        """Start a new kernel, and end the previous one."""
        self._kernels.close()
        self.running = self._kernels.enter_context(self.kernel())

    def run(self, code: str) -> tuple[str, str]:
        """Run code in the learner's kernel, started if there is none; return what it printed, and the error."""
        if not self.running:
            self.begin()
        with closing(self.connect(self.running)) as connection:
            return connection.run(code)

    def work_through(self, path: Path) -> None:
        """Run all cells of a notebook, and compare: a cell fails if it should, and prints the recorded checks."""
        self.begin()
        for cell in code_cells(nbformat.read(path, as_version=4)):
            if not cell.source.strip():
                continue
            printed, error = self.run(cell.source)
            assert bool(error) == failed(cell), f"{cell.source}\n{printed}"
            recorded = "".join(output.get("text", "") for output in cell.outputs)
            checks = [line for line in recorded.splitlines() if line.startswith(("✓", "✗"))]
            if "nbval-ignore-output" not in cell.metadata.get("tags", []):
                assert [line for line in printed.splitlines() if line.startswith(("✓", "✗"))] == checks, printed
