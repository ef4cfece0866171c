"""`python3 -m workbook VERB`: what the Makefile calls, for systems without make too.

Begins with any Python and only the standard library; then goes on in the environment that has the packages.
"""

import argparse
import os
import shutil
import sys
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from workbook.base.errors import WorkbookError
from workbook.base.paths import ROOT, home
from workbook.base.processes import attend
from workbook.bundle import choose as bundle
from workbook.machine import environment


@dataclass(frozen=True)
class Verb:
    """What a verb does: the module whose function of that name does it, and what `--help` says.

    `takes` names and explains further arguments; with `as_they_stand` these are not looked at here, since another
    program reads them. `extra` are the optional dependencies of pyproject.toml that it needs; with `bare` it needs no
    packages, and installs none.
    """

    home: str
    meaning: str
    takes: tuple[str, str] | None = None
    as_they_stand: bool = False
    extra: str = ""
    bare: bool = False


ONLY = ("NOTEBOOK", "only these notebooks, given by path or number")


def _pytest(meaning: str, extra: str = "") -> Verb:
    return Verb("publish.execute", meaning, ("ARGUMENT", "arguments for pytest"), as_they_stand=True, extra=extra)


VERBS = {
    "lab": Verb("cli.lab", "set everything up, then open the notebooks in JupyterLab"),
    "test": _pytest(
        "set everything up, then run all tests, the notebooks among them, on a cluster of their own", extra="handout"
    ),
    "mutants": _pytest("make small wrongs in a copy of the workbook, and require that its tests catch each"),
    "test-order": _pytest("run the notebooks alone, twice, in random orders, and after a killed kernel"),
    "faults": _pytest("break the cluster and the machine on purpose; require that each is survived or explained"),
    "offline": _pytest("make a bundle, and prove in a network that leads nowhere that all works from it alone"),
    "bench": Verb(
        "publish.execute",
        "measure the workbook beside its peers, on a cluster of its own, and print the ratios",
        ("ARGUMENT", "what to measure: see bench/README.md"),
        as_they_stand=True,
        extra="bench",
    ),
    "run": Verb(
        "publish.execute", "set everything up, then execute the whole workbook; executed copies go to build/run/", ONLY
    ),
    "record": Verb(
        "publish.execute", "execute the notebooks on the tests' cluster and write their outputs into them", ONLY
    ),
    "handout": Verb(
        "publish.handout",
        "make build/handout.html and build/handout.pdf of the recorded notebooks; needs no cluster",
        extra="handout",
    ),
    "bundle": Verb("publish.bundle", "write all that a class needs without a network into one folder, build/bundle"),
    "verify": Verb("bundle.choose", "read a bundle whole, compare every sum, and start nothing", bare=True),
    "status": Verb("lessons.progress", "say what the cluster is doing, and how far you are in the notebooks"),
    "doctor": Verb(
        "cli.doctor",
        "say whether this machine is ready for a class, and change nothing; `--json` for programs",
        ("ARGUMENT", "--json"),
        as_they_stand=True,
        bare=True,
    ),
    "classroom": Verb(
        "classroom.places",
        "make a place for each learner on a shared cluster, of which you are an administrator",
        ("LEARNER", "names of the learners' Namespaces, such as learner-1"),
    ),
    "up": Verb("cli.up", "set everything up: packages, Docker engine, cluster, base images"),
    "down": Verb("cli.down", "stop the workbook's clusters; what was deployed stays"),
    "clean": Verb("cli.clean", "remove clusters, images, caches: everything the workbook has made"),
}


def main() -> int:
    """Runs the verb; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python3 -m workbook", description="Kubernetes, taught by driving it.")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for name, verb in VERBS.items():
        asked = verbs.add_parser(name, help=verb.meaning, description=verb.meaning)
        asked.add_argument("--bundle", metavar="FOLDER", help="set up from this bundle alone, without a network")
        if verb.takes:
            asked.add_argument("more", nargs="*", metavar=verb.takes[0], help=verb.takes[1])
    words = _take_bundle(sys.argv[1:])
    chosen, options = parser.parse_known_args(words)
    verb, more = VERBS[chosen.verb], getattr(chosen, "more", [])
    if verb.as_they_stand:
        more = words[1:]  # argparse has parted options from their values
    elif options:
        parser.error(f"unknown option {options[0]!r}")
    try:
        if chosen.verb == "clean" and not home().exists():
            _remove(*_own_files())
            print("Nothing of the workbook is left on this machine.")
            return 0
        bundle.chosen()  # first of all: nothing is installed or started from one that is damaged
        interpreter = (environment.found() or Path(sys.executable)) if verb.bare else environment.python(verb.extra)
        if environment.is_this(interpreter):
            do = getattr(import_module(f"workbook.{verb.home}"), chosen.verb.replace("-", "_"))
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


def _own_files() -> list[Path]:
    """What `clean` leaves to this process, which runs outside of it."""
    return [environment.VENV, home(), *ROOT.glob("*.egg-info"), ROOT / ".pytest_cache", ROOT / ".ruff_cache"]


def _remove(*folders: Path) -> None:
    for folder in folders:
        if folder.exists():
            shutil.rmtree(folder)
            print(f"✓ Remove {folder}")


if __name__ == "__main__":
    sys.exit(main())
