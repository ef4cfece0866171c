"""`make matrix`: what runs on each version, how an interrupted run continues, and what becomes of pytest's reports."""

from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, output_from_msg

from tests import matrix, matrix_page, sessions
from tests.claims import Listed
from workbook.base import notebooks
from workbook.base.errors import WorkbookError
from workbook.base.paths import ROOT
from workbook.publish.claims import Claim

PASSED = '<testcase name="Cell 0"/><testcase name="Cell 1"/>'
FAILED = """
<testcase name="Cell 0"/>
<testcase name="Cell 1"><properties>
<property name="expected" value="one&#10;two&#10;three"/><property name="got" value="one&#10;2&#10;three"/>
</properties><failure message="it differs"/></testcase>
"""
SKIPPED = '<testcase name="Cell 0"/><testcase name="Cell 1"><skipped/></testcase>'
CLAIMS = {
    "A1": Listed("", "holds", "live", ("00: first",)),
    "B2": Listed("", "wrong", "live", ("00: first", "00: second")),
    "C3": Listed("", "holds", "source"),
}


@pytest.fixture
def book(tmp_path, monkeypatch):
    """A notebook with two cells that try claims, in place of the workbook's; nothing has been tried yet."""
    monkeypatch.setattr(notebooks, "NOTEBOOKS", tmp_path)
    path = tmp_path / "00_a.ipynb"
    cells = [new_code_cell("first", execution_count=1), new_code_cell("second\nline", execution_count=3)]
    nbformat.write(new_notebook(cells=cells), path)
    for module in (matrix, matrix_page):
        monkeypatch.setattr(module, "listed", lambda: CLAIMS)
    monkeypatch.setattr(matrix, "ROOT", tmp_path)
    monkeypatch.setattr(matrix, "REPORTS", tmp_path / "reports")
    monkeypatch.setattr(matrix_page, "RESULTS", tmp_path / "matrix.json")
    monkeypatch.setattr(matrix_page, "PAGE", tmp_path / "VERSIONS.md")
    matrix_page.write({"kubernetes": {}, "clients": {}})
    return path


@pytest.fixture
def run(book, monkeypatch):
    """What pytest reports and returns, by version; each run adds its command and variables to `started`, each deleted cluster its name to `deleted`."""
    made = SimpleNamespace(reports={}, started=[], deleted=[])

    def attend(command, variables):
        made.started.append((list(map(str, command)), variables))
        code, tests = made.reports[variables.get("WORKBOOK_KUBERNETES", "client")].pop(0)
        file = Path(next(word for word in map(str, command) if word.startswith("--junitxml=")).partition("=")[2])
        if tests is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"<testsuites><testsuite>{tests}</testsuite></testsuites>", encoding="utf-8")
        return code

    class Cluster:
        def __init__(self, settings):
            self.name = settings.profile

        def node(self):
            return SimpleNamespace(attrs={"Config": {"Image": "workbook-node:v1.2.3-0123456789ab"}})

        def delete(self):
            made.deleted.append(self.name)

    monkeypatch.setattr(matrix, "attend", attend)
    monkeypatch.setattr(matrix, "Kind", Cluster)
    return made


def test_each_version_has_a_cluster_of_its_own(run, book):
    run.reports = {"1.2.3": [(0, PASSED)], "1.3.0": [(0, PASSED)]}
    assert matrix.matrix("1.3.0", "1.2.3") == 0
    assert [variables for _, variables in run.started] == [
        {"WORKBOOK_CLUSTER": "kind", "WORKBOOK_PROFILE": f"matrix-{name}", "WORKBOOK_KUBERNETES": version}
        for name, version in (("1-3-0", "1.3.0"), ("1-2-3", "1.2.3"))
    ]
    assert run.started[0][0][-1] == str(book) and "--differences" in run.started[0][0]
    assert run.deleted == ["matrix-1-3-0", "matrix-1-2-3"]
    found = matrix_page.results()["kubernetes"]
    assert list(found) == ["1.2.3", "1.3.0"] and found["1.2.3"]["image"] == "workbook-node:v1.2.3-0123456789ab"
    assert found["1.2.3"]["parts"]["00_a"]["places"] == {"00: first": "passed", "00: second": "passed"}
    assert matrix_page.PAGE.read_text(encoding="utf-8") == matrix_page.page(matrix_page.results())


def test_what_differs_is_stored_and_reported(run, capsys):
    run.reports = {"1.2.3": [(1, FAILED)]}
    assert matrix.matrix("1.2.3") == 1
    assert "Kubernetes 1.2.3, 00_a: 1 of 2 passed." in capsys.readouterr().out
    (part,) = matrix_page.results()["kubernetes"]["1.2.3"]["parts"].values()
    assert part["places"] == {"00: first": "passed", "00: second": "failed"}
    assert part["differences"] == [{"cell": 3, "code": "second", "lines": ["- two", "+ 2"]}]


