"""The whole workbook by nbval, beside a shell script that does the same steps by kubectl and docker."""

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
from workbook.lessons.begin import begin
from workbook.machine.set_up import up

SCRIPT = Path(__file__).with_name("plain.sh")


def measure(options: Namespace) -> Iterator[Row]:
    """Each once, for it takes ten minutes, most of them the programs' own delays. A row for each notebook, and their sum."""
    paths = find(tuple(options.notebooks))
    numbers = [int(path.name[:2]) for path in paths]
    _ready(numbers[0])
    with step("The notebooks by nbval"):
        whole, ours = _nbval(paths)
    up()  # the last notebook has deleted the cluster
    env = _env()
    theirs = []
    for path, number in zip(paths, numbers, strict=True):
        _ready(number)
        with step(f"{path.stem} by a shell script"):
            theirs.append(timed("sh", SCRIPT, path.name[:2], env=env))
    up()
    for path, one, other in zip(paths, ours, theirs, strict=True):
        yield Row(path.stem, one / other, None, "×", "the shell script", one, other)
    yield Row(f"{len(paths)} notebooks by nbval", whole / sum(theirs), 1.1, "×", "the shell script", whole, sum(theirs))


def _ready(number: int) -> None:
    """Brings the cluster into the state in which a notebook begins; this is not measured."""
    with contextlib.redirect_stdout(io.StringIO()):
        begin(number)


def _nbval(paths: list[Path]) -> tuple[float, list[float]]:
    """The seconds of pytest as a whole, and those of each notebook: its kernel's start, its cells, its end."""
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch, "report.xml")
        begun = time.perf_counter()
        code = subprocess.run(
            [sys.executable, "-m", "pytest", "--nbval", "-q", f"--junitxml={report}", *map(str, paths)], cwd=ROOT
        ).returncode
        whole = time.perf_counter() - begun
        if code:
            raise RuntimeError("a notebook has failed, so its time tells nothing")
        spent = dict.fromkeys((path.stem for path in paths), 0.0)
        for case in ElementTree.parse(report).iter("testcase"):
            name = next(name for name in spent if re.search(rf"\b{re.escape(name)}\b", case.get("classname", "")))
            spent[name] += float(case.get("time"))
        return whole, list(spent.values())


def _env() -> dict[str, str]:
    """What plain.sh asks for."""
    engine = current().docker()
    bases = {f"{purpose.upper()}_BASE": base(engine, purpose) for purpose in ("python", "jdk", "debian")}
    return shell_env() | bases | {"PROBER": probing.PROGRAM}
