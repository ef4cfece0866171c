"""The seconds of the last `make test`, by part."""

import json
from argparse import Namespace
from collections.abc import Iterator

from bench.measuring import Row
from tests.durations import FILE


def measure(options: Namespace) -> Iterator[Row]:
    """Read what the last run of the tests wrote, since another run would take too long."""
    run = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
    if not run.get("whole"):
        print("In the last run of the tests, not all of them ran and passed: run `make test` first.")
        return
    counts = {part: sum(map(len, files.values())) for part, files in run["tests"].items()}
    for part, files in run["tests"].items():
        yield Row(
            f"`make test`: {part}, {counts[part]:,} tests",
            sum(sum(tests.values()) for tests in files.values()),
            None,
            "s",
        )
    what = f"`make test` of {run['begun']}: {sum(counts.values()):,} tests, lanes: {run['lanes']}"
    yield Row(what, run["seconds"], 600, "s")