@pytest.mark.parametrize("end", [(2, '<testcase name="Cell 0"/>'), (-15, None)], ids=["Ctrl-C", "SIGTERM"])
def test_an_interrupted_run_continues_with_the_first_notebook_that_is_not_finished(run, book, end):
    other = book.with_name("01_b.ipynb")
    other.write_bytes(book.read_bytes())
    run.reports = {"1.2.3": [(0, PASSED), end]}
    assert matrix.matrix("1.2.3") == 130 and run.deleted == []
    run.reports = {"1.2.3": [(1, SKIPPED)]}
    assert matrix.matrix("1.2.3") == 1 and run.deleted == ["matrix-1-2-3"]
    assert [command[-1] for command, _ in run.started] == list(map(str, (book, other, other)))
    assert [part["passed"] for part in matrix_page.results()["kubernetes"]["1.2.3"]["parts"].values()] == [2, 1]
    run.reports = {"1.2.3": [(0, PASSED), (0, PASSED)]}
    assert matrix.matrix("1.2.3") == 0, "a finished version is tried again"


@pytest.mark.parametrize(
    ("code", "tests"), [(2, ""), (3, PASSED), (2, None)], ids=["no cluster", "pytest fails", "early"]
)
def test_a_version_that_cannot_be_tried_is_reported_and_the_next_one_is_tried(run, capsys, code, tests):
    run.reports = {"1.2.3": [(code, tests)], "1.3.0": [(0, PASSED)]}
    assert matrix.matrix("1.2.3", "1.3.0") == 1
    printed = capsys.readouterr()
    assert "1.2.3 was not tried to the end" in printed.out and "00_a could not be run" in printed.err
    assert run.deleted == ["matrix-1-2-3", "matrix-1-3-0"]
    assert matrix_page.results()["kubernetes"].keys() == {"1.3.0"}


def test_chosen_notebooks_keep_the_results_of_the_others(run, book):
    book.with_name("01_b.ipynb").write_bytes(book.read_bytes())
    run.reports = {"1.2.3": [(0, PASSED), (1, FAILED), (0, PASSED)]}
    matrix.matrix("1.2.3")
    assert matrix.matrix("1.2.3", "--notebooks", "1") == 0
    assert [part["passed"] for part in matrix_page.results()["kubernetes"]["1.2.3"]["parts"].values()] == [2, 2]


def test_a_client_is_installed_next_to_the_pinned_packages(run, book, monkeypatch):
    for number in matrix.WITH_CLIENTS:
        book.with_name(f"{number}_b.ipynb").write_bytes(book.read_bytes())
    monkeypatch.setattr(matrix, "UNIT_TESTS", book.parent / "unit")
    commands = []
    monkeypatch.setattr(matrix, "run", lambda command, **_: commands.append(list(map(str, command))))
    monkeypatch.setattr(matrix, "read", lambda command: "35.0.2\n")
    tests = f'<testcase classname="tests.unit.x" name="test_a"><failure message="a is 1&#10;more"/></testcase>{SKIPPED}{PASSED}'
    run.reports = {"client": [(1, tests), (0, PASSED), (0, PASSED), (0, PASSED)]}
    assert matrix.matrix("--clients", "35") == 1
    venv, pinned, client = commands
    assert "venv" in venv and "--require-hashes" in pinned and client[-1] == "kubernetes==35.*"
    assert {word.rpartition("/")[2] for word in pinned if "locks" in word} >= {"learner.txt", "test.txt"}
    assert {command[0] for command, _ in run.started} == {client[-2].partition("=")[2]} and run.deleted == []
    parts = matrix_page.results()["clients"]["35.0.2"]["parts"]
    assert list(parts) == ["unit", *(f"{number}_b" for number in matrix.WITH_CLIENTS)]
    assert (parts["unit"]["all"], parts["unit"]["passed"]) == (4, 3), "tests of several files may have the same name"
    assert parts["unit"]["differences"] == [{"cell": None, "code": "tests.unit.x.test_a", "lines": ["+ a is 1"]}]


def test_an_unknown_notebook_is_refused(run):
    with pytest.raises(WorkbookError, match="no notebook '99'"):
        matrix.matrix("--notebooks", "99")


