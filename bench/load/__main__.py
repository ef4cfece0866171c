"""`make class-load`: simulated learners of the class that `make class` started run notebooks at once, then one runs away."""

import argparse
import csv
import json
import math
import sys
import time
import tomllib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, field
from statistics import median

import requests
from rich.console import Console
from websocket import WebSocketException

from bench.load.learner import Cell, Connection, Learner
from bench.load.runaways import RUNAWAYS
from bench.load.sampling import Samples, percentile, sampling
from bench.measuring import Row, record, table
from workbook.base.errors import WorkbookError
from workbook.base.notebooks import find
from workbook.base.paths import ROOT
from workbook.base.scratch import scratch
from workbook.base.streams import replace_missing_characters
from workbook.classroom.board import connected
from workbook.classroom.hub.links import FILE as LINKS
from workbook.classroom.hub.objects import DESK
from workbook.kube.client import Api

RESULT = ROOT / "build" / "class-load.json"
NOTEBOOKS = tuple(f"{number:02}" for number in range(9))
CALM = 20
"""Seconds in which another learner's cells are measured before a runaway begins."""
PREPARED = "from workbook import pods"
"""What the other learner runs first, so that `pods()` can be measured."""
MIB = 2**20
NOT_THERE: dict[str, list[str]] = tomllib.loads((ROOT / "classroom" / "not-there.toml").read_text(encoding="utf-8"))
"""The cells that can't work on a shared cluster, by notebook and their beginning."""


@dataclass
class Way:
    """One learner's way through the notebooks.

    Attributes:
        learner: the name.
        ready: seconds from the link to a server that answers.
        table: seconds from the link to the first table of Pods; inf without one.
        cells: all executed cells.
        failure: why the learner didn't get to the end; empty if they did.
    """

    learner: str
    ready: float = math.inf
    table: float = math.inf
    cells: list[Cell] = field(default_factory=list)
    failure: str = ""


def main() -> int:
    """Measure, print a table, and write build/class-load.json; return the exit status, 1 if a goal is missed."""
    parser = argparse.ArgumentParser(prog="make class-load", description=__doc__)
    parser.add_argument("--notebooks", nargs="+", default=NOTEBOOKS, metavar="NUMBER", help="default: 00 to 08")
    parser.add_argument("--pause", type=float, default=2, help="seconds in which a learner reads before each cell")
    parser.add_argument("--only", choices=("notebooks", "runaways"), help="leave out the other part")
    options = parser.parse_args()
    replace_missing_characters()
    learners = links()
    with scratch() as folder:
        return measure(learners, connected(folder), options)


