"""What each verb does: a function per verb, whose docstring is its help text.

They import what they need when they are called, because the command line starts in a Python without packages. Where
more than a call is needed, the verb has a file next to this one.
"""

import os
import sys
from argparse import Namespace
from collections.abc import Callable

from workbook.base.errors import WorkbookError
from workbook.base.paths import ROOT
from workbook.base.processes import attend
from workbook.bundle.use import Bundle
from workbook.machine import environment


class Options(Namespace):
    """The parsed command line. The last three exist only for verbs that have such arguments."""

    verb: str
    run: "Callable[[Options], int]"
    extras: tuple[str, ...]
    bare: bool
    folder: str | None
    """That of the bundle, as typed."""
    bundle: Bundle | None
    """The verified bundle."""
    passed_to: str
    """The program that reads the verb's arguments; empty when the command line reads them."""
    arguments: list[str]
    """What that program receives."""
    notebooks: list[str]
    json: bool
    learners: list[str]


def lab(options: Options) -> int:
    """Set everything up, then open the notebooks in JupyterLab."""
    from workbook.cli.lab import lab  # needs packages

    return lab()


def run(options: Options) -> int:
    """Set everything up, then execute all notebooks; copies go to build/run/."""
    from workbook.publish.run import run  # needs packages

    return run(*options.notebooks)


def status(options: Options) -> int:
    """Show the state of the cluster, and your progress in the notebooks."""
    from workbook.cli.status import status  # needs packages

    status()
    return 0


def doctor(options: Options) -> int:
    """Check whether this machine is ready for a class; change nothing."""
    from workbook.cli.doctor import doctor  # looks for packages that may be missing

    return doctor(as_json=options.json)


def up(options: Options) -> int:
    """Set everything up: packages, Docker engine, cluster, base images."""
    from workbook.machine.set_up import up  # needs packages

    up()
    return 0


def down(options: Options) -> int:
    """Stop the workbook's clusters; what is deployed on them is kept."""
    from workbook.cli.down import down  # needs packages

    down()
    return 0


def clean(options: Options) -> int:
    """Remove clusters, images and caches: everything that the workbook made."""
    from workbook.cli.clean import clean  # needs packages

    clean()
    return 0


def handout(options: Options) -> int:
    """Make one HTML file and one PDF of the recorded notebooks, in build/."""
    from workbook.publish.handout import handout  # needs packages

    handout()
    return 0


def bundle(options: Options) -> int:
    """Write all that a class without a network needs to build/bundle/."""
    from workbook.publish.bundle import bundle  # needs packages

    bundle()
    return 0


def verify(options: Options) -> int:
    """Read a whole bundle and compare every checksum; start nothing."""
    if not options.bundle:  # it is verified before any verb begins
        raise WorkbookError("No bundle is named.", fix="Run `make verify BUNDLE=build/bundle`.")
    return 0


def classroom(options: Options) -> int:
    """Create a Namespace for each learner on a shared cluster."""
    from workbook.classroom.learners import classroom  # needs packages

    classroom(*options.learners)
    return 0


def record(options: Options) -> int:
    """Execute the notebooks on the tests' cluster, and save their outputs."""
    from workbook.publish.record import record  # needs packages

    return record(*options.notebooks)


def test(options: Options) -> int:
    """Set everything up, then run all tests, the notebooks among them."""
    return _start("tests", options.verb, *options.arguments)


def mutants(options: Options) -> int:
    """Make small errors in a copy of the workbook; the tests must catch each."""
    return _start("tests", options.verb, *options.arguments)


def test_order(options: Options) -> int:
    """Run notebooks alone, twice, in random order, and after a killed kernel."""
    return _start("tests", options.verb, *options.arguments)


def faults(options: Options) -> int:
    """Break the cluster and the machine on purpose; see whether errors explain it."""
    return _start("tests", options.verb, *options.arguments)


def offline(options: Options) -> int:
    """Make a bundle, and set up from it in a network that leads nowhere."""
    return _start("tests", options.verb, *options.arguments)


def bench(options: Options) -> int:
    """Measure the workbook next to its peers, on a cluster of its own."""
    return _start("bench", *options.arguments)


def _start(module: str, *arguments: str) -> int:
    """Start one of the programs next to this package, which does not import them."""
    os.chdir(ROOT)
    return attend([sys.executable, "-m", module, *arguments], environment.import_path())
