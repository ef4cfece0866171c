"""The command line: its verbs, their arguments, and the Python in which each verb runs.

It starts in any Python, with only the standard library, and continues in the environment that has the packages.
"""

import errno
import os
import shlex
import shutil
import sys
import traceback
from argparse import SUPPRESS, ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from workbook.base import commands
from workbook.base.errors import WorkbookError
from workbook.base.log import debugging
from workbook.base.paths import ROOT, home
from workbook.base.processes import attend
from workbook.base.streams import replace_missing_characters
from workbook.bundle import choose, manifest
from workbook.cli import verbs
from workbook.machine import environment


def parser() -> ArgumentParser:
    """Return the parser of the command line. Its help groups the verbs by their users."""
    whole = ArgumentParser(
        prog=commands.workbook(),
        usage="%(prog)s VERB [options]",
        formatter_class=RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    whole.add_argument("--version", action="version", version=manifest.version(), help=SUPPRESS)
    added = whole.add_subparsers(prog=whole.prog, dest="verb", required=True, metavar="VERB", help=SUPPRESS)
    bundle = ArgumentParser(add_help=False)
    bundle.add_argument("--bundle", dest="folder", metavar="DIR", help="set up from this bundle, without a network")
    bundle.add_argument("--sum", metavar="SHA256", help="refuse a bundle whose manifest has another sha256")
    bundle.add_argument("--verified", default="", help=SUPPRESS)  # passed on by the process that verified the bundle
    lines = ["Learn Kubernetes by driving it. `VERB --help` explains a verb. With make, type `make VERB`."]

    def verb(run: verbs.Verb, *extras: str, name: str = "", bare: bool = False, passed_to: str = "") -> ArgumentParser:
        """Add a verb, by default under the name of its function; `Options` explains the other arguments."""
        name = name or run.__name__
        meaning = verbs.TESTS.get(name) or run.__doc__ or ""
        lines.append(f"  {name:<12}{meaning}")
        usage = f"%(prog)s [--bundle DIR] [--sum SHA256] [arguments for {passed_to}]" if passed_to else None
        made = added.add_parser(name, description=meaning, usage=usage, parents=[bundle], allow_abbrev=False)
        made.set_defaults(run=run, extras=extras, bare=bare, passed_to=passed_to, refuse=made.error)
        return made

    lines.append("\nfor learners:")
    verb(verbs.lab)
    verb(verbs.shell)
    run = verb(verbs.run)
    text = "execute N notebooks at once, each on a cluster of its own"
    run.add_argument("--lanes", type=int, default=1, metavar="N", help=text)
    verb(verbs.status)
    verb(verbs.doctor, bare=True).add_argument("--json", action="store_true", help="print JSON, for programs")
    verb(verbs.up)
    verb(verbs.down)
    verb(verbs.clean).add_argument("--keep-files", action="store_true", help=SUPPRESS)  # see `_run`

    lines.append("\nfor instructors:")
    verb(verbs.handout, "handout")
    verb(verbs.site, "handout", "site")
    text = "add what a class on one cluster needs, in a browser or not"
    packing = verb(verbs.bundle, *manifest.EXTRAS, "bundle")
    packing.add_argument("--class", dest="for_class", action="store_true", help=text)
    verb(verbs.verify, bare=True)
    class_ = verb(verbs.classroom)
    class_.add_argument("arguments", nargs="*", metavar="LEARNER", help="a Namespace, such as learner-1")
    class_.add_argument(
        "--delete", action="store_true", help="delete these learners, or the whole class without a name"
    )
    browser = verb(verbs.class_, name="class")
    text = "how many learners, or their names; those of an earlier class stay"
    browser.add_argument("arguments", nargs="*", metavar="LEARNERS", help=text)
    text = "let other machines in, which know this one by this name; this turns on TLS"
    browser.add_argument("--host", default="", metavar="NAME", help=text)
    text = "forward no port, since an Ingress or a load balancer leads from this address to the class"
    browser.add_argument("--address", default="", metavar="URL", help=text)
    browser.add_argument("--delete", action="store_true", help="delete what a class has created, learners' files too")
    board = verb(verbs.board)
    board.add_argument("--csv", action="store_true", help="print the table once, as CSV")
    board.add_argument("--json", action="store_true", help="print the table once, as JSON")

    lines.append("\nfor developers:")
    for notebooks in (run, verb(verbs.record, "test")):
        notebooks.add_argument("arguments", nargs="*", metavar="NOTEBOOK", help="only these, by path or number")
    for name in verbs.TESTS:
        verb(verbs.tests, "test", "dev", "handout", "site", name=name, passed_to="pytest")
    verb(verbs.class_load, "bench", name="class-load", passed_to="python -m bench.load")
    verb(verbs.matrix, "test", "dev", "handout", passed_to="python -m tests matrix")
    verb(verbs.bench, "test", "bench", passed_to="python -m bench")
    release = verb(verbs.release, *manifest.EXTRAS, "bundle", "handout", "site")
    release.add_argument("--tag", default="", help="refuse another tag than that of the version, such as v1.0.0")
    whole.description = "\n".join(lines)
    return whole


def parse(words: Sequence[str]) -> verbs.Options:
    """Parse the command line. A mistake in it ends the process with status 2."""
    options, unknown = parser().parse_known_args(words, verbs.Options())
    if options.passed_to:
        options.arguments = unknown  # in their order, since the parser of such a verb knows no positional arguments
    elif unknown:
        options.refuse(f"unrecognized arguments: {' '.join(unknown)}")
    return options


def main(words: Sequence[str] | None = None) -> int:
    """Run a verb, and return the exit status. `words` are the arguments; by default, those of this process."""
    replace_missing_characters()
    words = sys.argv[1:] if words is None else words
    options = parse(words)
    try:
        return _run(options, words)
    except (WorkbookError, OSError) as error:
        finding = explained(error) if isinstance(error, OSError) else error
        if finding is None:
            raise
        if debugging():
            traceback.print_exc()
        print(f"\n{finding}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted. Nothing is lost: the same command continues where it stopped.", file=sys.stderr)
        return 130


def explained(error: OSError) -> WorkbookError | None:
    """Return an explanation of why a file cannot be written; None for other errors."""
    if isinstance(error, PermissionError) and isinstance(error.filename, str | bytes | os.PathLike):
        return denied(error)
    if error.errno not in (errno.EROFS, errno.ENOSPC, errno.EDQUOT):
        return None
    why = ": ".join(str(part) for part in (error.strerror, error.filename) if part)
    fix = f"Make sure that {ROOT} and {home()} are on a writable disk with free space. WORKBOOK_HOME moves the second"
    return WorkbookError("A file cannot be written.", why, f"{fix} folder.")


def denied(error: PermissionError) -> WorkbookError:
    """Return an error that names the owner of a file that this user may not use (for example after `sudo make lab`)."""
    path = Path(os.fsdecode(error.filename))
    what = f"This user may not use {path}."
    if sys.platform == "win32":
        return WorkbookError(what, f"{error.strerror}.", "Close the programs that use it, then run this again.")
    owners: dict[Path, int] = {}
    for place in (path, *path.parents):
        with suppress(OSError):  # it does not exist, or is not accessible
            owners[place] = place.lstat().st_uid
    private = [place for place in owners if {ROOT, home()} & {place, *place.parents} or Path.home() in place.parents]
    foreign = [place for place in private if owners[place] != os.geteuid()]
    place = foreign[-1] if foreign else next(iter(owners))
    try:
        owner = place.owner()
    except KeyError:  # a user without a name, for example from a container
        owner = f"the user {owners[place]}"
    fix = f"Make {path} accessible for your user"
    if foreign:
        fix = f"`sudo chown -R {os.geteuid()} {shlex.quote(str(place))}`"
    elif path.is_relative_to(home()) or home().is_relative_to(path):
        fix = "Set WORKBOOK_HOME to a folder of your own"
    why = f"{error.strerror}: {place} belongs to {owner}."
    return WorkbookError(what, why, f"{fix}; then run this again.")


def _run(options: verbs.Options, words: Sequence[str]) -> int:
    """Run the verb in this Python if it has the packages; otherwise start the same command in the environment that has them."""
    # This comes first: nothing is installed or started from a damaged bundle, or from a bundle with another sum.
    bundle = choose.named(options.folder, options.sum, options.verified)
    if options.run is verbs.clean and not home().exists():
        _remove_files()
        if not environment.VENV.exists():
            print("Nothing of the workbook is left on this machine.")
        return 0
    os.environ.update(choose.environment(bundle))  # for child processes, kernels among them
    if options.bare:
        python = environment.found() or Path(sys.executable)
    else:
        extras = [extra for extra in options.extras if not bundle or extra in manifest.EXTRAS]
        python = environment.python(*extras, offline=bundle.packages if bundle else ())
    if environment.is_this(python):
        if not options.bare:
            environment.link()
        code = options.run(options) or 0
    else:
        os.environ.pop("PYTHONHOME", None)  # it points to this Python's folder
        added = [f"--verified={bundle.seal}"] if bundle else []
        if options.run is verbs.clean:  # this process removes the files, from outside of the environment
            added.append("--keep-files")
        code = attend([python, "-m", "workbook", words[0], *added, *words[1:]], environment.import_path())
    if options.run is verbs.clean and code == 0 and not options.keep_files:
        _remove_files()
    return code


def _remove_files() -> None:
    """Remove the files that the workbook created, and its environment, unless this process runs in it."""
    for path in environment.links():
        path.unlink()
        print(f"✓ Remove {path}")
    files = [home()]
    if (
        home() / "engine/dockerd.pid"
    ).exists():  # `clean` left the engine running because others use it: see cli/clean.py
        files = [path for path in home().iterdir() if path.is_dir() and path.name != "engine"]
    inside = Path(sys.prefix).resolve() == environment.VENV.resolve()
    folders = [*files, ROOT / ".pytest_cache", ROOT / ".ruff_cache"]
    for folder in folders if inside else [environment.VENV, *folders]:
        if folder.exists():
            shutil.rmtree(folder)
            print(f"✓ Remove {folder}")
    if inside:
        text = f"Keeping {environment.VENV}: this command runs in it. To remove it, run `deactivate`, then `make clean` again."
        print(commands.for_this_system(text))
