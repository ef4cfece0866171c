"""Would the tests notice a mistake? Each mistake of mutants.toml is made in a copy of the repository; then the cell or test
that is named there must fail, and nothing before it.

Nothing runs without a mistake, since what fails then would also fail with each mistake, and mostly in another place.
`make mutants` makes all mistakes, `make test` the `fast` ones.
"""

import re
import tomllib
from contextlib import contextmanager, nullcontext
from pathlib import Path

import nbformat
import pytest

from tests import sessions
from tests.cells import code_cells
from workbook.base.notebooks import find
from workbook.lessons.kubectl import kubectl
from workbook.lessons.progress import CONFIG_MAP

pytestmark = pytest.mark.usefixtures("unmeasured")
MUTANTS = tomllib.loads(Path(__file__).with_name("mutants.toml").read_text(encoding="utf-8"))["mutant"]
PATIENCE = {"05": "0.5", "08": "0.5", "09": "0.5", "10": "0.75", "11": "0.5", "15": "0.9"}
"""The factors for the timeouts of waits, so that a wait that times out ends sooner. Slow programs get a larger factor."""
SHORT = "0.25"


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    return sessions.copy_repository(tmp_path_factory.mktemp("mutants") / "repository")


def run(copy, *, notebook="", tests=(), listing=False, leaves_out=()):
    """Run a notebook or tests in the copy until something fails; return its name in pytest, or an empty string."""
    arguments = list(tests)
    if notebook:
        path = copy / "notebooks" / find((notebook,))[0].name
        arguments.append(str(path.relative_to(copy)))
        kubectl("delete", "configmap", CONFIG_MAP, "--ignore-not-found")  # so that no exercise is solved
    with shortened(path, listing, leaves_out) if notebook else nullcontext():
        done = sessions.pytest(
            "-m",
            "",
            *arguments,
            cwd=copy,
            PYTHONPATH=str(copy),
            PYTHONDONTWRITEBYTECODE="1",
            WORKBOOK_PATIENCE=PATIENCE.get(notebook, SHORT),
        )
    if notebook and done.returncode == 1:
        said, _, folder = done.stdout.rstrip().splitlines()[-1].partition(": ")
        assert said == "Pods, events, logs, and what was executed", "the failure's evidence is not named last"
        kept = {file.name for file in (copy / folder).iterdir()}
        assert kept >= {"failure.txt", "objects.txt", "events.txt", "logs.txt", path.name}
    failed = re.search(r"^(?:FAILED|ERROR) (\S+::.+?)(?: - |$)", done.stdout, re.MULTILINE)
    assert failed or done.returncode == 0, f"the tests did not even run:\n{done.stdout[-3000:]}{done.stderr[-1000:]}"
    return failed.group(1) if failed else ""


def place(copy, failed):
    """Return the source of the cell that failed, or the name of the test."""
    path, _, name = failed.partition("::")
    if not path.endswith(".ipynb"):
        return name
    return code_cells(nbformat.read(copy / path, as_version=4))[int(name.removeprefix("Cell "))].source


@contextmanager
def shortened(path, listing, leaves_out):
    """Change a notebook for the block, as mutants.toml describes `listing` and `leaves_out`."""
    before = path.read_bytes()
    book = nbformat.reads(before.decode(), as_version=4)
    code = code_cells(book)
    for cell in code:
        if cell.source.startswith("show(") and not listing:
            cell.metadata["tags"] = [*cell.metadata.get("tags", []), "nbval-ignore-output"]
    if leaves_out:
        first, end = ([text in cell.source for cell in code].index(True) for text in leaves_out)
        for cell in code[first:end]:
            cell.update(source="pass", outputs=[])
    nbformat.write(book, path)
    try:
        yield
    finally:
        path.write_bytes(before)


def change(copy, mutant):
    """Make the mistake in the copy."""
    path = copy / mutant["file"]
    if "tag" in mutant:
        book = nbformat.read(path, as_version=4)
        cell = next(cell for cell in code_cells(book) if mutant["cell"] in cell.source)
        cell.metadata["tags"] = [*cell.metadata.get("tags", []), mutant["tag"]]
        nbformat.write(book, path)
        return
    text = path.read_text(encoding="utf-8")
    for before, after in ((mutant["text"], mutant["becomes"]), *([mutant["also"]] if "also" in mutant else [])):
        assert before in text, f"{mutant['file']} has no {before!r} any more: bring the mutant up to date"
        text = text.replace(before, after, -1 if mutant.get("all") else 1)
    path.write_text(text, encoding="utf-8")


@pytest.mark.cluster
@pytest.mark.parametrize(
    "mutant",
    [
        pytest.param(mutant, id=mutant["mistake"], marks=[] if mutant.get("fast") else [pytest.mark.slow])
        for mutant in MUTANTS
    ],
)
def test_the_mistake_is_noticed(copy, mutant, record_property):
    before = (copy / mutant["file"]).read_text(encoding="utf-8")
    try:
        change(copy, mutant)
        options = {key: mutant[key] for key in ("listing", "leaves_out") if key in mutant}
        for arguments in (
            *({"notebook": number, **options} for number in mutant.get("notebooks", [])),
            *([{"tests": mutant["run"]}] if "run" in mutant else []),
        ):
            if failed := run(copy, **arguments):
                break
        where = place(copy, failed) if failed else ""
    finally:
        (copy / mutant["file"]).write_text(before, encoding="utf-8")
    assert failed, "nothing failed: the mutant survived"
    record_property("noticed by", failed)
    assert mutant["by"] in where, f"this failed, and not {mutant['by']!r}: {where}"
