"""The whole workbook as tests, compared with a shell script that takes the same steps with kubectl and docker."""

import contextlib
import io
import re
import subprocess
import sys
import tempfile
import time
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from bench.measuring import Row
from bench.processes import shell_env, timed
from workbook.base.notebooks import find
from workbook.base.paths import ROOT
from workbook.base.steps import step
from workbook.cluster.current import current
from workbook.engine.build import base
from workbook.lessons import prober as probing
from workbook.lessons.begin import begin, states
from workbook.machine.set_up import up

SCRIPT = Path(__file__).with_name("plain.sh")


def measure(options: Namespace) -> Iterator[Row]:
    """Measure each notebook once, since all of them take ten minutes, most of which Kubernetes takes. The last row is the sum."""
    paths = list(filter(is_measured, find(tuple(options.notebooks))))
    numbers = [int(path.name[:2]) for path in paths]
    _ready(numbers[0])
    with step("Run the notebooks by nbval"):
        whole, workbook = _nbval(paths)
    up()  # the last notebook has deleted the cluster
    env = _script_env()
    peer = []
    for path, number in zip(paths, numbers, strict=True):
        _ready(number)
        with step(f"Run {path.stem} by a shell script"):
            peer.append(timed("sh", SCRIPT, path.name[:2], env=env))
    up()
    for path, first, second in zip(paths, workbook, peer, strict=True):
        yield Row(path.stem, first / second, None, "×", "the shell script", first, second)
    yield Row(f"{len(paths)} notebooks by nbval", whole / sum(peer), 1.1, "×", "the shell script", whole, sum(peer))


def is_measured(path: Path) -> bool:
    """Whether a notebook is measured. The script knows only the learner's own cluster, and so no notebook with two nodes."""
    return states()[path.name[:2]].get("nodes", 1) == 1


def _ready(number: int) -> None:
    """Put the cluster into the starting state of a notebook; this is not measured."""
    with contextlib.redirect_stdout(io.StringIO()):
        begin(number)


def _nbval(paths: list[Path]) -> tuple[float, list[float]]:
    """The seconds of pytest as a whole, and of each notebook: the start of its kernel, its cells, and its end."""
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch, "report.xml")
        begun = time.perf_counter()
        code = subprocess.run(
            [sys.executable, "-m", "pytest", "--nbval", "-q", f"--junitxml={report}", *map(str, paths)], cwd=ROOT
        ).returncode
        whole = time.perf_counter() - begun
        if code:
            raise RuntimeError("a notebook has failed, so its time means nothing")
        spent = dict.fromkeys((path.stem for path in paths), 0.0)
        for case in ElementTree.parse(report).iter("testcase"):
            name = next(name for name in spent if re.search(rf"\b{re.escape(name)}\b", case.get("classname", "")))
            spent[name] += float(case.get("time", 0))
        return whole, list(spent.values())


def _script_env() -> dict[str, str]:
    """The variables that plain.sh needs."""
    engine = current().docker()
    bases = {f"{purpose.upper()}_BASE": base(engine, purpose) for purpose in ("python", "jdk", "debian")}
    return shell_env() | bases | {"PROBER": probing.PROGRAM}
