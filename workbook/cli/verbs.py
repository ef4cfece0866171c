"""What each verb does: a function per verb.

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
    arguments: list[str] | None
    """What another program is to read; None for verbs whose arguments are read here."""
    notebooks: list[str]
    json: bool
    learners: list[str]


def lab(options: Options) -> int:
    from workbook.cli.lab import lab  # needs packages

    return lab()


def run(options: Options) -> int:
    from workbook.publish.run import run  # needs packages

    return run(*options.notebooks)


def status(options: Options) -> int:
    from workbook.lessons.progress import status  # needs packages

    status()
    return 0


def doctor(options: Options) -> int:
    from workbook.cli.doctor import doctor  # looks for packages that may be missing

    return doctor(as_json=options.json)


def up(options: Options) -> int:
    from workbook.machine.set_up import up  # needs packages

    up()
    return 0


def down(options: Options) -> int:
    from workbook.cli.down import down  # needs packages

    down()
    return 0


def clean(options: Options) -> int:
    from workbook.cli.clean import clean  # needs packages

    clean()
    return 0


def handout(options: Options) -> int:
    from workbook.publish.handout import handout  # needs packages

    handout()
    return 0


def bundle(options: Options) -> int:
    from workbook.publish.bundle import bundle  # needs packages

    bundle()
    return 0


def verify(options: Options) -> int:
    if not options.bundle:  # it is verified before any verb begins
        raise WorkbookError("No bundle is named.", fix="Run `make verify BUNDLE=build/bundle`.")
    return 0


def classroom(options: Options) -> int:
    from workbook.classroom.learners import classroom  # needs packages

    classroom(*options.learners)
    return 0


def record(options: Options) -> int:
    from workbook.publish.record import record  # needs packages

    return record(*options.notebooks)


def tests(options: Options) -> int:
    return _start("tests", options.verb, *options.arguments or ())


def bench(options: Options) -> int:
    return _start("bench", *options.arguments or ())


def _start(module: str, *arguments: str) -> int:
    """Start one of the programs next to this package, which does not import them."""
    os.chdir(ROOT)
    return attend([sys.executable, "-m", module, *arguments], environment.import_path())
