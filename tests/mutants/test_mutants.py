"""Do the tests catch what is wrong? Each wrong of mutants.toml is made in a copy of the repository, and a failure is required.

`make mutants` makes all of them; `make test` only the `fast` ones.
"""

import re
import shutil
import tomllib
from contextlib import contextmanager, nullcontext
from pathlib import Path

import nbformat
import pytest

from tests import sessions
from workbook.notebooks import find
from workbook.paths import ROOT

MUTANTS = tomllib.loads(Path(__file__).with_name("mutants.toml").read_text(encoding="utf-8"))["mutant"]
PATIENCE = {"08": "0.5", "09": "0.5", "10": "0.75"}
"""By what the bounds of waits are shortened, so that a wait in vain ends sooner: where the programs take their time, less."""
SHORT = "0.25"
LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv", "build", "__pycache__", ".*_cache", "*.egg-info", ".ipynb_checkpoints"
)


def notebooks():
    return sorted({number for mutant in MUTANTS for number in mutant.get("notebooks", [])})


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    return Path(shutil.copytree(ROOT, tmp_path_factory.mktemp("mutants") / "repository", ignore=LEFT_OUT))


def run(copy, *, notebook="", tests=(), listing=False):
    """Runs a notebook or tests in the copy, until something fails; returns pytest's exit status and what failed first."""
    arguments = list(tests)
    if notebook:
        path = copy / "notebooks" / find((notebook,))[0].name
        arguments.append(str(path.relative_to(copy)))
    with overlooked_listings(path) if notebook and not listing else nullcontext():
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
    return done.returncode, failed.group(1) if failed else done.stdout[-3000:] + done.stderr[-1000:]


@contextmanager
def overlooked_listings(path):
    """What a cell shows of a file would betray the change in it; here the cluster is to do that."""
    before = path.read_bytes()
    book = nbformat.reads(before.decode(), as_version=4)
    for cell in book.cells:
        if cell.cell_type == "code" and cell.source.startswith("show("):
            cell.metadata["tags"] = [*cell.metadata.get("tags", []), "nbval-ignore-output"]
    nbformat.write(book, path)
    try:
        yield
    finally:
        path.write_bytes(before)


def change(copy, mutant):
    """Makes the wrong in the copy."""
    path = copy / mutant["file"]
    if "tag" in mutant:
        book = nbformat.read(path, as_version=4)
        cell = next(cell for cell in book.cells if cell.cell_type == "code" and mutant["cell"] in cell.source)
        cell.metadata["tags"] = [*cell.metadata.get("tags", []), mutant["tag"]]
        nbformat.write(book, path)
        return
    text = path.read_text(encoding="utf-8")
    for before, after in ((mutant["text"], mutant["becomes"]), *([mutant["also"]] if "also" in mutant else [])):
        assert before in text, f"{mutant['file']} has no {before!r} any more: bring the mutant up to date"
        text = text.replace(before, after, -1 if mutant.get("all") else 1)
    path.write_text(text, encoding="utf-8")


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant["wrong"])
def test_the_wrong_can_still_be_made(copy, mutant):
    before = (copy / mutant["file"]).read_text(encoding="utf-8")
    try:
        change(copy, mutant)
        assert (copy / mutant["file"]).read_text(encoding="utf-8") != before
    finally:
        (copy / mutant["file"]).write_text(before, encoding="utf-8")


@pytest.mark.cluster
@pytest.mark.slow
@pytest.mark.parametrize("notebook", notebooks())
def test_without_a_wrong_nothing_fails(copy, notebook):
    """Else a caught mutant would prove nothing."""
    code, told = run(copy, notebook=notebook)
    assert code == 0, told


@pytest.mark.cluster
@pytest.mark.parametrize(
    "mutant",
    [
        pytest.param(mutant, id=mutant["wrong"], marks=[] if mutant.get("fast") else [pytest.mark.slow])
        for mutant in MUTANTS
    ],
)
def test_the_wrong_is_caught(copy, mutant, record_property):
    before = (copy / mutant["file"]).read_text(encoding="utf-8")
    try:
        change(copy, mutant)
        for arguments in (
            *({"notebook": number, "listing": mutant.get("listing", False)} for number in mutant.get("notebooks", [])),
            *([{"tests": mutant["run"]}] if "run" in mutant else []),
        ):
            code, told = run(copy, **arguments)
            if code:
                break
    finally:
        (copy / mutant["file"]).write_text(before, encoding="utf-8")
    assert code != 0, "nothing has failed: a survivor"
    assert code == 1, f"the tests did not even run:\n{told}"
    record_property("caught", told)