def measure(learners: Sequence[Learner], api: Api, options: argparse.Namespace) -> int:
    """Measure as the options say; print and write the rows, also those before a Ctrl-C; return the exit status."""
    rows: list[Row] = []
    ways: list[Way] = []
    try:
        if options.only != "runaways":
            with sampling(api, learners[0].name, DESK) as samples:
                ways = together(learners, [path.stem for path in find(options.notebooks)], options.pause)
            rows += class_rows(ways, samples)
        if options.only != "notebooks":
            for what, source in RUNAWAYS.items():
                rows += runaway(api, learners, what, source)
    finally:
        if rows:
            Console(width=300).print(table({f"{len(learners)} learners": rows}))
            RESULT.parent.mkdir(parents=True, exist_ok=True)
            text = {"rows": [record("load", row) for row in rows], "ways": [asdict(way) for way in ways]}
            RESULT.write_text(json.dumps(text, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
            print(f"\nThe same as JSON, with each cell: {RESULT.relative_to(ROOT)}")
    return 1 if any(row.verdict == "✗" for row in rows) else 0


def links() -> list[Learner]:
    """Return the learners of the class.

    Raises:
        WorkbookError: no class was started here, or it has fewer than two learners.
    """
    learners = []
    with suppress(FileNotFoundError), LINKS.open(encoding="utf-8", newline="") as file:
        learners = [Learner(row["name"], row["link"]) for row in csv.DictReader(file)]
    if len(learners) < 2:
        fix = "Run `make class LEARNERS=20` first."
        raise WorkbookError(
            "There is no class to measure.", f"{LINKS} has {len(learners)} learners; two are needed.", fix
        )
    return learners


def together(learners: Sequence[Learner], notebooks: Sequence[str], pause: float) -> list[Way]:
    """Let all learners run the notebooks at once, each in their order, and return what they met."""
    with ThreadPoolExecutor(len(learners)) as pool:
        return list(pool.map(lambda learner: alone(learner, notebooks, pause), learners))


def alone(learner: Learner, notebooks: Sequence[str], pause: float) -> Way:
    """Let one learner follow the link and run the notebooks. A lost connection ends the way, and is its failure."""
    way, begun = Way(learner.name), time.time()
    try:
        way.ready = learner.log_in()
        for notebook in notebooks:
            for cell in learner.walk(notebook, pause):
                way.cells.append(cell)
                if cell.source.startswith("pods(") and math.isinf(way.table):
                    way.table = cell.end - begun
                if cell.failure and not is_listed(cell):
                    print(
                        f"  {learner.name} {notebook} cell {cell.index} ({cell.source.splitlines()[0]}): {cell.failure[:300]}",
                        flush=True,
                    )
            print(f"  {learner.name} has finished {notebook}", flush=True)
    except (OSError, WebSocketException, requests.RequestException) as error:
        way.failure = f"{type(error).__name__}: {error}"
        print(f"  {learner.name} did not finish: {way.failure}", flush=True)
    return way


def is_listed(cell: Cell) -> bool:
    """Whether it's known that this cell can't work for each learner of a class."""
    return cell.source.startswith(tuple(NOT_THERE.get(cell.notebook, ())))


def class_rows(ways: Sequence[Way], samples: Samples) -> Iterator[Row]:
    """Yield the rows of the table about the class. A time that no learner reached is infinite."""
    cells = [cell for way in ways for cell in way.cells]
    number = len(ways)
    yield Row(
        "link to a server that answers, the slowest learner", max(way.ready for way in ways), None, "s", runs=number
    )
    yield Row("link to the first table, the slowest learner", max(way.table for way in ways), 60, "s", runs=number)
    yield Row("learners who did not finish", sum(bool(way.failure) for way in ways), 0, "", runs=number)
    listed = [cell for cell in cells if cell.failure and is_listed(cell)]
    yield Row(
        "cells that failed, without those below",
        sum(bool(cell.failure) for cell in cells) - len(listed),
        0,
        "",
        runs=len(cells),
    )
    yield Row("cells that failed and are in classroom/not-there.toml", len(listed), None, "", runs=len(cells))
    for share in (0.5, 0.99):
        latency = percentile(samples.latencies, share) * 1000
        yield Row(f"API server, list of Pods, p{share * 100:g}", latency, None, "ms", runs=len(samples.latencies))
    yield Row("API server, requests without an answer", samples.refused, 0, "", runs=len(samples.latencies))
    yield Row(
        "memory of a learner, median", median(samples.memory.values() or [math.nan]) / MIB, None, "MiB", runs=number
    )
    yield Row(
        "memory of a learner, largest", max(samples.memory.values(), default=math.nan) / MIB, 350, "MiB", runs=number
    )
    yield Row("memory of all nodes, for each learner", sum(samples.nodes.values()) / MIB / number, None, "MiB")
    seconds = sum(last - first for first, last in samples.processor.values())
    yield Row("processor time of all nodes, for each learner", seconds / number, None, "s")


def runaway(api: Api, learners: Sequence[Learner], what: str, source: str) -> Iterator[Row]:
    """Let the first learner run away, and yield what the second one notices: a cell's time before and meanwhile, and errors."""
    first, other = learners[:2]
    for learner in (first, other):
        learner.log_in()
    with (
        other.kernel() as kernel,
        closing(other.connect(kernel)) as connection,
        sampling(api, other.name, DESK) as samples,
        ThreadPoolExecutor(1) as pool,
    ):
        connection.run(PREPARED)
        end = time.time() + CALM
        calm, _ = repeated(connection, until=lambda: time.time() > end)
        running = pool.submit(misbehave, first, source)
        during, failed = repeated(connection, until=running.done)
        print(f"  {what}: {running.result()}", flush=True)
    slower = median(during) / median(calm)
    yield Row(
        f"{what}: another learner's cell", slower, None, "×", "before", median(during), median(calm), runs=len(during)
    )
    yield Row(f"{what}: cells of the other learner that failed", failed, 0, "", runs=len(during))
    unanswered = f"{what}: requests that the API server didn't answer"
    yield Row(unanswered, samples.refused, 0, "", runs=len(samples.latencies))
    yield Row(f"{what}: until the server of the runaway learner answers", first.log_in(), None, "s")


def repeated(connection: Connection, until: Callable[[], bool]) -> tuple[list[float], int]:
    """Run the cell `pods()` once a second until something happens, at least once; return the seconds of each, and the failures."""
    times: list[float] = []
    failed = 0
    while not times or not until():
        begun = time.perf_counter()
        failed += bool(connection.run("pods()")[1])
        times.append(time.perf_counter() - begun)
        time.sleep(1)
    return times, failed


def misbehave(learner: Learner, source: str) -> str:
    """Run a runaway's source code as this learner; return how it ended."""
    try:
        with learner.kernel() as kernel, closing(learner.connect(kernel)) as connection:
            printed, error = connection.run(source)
            return " ".join(printed.split())[-300:] + (f" {error}" if error else "")
    except (OSError, WebSocketException, requests.RequestException) as error:
        return f"the server ended: {error}"


if __name__ == "__main__":
    sys.exit(main())
