"""`python3 -m workbook VERB`: what the Makefile calls, for systems without make too.

Begins with any Python and only the standard library; then goes on in the environment that has the packages.
"""

import argparse
import os
import shutil
import sys
from importlib import import_module
from pathlib import Path

from workbook import bundle, environment
from workbook.commands import attend
from workbook.errors import WorkbookError
from workbook.paths import HOME, ROOT

# The verb → the module whose function of that name does it, and what `--help` says.
VERBS = {
    "lab": ("lifecycle", "set everything up, then open the notebooks in JupyterLab"),
    "test": ("execute", "set everything up, then run all tests, the notebooks among them, on a cluster of their own"),
    "offline": (
        "execute",
        "make a bundle, and prove in a network that leads nowhere that all tests pass from it alone",
    ),
    "mutants": ("execute", "make small wrongs in a copy of the workbook, and require that its tests catch each"),
    "test-order": ("execute", "run the notebooks alone, twice, in random orders, and after a killed kernel"),
    "faults": (
        "execute",
        "break the cluster and the machine on purpose, and require that each is survived or explained",
    ),
    "run": ("execute", "set everything up, then execute the whole workbook; executed copies go to build/run/"),
    "record": ("execute", "execute the notebooks on the tests' cluster and write their outputs into them"),
    "bundle": ("bundle.making", "write all that a class needs without a network into one folder, build/bundle"),
    "verify": ("bundle", "read a bundle whole, compare every sum, and start nothing"),
    "status": ("journal", "say what the cluster is doing, and how far you are in the notebooks"),
    "up": ("lifecycle", "set everything up: packages, Docker engine, cluster, base images"),
    "down": ("lifecycle", "stop the workbook's clusters; what was deployed stays"),
    "clean": ("cleaning", "remove clusters, images, caches: everything the workbook has made"),
}


EXTRA = dict.fromkeys(("test", "handout"), "handout")
"""What a verb needs beyond the workbook's packages: see the optional dependencies in pyproject.toml."""
ONLY = ("NOTEBOOK", "only these notebooks, given by path or number")
PYTEST = ("ARGUMENT", "arguments for pytest")
TAKES = {"run": ONLY, "record": ONLY, **dict.fromkeys(("test", "mutants", "test-order", "faults", "offline"), PYTEST)}


def main() -> int:
    """Runs the verb; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python3 -m workbook", description="Kubernetes, taught by driving it.")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for verb, (_, meaning) in VERBS.items():
        asked = verbs.add_parser(verb, help=meaning, description=meaning)
        asked.add_argument("--bundle", metavar="FOLDER", help="set up from this bundle alone, without a network")
        if verb in TAKES:
            asked.add_argument("more", nargs="*", metavar=TAKES[verb][0], help=TAKES[verb][1])
    words = _take_bundle(sys.argv[1:])
    chosen, options = parser.parse_known_args(words)
    more = getattr(chosen, "more", [])
    if TAKES.get(chosen.verb) == PYTEST:
        more = words[1:]  # as they stand: argparse has parted options from their values
    elif options:
        parser.error(f"unknown option {options[0]!r}")
    try:
        if chosen.verb == "clean" and not HOME.exists():
            _remove(*_own_files())
            print("Nothing of the workbook is left on this machine.")
            return 0
        from_bundle = bundle.chosen()  # first of all: nothing is installed or started from one that is damaged
        if chosen.verb == "verify":
            return _verified(from_bundle)
        interpreter = environment.python("" if from_bundle else EXTRA.get(chosen.verb, ""))
        if environment.is_this(interpreter):
            home, _ = VERBS[chosen.verb]
            do = getattr(import_module(f"workbook.{home}"), chosen.verb.replace("-", "_"))
            return do(*more) or 0
        path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        code = attend([interpreter, "-m", "workbook", *words], {"PYTHONPATH": path})
        if chosen.verb == "clean" and code == 0:
            _remove(*_own_files())
        return code
    except WorkbookError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted. Nothing is lost: the same command goes on where it was.", file=sys.stderr)
        return 130


def _take_bundle(words: list[str]) -> list[str]:
    """The arguments without `--bundle FOLDER`, which becomes the variable that all processes inherit."""
    if "--bundle" not in words[:-1]:
        return words
    at = words.index("--bundle")
    os.environ[bundle.CHOSEN] = words[at + 1]
    return words[:at] + words[at + 2 :]


def _verified(found: bundle.Bundle | None) -> int:
    """What `verify` returns; the bundle has been verified by then, as before every verb."""
    if found is None:
        raise WorkbookError("Which bundle?", fix="Say `make verify BUNDLE=build/bundle`.")
    return 0


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
