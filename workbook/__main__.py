"""`python3 -m workbook VERB`: what the Makefile calls, for systems without make too.

Begins with any Python and only the standard library; then goes on in the environment that has the packages.
"""

import argparse
import os
import shutil
import sys
from importlib import import_module
from pathlib import Path

from workbook import environment
from workbook.commands import attend
from workbook.errors import WorkbookError
from workbook.paths import HOME, ROOT

# The verb → the module whose function of that name does it, and what `--help` says.
VERBS = {
    "lab": ("lifecycle", "set everything up, then open the notebooks in JupyterLab"),
    "test": ("execute", "set everything up, then run all tests, the notebooks among them, on a cluster of their own"),
    "mutants": ("execute", "make small wrongs in a copy of the workbook, and require that its tests catch each"),
    "test-order": ("execute", "run the notebooks alone, twice, in random orders, and after a killed kernel"),
    "faults": (
        "execute",
        "break the cluster and the machine on purpose, and require that each is survived or explained",
    ),
    "bench": ("execute", "measure the workbook beside its peers, on a cluster of its own, and print the ratios"),
    "run": ("execute", "set everything up, then execute the whole workbook; executed copies go to build/run/"),
    "record": ("execute", "execute the notebooks on the tests' cluster and write their outputs into them"),
    "handout": ("handout", "make build/handout.html and build/handout.pdf of the recorded notebooks; needs no cluster"),
    "status": ("journal", "say what the cluster is doing, and how far you are in the notebooks"),
    "doctor": (
        "doctor",
        "say whether this machine is ready for a class, and change nothing; the exit status is 1 if not",
    ),
    "classroom": ("classroom", "make a place for each learner on a shared cluster, of which you are an administrator"),
    "up": ("lifecycle", "set everything up: packages, Docker engine, cluster, base images"),
    "down": ("lifecycle", "stop the workbook's clusters; what was deployed stays"),
    "clean": ("cleaning", "remove clusters, images, caches: everything the workbook has made"),
}


EXTRA = dict.fromkeys(("test", "handout"), "handout") | {"bench": "bench"}
"""What a verb needs beyond the workbook's packages: see the optional dependencies in pyproject.toml."""
ONLY = ("NOTEBOOK", "only these notebooks, given by path or number")
PYTEST = ("ARGUMENT", "arguments for pytest")
BENCH = ("ARGUMENT", "what to measure: see bench/README.md")
LEARNERS = ("LEARNER", "names of the learners' Namespaces, such as learner-1")
TAKES = {
    "classroom": LEARNERS,
    "run": ONLY,
    "record": ONLY,
    "bench": BENCH,
    **dict.fromkeys(("test", "mutants", "test-order", "faults"), PYTEST),
}


def main() -> int:
    """Runs the verb; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python3 -m workbook", description="Kubernetes, taught by driving it.")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for verb, (_, meaning) in VERBS.items():
        asked = verbs.add_parser(verb, help=meaning, description=meaning)
        if verb == "doctor":
            asked.add_argument("--json", dest="more", action="store_const", const=["--json"], help="for programs")
        if verb in TAKES:
            asked.add_argument("more", nargs="*", metavar=TAKES[verb][0], help=TAKES[verb][1])
    chosen, options = parser.parse_known_args()
    more = getattr(chosen, "more", None) or []
    if TAKES.get(chosen.verb) in (PYTEST, BENCH):
        more = sys.argv[2:]  # as they stand: argparse has parted options from their values
    elif options:
        parser.error(f"unknown option {options[0]!r}")
    try:
        if chosen.verb == "clean" and not HOME.exists():
            _remove(*_own_files())
            print("Nothing of the workbook is left on this machine.")
            return 0
        if chosen.verb == "doctor":  # installs nothing, and says what is missing
            interpreter = environment.found() or Path(sys.executable)
        else:
            interpreter = environment.python(EXTRA.get(chosen.verb, ""))
        if environment.is_this(interpreter):
            home, _ = VERBS[chosen.verb]
            do = getattr(import_module(f"workbook.{home}"), chosen.verb.replace("-", "_"))
            return do(*more) or 0
        path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        code = attend([interpreter, "-m", "workbook", *sys.argv[1:]], {"PYTHONPATH": path})
        if chosen.verb == "clean" and code == 0:
            _remove(*_own_files())
        return code
    except WorkbookError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted. Nothing is lost: the same command goes on where it was.", file=sys.stderr)
        return 130


def _own_files() -> list[Path]:
    """What `clean` leaves to this process, which runs outside of it."""
    return [environment.VENV, HOME, *ROOT.glob("*.egg-info"), ROOT / ".pytest_cache", ROOT / ".ruff_cache"]


def _remove(*folders: Path) -> None:
    for folder in folders:
        if folder.exists():
            shutil.rmtree(folder)
            print(f"✓ Remove {folder}")


if __name__ == "__main__":
    sys.exit(main())
