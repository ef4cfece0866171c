"""The verbs of the command line: functions whose docstrings are the help texts. Longer verbs have their own files.

The functions import what they need when they are called, because the command line starts in a Python without packages.
"""

import os
import sys
from argparse import Namespace
from collections.abc import Callable

from workbook.base.commands import for_this_system
from workbook.base.errors import WorkbookError
from workbook.base.lock import lock
from workbook.base.paths import ROOT
from workbook.base.processes import attend
from workbook.bundle.choose import chosen
from workbook.cluster.current import made
from workbook.machine import environment

TESTS = {
    "test": "Set everything up, then run all tests, including the notebooks.",
    "mutants": "Make small errors in a copy of the workbook; the tests must catch each.",
    "test-order": "Run notebooks alone, twice, in random order, and after a killed kernel.",
    "faults": "Break the cluster and the machine on purpose; check whether errors explain it.",
    "offline": "Make a bundle, and set up from it in a network without any connection.",
    "class-test": "Hold a class on a cluster, and break what can break.",
}
"""The verbs of `tests`, and their help texts."""


class Options(Namespace):
    """The parsed command line."""

    verb: str
    run: "Verb"
    extras: tuple[str, ...]  # the optional dependencies that the verb needs, by their names in pyproject.toml
    bare: bool  # whether the verb works without packages, so that none are installed for it
    passed_to: str  # the program that gets all unknown arguments; empty for none
    refuse: Callable[[str], object]  # ends the process with the verb's usage and an error
    folder: str | None  # the bundle's folder, as typed
    sum: str | None  # the sha256 that its manifest must have, as typed
    verified: str  # the sha256 of the manifest whose bundle was verified by the process that started this one
    arguments: list[str]
    json: bool  # only for `doctor` and `board`
    csv: bool  # only for `board`
    delete: bool  # only for `classroom` and `class`
    lanes: int  # only for `run`
    tag: str  # only for `release`
    keep_files: bool  # only for `clean`: the process that started this one removes the files and the environment
    for_class: bool  # only for `bundle`
    host: str  # only for `class`, as `address`
    address: str


Verb = Callable[[Options], int | None]
"""The function of a verb. It returns the exit status; None for 0."""


def lab(options: Options) -> int:
    """Open the notebooks in JupyterLab, and set everything up meanwhile."""
    from workbook.cli.lab import lab  # needs packages

    return lab()


def shell(options: Options) -> None:
    """Open a shell in which kubectl (and minikube) use the workbook's cluster."""
    from workbook.cli.shell import shell  # needs packages

    shell()


def run(options: Options) -> int:
    """Set everything up, then execute all notebooks; copies go to build/run/."""
    from workbook.publish.run import run  # needs packages

    return run(*options.arguments, lanes=options.lanes)


def status(options: Options) -> None:
    """Show the state of the cluster, and your progress in the notebooks."""
    from workbook.cli.status import status  # needs packages

    status()


def doctor(options: Options) -> int:
    """Check whether this machine is ready for a class; change nothing."""
    from workbook.cli.doctor import doctor  # checks whether packages are missing

    return doctor(as_json=options.json)


def up(options: Options) -> None:
    """Set everything up: packages, Docker engine, cluster, base images."""
    from workbook.machine.set_up import up  # needs packages

    up()


def down(options: Options) -> None:
    """Stop the workbook's clusters, and keep what is deployed on them."""
    for cluster in made():
        with lock(cluster.folder / "lock", "stop"):
            cluster.stop()


def clean(options: Options) -> None:
    """Remove clusters, images and caches: everything that the workbook created."""
    from workbook.cli.clean import clean  # needs packages

    clean()


def handout(options: Options) -> None:
    """Make HTML and PDF of the recorded notebooks, and a cheat sheet, in build/."""
    from workbook.publish.handout import handout  # needs packages

    handout()


def site(options: Options) -> None:
    """Make a web site of the notebooks and pages, in build/site/."""
    from workbook.publish.site import site  # needs packages

    site()


def bundle(options: Options) -> None:
    """Write everything that a class without a network needs to build/bundle/."""
    from workbook.publish.bundle import bundle  # needs packages

    bundle(for_class=options.for_class)


def verify(options: Options) -> None:
    """Read a whole bundle, and compare all checksums; start nothing."""
    if not chosen():  # it is verified before any verb begins
        raise WorkbookError("No bundle is named.", fix="Run `make verify BUNDLE=build/bundle`.")
    if options.sum:
        print("  This is the expected sum.")
        return
    print("  The checksums in a bundle reveal damage, but a person who changes the bundle can change them, too.")
    print(for_this_system("  Compare this sum with yours, or let a command do that: `make lab BUNDLE=… SUM=…`."))


def classroom(options: Options) -> None:
    """Create a Namespace for each learner on a shared cluster, or delete it again."""
    from workbook.classroom.learners import classroom, delete  # needs packages

    if options.delete:
        delete(*options.arguments)
    elif options.arguments:
        classroom(*options.arguments)
    else:
        options.refuse("name a learner, or use --delete")


def class_(options: Options) -> None:
    """Give each learner a JupyterLab in the browser, on the cluster; print their links."""
    from workbook.cli.class_ import class_  # needs packages

    class_(options.arguments, host=options.host, address=options.address, remove=options.delete)


def board(options: Options) -> None:
    """Show how far the learners of a class are, and who needs help, live in a browser."""
    from workbook.cli.board import board  # needs packages

    board(csv=options.csv, json=options.json)


def record(options: Options) -> int:
    """Execute the notebooks on the tests' cluster, and save their outputs."""
    return _start("tests", options.verb, *options.arguments)


def tests(options: Options) -> int:
    """Run one of the verbs in `TESTS`."""
    return _start("tests", options.verb, *options.arguments)


def matrix(options: Options) -> int:
    """Run the notebooks on several versions of Kubernetes; show which claims hold."""
    return _start("tests", options.verb, *options.arguments)


def release(options: Options) -> None:
    """Make everything that a release publishes, in build/release/."""
    from workbook.publish.release import release  # needs packages

    release(options.tag)


def bench(options: Options) -> int:
    """Compare the workbook's speed with similar programs, on a separate cluster."""
    return _start("bench", *options.arguments)


def class_load(options: Options) -> int:
    """Let simulated learners of a class run notebooks at once, and measure it."""
    return _start("bench.load", *options.arguments)


def _start(module: str, *arguments: str) -> int:
    """Start `tests` or `bench`, which this package does not import."""
    os.chdir(ROOT)
    return attend([sys.executable, "-m", module, *arguments], environment.import_path())
