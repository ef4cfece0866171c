"""`make bench`: run the benchmarks, print a table, and write build/bench.json."""

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

from rich.console import Console

from bench.measuring import Row, record, table
from workbook.base.paths import ROOT
from workbook.base.streams import replace_missing_characters
from workbook.lessons.start import delete_cluster
from workbook.machine.session import for_kernels
from workbook.machine.set_up import up

PROFILE = "workbook-bench"
"""The name of the cluster that the benchmarks use."""
WIDTH = 300
"""Enough columns for the table, since Markdown has one line for each row."""
RESULT = ROOT / "build" / "bench.json"
FROM_FILES = ("tests", "bundle")
"""The sections that read what the last `make test` and `make bundle` wrote. They need no cluster."""
SECTIONS = (*FROM_FILES, "cluster", "lab", "imports", "tables", "recorder", "images", "node", "workbook")
"""The modules with the benchmarks, in the order in which they run: the last one deletes the cluster, as notebook 16 does."""
SLOW = {"workbook"}
"""The sections that `--quick` omits."""


def main() -> int:
    """Run the chosen sections; return the exit status, 1 if a goal is missed."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("section", nargs="*", choices=[[], *SECTIONS], help="run only these; default: all")
    parser.add_argument("--quick", action="store_true", help=f"leave out {', '.join(SLOW)}, which takes 20 minutes")
    parser.add_argument("--node", action="store_true", help="also build the node image without a cache: 10 minutes")
    parser.add_argument("--fresh", action="store_true", help="also `make lab` on a machine without packages: a minute")
    parser.add_argument("--notebooks", nargs="+", default=[], help="only these notebooks, in the section workbook")
    options = parser.parse_args()
    replace_missing_characters()
    chosen = options.section or [section for section in SECTIONS if not (options.quick and section in SLOW)]
    measured: dict[str, list[Row]] = {section: [] for section in chosen}
    begun = time.strftime("%Y-%m-%d %H:%M:%S")
    if needs_cluster := not set(FROM_FILES).issuperset(chosen):
        up()
    try:
        for section, rows in measured.items():
            module = import_module(f"bench.{section}")
            print(f"\n— {(module.__doc__ or section).splitlines()[0]}", flush=True)
            for row in module.measure(options):
                rows.append(row)
                write(RESULT, begun, measured)
    finally:
        if needs_cluster:
            delete_cluster()
        if any(measured.values()):
            print()
            Console(width=WIDTH).print(table(measured))
            print(f"\nThe same as JSON: {RESULT.relative_to(ROOT)}")
    return 1 if any(row.verdict == "✗" for rows in measured.values() for row in rows) else 0


def write(path: Path, begun: str, measured: Mapping[str, list[Row]]) -> None:
    """Write the rows that have been measured so far, by section, and describe the machine."""
    path.parent.mkdir(parents=True, exist_ok=True)
    machine = {"system": platform.platform(), "python": platform.python_version(), "begun": begun}
    rows = [record(section, row) for section, rows in measured.items() for row in rows]
    path.write_text(json.dumps(machine | {"rows": rows}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def prepare() -> None:
    """Choose a cluster for this process and its children, such as kernels."""
    os.environ.setdefault("WORKBOOK_PROFILE", PROFILE)
    os.environ.setdefault("WORKBOOK_CLUSTER", "kind")  # the shell scripts need a node that is a container
    os.environ.update(for_kernels())


if __name__ == "__main__":
    prepare()
    sys.exit(main())