def test_long_differences_are_shortened_and_invisible_ones_explained(book, tmp_path):
    lines = "&#10;".join(map(str, range(100)))
    for got, expected in (
        (lines, ["+ 0", *(f"+ {number}" for number in range(1, 20)), "…"]),
        ("", ["+ the same text, with another picture or table"]),
    ):
        noted = f'<property name="expected" value=""/><property name="got" value="{got}"/>'
        (tmp_path / "report.xml").write_text(
            f"<r><testcase><properties>{noted}</properties></testcase></r>", encoding="utf-8"
        )
        (case,) = matrix.cases(tmp_path / "report.xml")
        assert matrix.difference(case) == expected


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        (["passed", "failed", "skipped"], "failed"),
        (["passed", "skipped"], "skipped"),
        ([], "skipped"),
        (["passed"] * 2, "passed"),
    ],
)
def test_the_worst_outcome_counts(states, expected):
    assert matrix.worst(states) == expected


def test_the_page_has_a_mark_for_each_claim_and_version(book, monkeypatch):
    found = [Claim(number, (id_,), f"Claim {id_}.", "holds", "", book, 1) for number, id_ in enumerate(CLAIMS, 1)]
    monkeypatch.setattr(matrix_page.claims, "claims", lambda: found)
    part = {"date": "2026-01-02", "all": 2, "passed": 1, "places": {"00: first": "passed", "00: second": "failed"}}
    difference = {"cell": 3, "code": "second", "lines": ["- two", "+ 2"]}
    later = {**part, "date": "2026-01-03", "all": 5, "passed": 5, "places": {}, "differences": []}
    nothing = "\n## What differed\n\nNothing on these versions.\n"
    assert nothing in matrix_page.page(
        {"kubernetes": {"1.3.0": {"image": "kindest/node:v1.3.0", "parts": {"01_b": later}}}, "clients": {}}
    )
    page = matrix_page.page(
        {
            "kubernetes": {
                "1.2.3": {
                    "image": "kindest/node:v1.2.3@sha256:abc",
                    "parts": {"00_a": {**part, "differences": [difference]}},
                },
                "1.3.0": {"image": "workbook-node:v1.3.0-abc", "parts": {"01_b": later}},
            },
            "clients": {"35.0.0": {"image": "", "parts": {"unit": {**later, "date": "2026-01-01"}, "01_b": later}}},
        }
    )
    for line in (
        "| 1.2.3 | kindest/node:v1.2.3 | all notebooks | 1 of 2 | 2026-01-02 |",
        "| 1.3.0 | built from source | notebooks 01 | 5 of 5 | 2026-01-03 |",
        "| 1 | Claim A1. | holds | ✓ | – |",
        "| 2 | Claim B2. | holds | ✗ | – |",
        "| 3 | Claim C3. | holds |  |  |",
        "Kubernetes 1.2.3, [00_a](00_a.ipynb) [3]: `` second ``\n\n```diff\n- two\n+ 2\n```",
        "| 35.0.0 | notebooks 01; unit tests | 10 of 10 | 2026-01-01 to 2026-01-03 |",
    ):
        assert f"{line}\n" in page
    assert nothing not in page


CONFTEST = f"""
import importlib.util

spec = importlib.util.spec_from_file_location("conftest_of_notebooks", {str(ROOT / "conftest.py")!r})
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
pytest_runtest_setup, pytest_runtest_makereport = module.pytest_runtest_setup, module.pytest_runtest_makereport
pytest_plugins = ["tests.differences"]
"""
CELLS = {
    "print('1\\x1b[31m0\\x1b[0m')": "0\n",
    "from workbook.lessons.check import check; check('it is so', False)": "✓ it is so\n",
    "print(1)": "1\n",
    "1 / 0": "",
    "print(2)": "2\n",
}


def test_a_notebook_goes_on_after_an_output_that_differs_but_not_after_an_error(tmp_path):
    (tmp_path / "conftest.py").write_text(CONFTEST, encoding="utf-8")
    cells = []
    for number, (source, text) in enumerate(CELLS.items(), 1):
        content = {"header": {"msg_type": "stream"}, "content": {"name": "stdout", "text": text}}
        cells.append(new_code_cell(source, execution_count=number, outputs=[output_from_msg(content)] if text else []))
    nbformat.write(new_notebook(cells=cells), tmp_path / "00_a.ipynb")
    report = tmp_path / "report.xml"
    words = (
        "-m",
        "pytest",
        "-q",
        "--nbval",
        matrix.OPTION,
        f"--junitxml={report}",
        "-p",
        "no:cacheprovider",
        "00_a.ipynb",
    )
    sessions.python(*words, cwd=tmp_path, PYTHONPATH=str(ROOT))
    found = matrix.cases(report)
    states = [matrix.outcome(case) for case in found]
    assert states == ["failed", "failed", "passed", "failed", "skipped"]
    assert matrix.difference(found[0]) == ["- 0", "+ 10"]
    assert matrix.difference(found[1])[:2] == ["- ✓ it is so", "+ CheckFailed: ✗ it is so: not true."]
    assert matrix.difference(found[3]) == ["+ ZeroDivisionError: division by zero"]
