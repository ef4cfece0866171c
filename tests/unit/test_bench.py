"""The results that `make bench` computes from its measurements, without measuring anything."""

import itertools
import json
import re
import subprocess
import sys
from argparse import Namespace

import nbformat
import pytest
from rich.console import Console

import bench.__main__ as command
from bench import bundle, cluster, images, imports, lab, measuring, recorder, tests
from bench.measuring import Row, in_turn, quantity, ratio, table, versus
from bench.workbook import SCRIPT, is_measured
from tests.cells import code_cells
from workbook.base.notebooks import find
from workbook.base.paths import ROOT


def test_ways_are_tried_in_turn():
    order = []
    clock = itertools.count()

    def way(name):
        return lambda: order.append(name) or next(clock)

    assert in_turn({"a": way("a"), "b": way("b")}, rounds=3) == {"a": [0, 2, 4], "b": [1, 3, 5]}
    assert order == ["a", "b"] * 3


def test_the_ratio_is_of_pairs_so_a_machine_that_slows_down_cancels_out():
    workbook, peer = [1.0, 2.0, 40.0], [2.0, 4.0, 80.0]
    assert ratio(workbook, peer) == 0.5
    assert ratio([1, 1, 9], [1, 1, 1]) == 1  # one bad round does not count


def test_rounds_without_a_partner_are_refused():
    with pytest.raises(ValueError):
        ratio([1.0], [1.0, 2.0])


def test_a_row_of_two_ways():
    row = versus("pods()", "kubectl get", [1, 2, 3], [2, 4, 12], goal=0.6)
    assert (row.figure, row.workbook, row.peer, row.runs) == (0.5, 2, 4, 3)


@pytest.mark.parametrize(("figure", "goal", "verdict"), [(0.6, 0.6, "✓"), (0.61, 0.6, "✗"), (0, 0, "✓"), (9, None, "")])
def test_the_verdict(figure, goal, verdict):
    assert Row("what", figure, goal).verdict == verdict


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [(0.2734, "s", "0.273 s"), (1.15, "×", "1.15 ×"), (413.4, "s", "413 s"), (0, "", "0"), (0.0104, "s", "0.0104 s")],
)
def test_numbers_have_three_significant_digits(value, unit, text):
    assert quantity(value, unit) == text
    assert quantity(None, unit) == ""


@pytest.fixture
def measured(tmp_path, monkeypatch, capsys):
    """A function that runs the command with sections of one row each; it returns the status, the output, and the file."""
    monkeypatch.setattr(command, "up", lambda: None)
    monkeypatch.setattr(command, "delete_cluster", lambda: None)
    monkeypatch.setattr(command, "RESULT", tmp_path / "bench.json")
    monkeypatch.setattr(command, "ROOT", tmp_path)

    def run(*arguments, figure=0.5):
        monkeypatch.setattr("sys.argv", ["bench", *arguments])
        sections = []

        def section(name):
            sections.append(name.removeprefix("bench."))
            return Namespace(__doc__="What it is.", measure=lambda options: iter([Row(sections[-1], figure, 0.6)]))

        monkeypatch.setattr(command, "import_module", section)
        status = command.main()
        return (
            status,
            sections,
            capsys.readouterr().out,
            json.loads((tmp_path / "bench.json").read_text(encoding="utf-8")),
        )

    return run


def test_every_section_ends_in_a_row_with_figure_goal_and_verdict(measured):
    status, sections, printed, written = measured()
    assert status == 0
    assert sections == list(command.SECTIONS)
    for row in written["rows"]:
        assert (row["figure"], row["goal"], row["verdict"]) == (0.5, 0.6, "✓")
        assert re.search(
            rf"^\| {row['section']} +\| {row['what']} .*\| 0.500 × \| ≤ 0.600 × \| 1 +\| ✓ +\|$", printed, re.M
        )


def test_a_missed_goal_is_an_exit_status(measured):
    status, _, printed, _ = measured("tables", figure=0.7)
    assert status == 1
    assert "✗" in printed


def test_quick_leaves_out_what_is_slow(measured):
    assert set(command.SECTIONS) - set(measured("--quick")[1]) == command.SLOW


def test_the_chosen_sections_only(measured):
    assert measured("imports", "lab")[1] == ["imports", "lab"]


def test_what_is_only_read_needs_no_cluster(measured, monkeypatch):
    def fail():
        raise AssertionError("a cluster is used")

    monkeypatch.setattr(command, "up", fail)
    monkeypatch.setattr(command, "delete_cluster", fail)
    assert measured(*command.FROM_FILES)[1] == list(command.FROM_FILES)
    with pytest.raises(AssertionError):
        measured(*command.FROM_FILES, "imports")


def test_a_table_is_markdown_with_a_line_for_each_row():
    console = Console(width=command.WIDTH)
    with console.capture() as captured:
        console.print(table({"tables": [versus("`pods()`", "kubectl get", [1.0], [2.0], 0.6)], "node": []}))
    lines = [re.sub(r" +", " ", line.strip()) for line in captured.get().splitlines() if line.strip()]
    assert lines[0].startswith("| section | what | workbook | compared with | peer | figure | goal ")
    assert set(lines[1]) == {"|", "-"}
    assert lines[2:] == ["| tables | `pods()` | 1.00 s | kubectl get | 2.00 s | 0.500 × | ≤ 0.600 × | 1 | ✓ |"]


@pytest.fixture
def last_run(tmp_path, monkeypatch):
    """A function that writes the data of a run of the tests, and returns what the section `tests` reads."""
    monkeypatch.setattr(tests, "FILE", tmp_path / "durations.json")

    def read(run):
        tests.FILE.write_text(json.dumps(run), encoding="utf-8")
        return list(tests.measure(Namespace()))

    return read


def test_a_run_of_all_tests_by_part(last_run):
    parts = {
        "tests/unit": {"a.py": {"one": 100, "two": 50}, "b.py": {"three": 1}},
        "notebooks": {"03": {"Cell 0": 400, "Cell 1": 300}},
    }
    run = {"begun": "2026-01-01 12:00:00", "seconds": 610.5, "lanes": 2, "whole": True, "tests": parts}
    assert last_run(run) == [
        Row("`make test`: tests/unit, 3 tests", 151, None, "s"),
        Row("`make test`: notebooks, 2 tests", 700, None, "s"),
        Row("`make test` of 2026-01-01 12:00:00: 5 tests, lanes: 2", 610.5, 600, "s"),
    ]


@pytest.mark.parametrize("run", [{"whole": False, "tests": {}}, {"tests/unit": {}}])
def test_another_run_of_tests_is_not_compared(last_run, run, capsys):
    assert last_run(run) == []
    assert "`make test`" in capsys.readouterr().out


def test_without_a_run_of_tests(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(tests, "FILE", tmp_path / "none.json")
    assert list(tests.measure(Namespace())) == []
    assert "`make test`" in capsys.readouterr().out


def test_a_cluster_that_was_replaced_has_no_restart(monkeypatch):
    monkeypatch.setattr(cluster.ready, "settle", lambda *_: None)

    def restart(*nodes):
        found = iter(nodes)
        return cluster._restart(Namespace(name="x", start=list, stop=list, node=lambda: next(found)))

    assert restart("first", "first") < 1
    with pytest.raises(RuntimeError, match="replaced"):
        restart("first", "second")


def test_the_first_time_that_a_change_was_noticed_counts():
    program = "input(); print([[1, 5.0], [2, 6.0], [1, 7.0]])"
    watcher = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert recorder._seen(watcher) == {1: 5.0, 2: 6.0}


def test_the_size_of_a_bundle_that_fits(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(bundle, "FOLDER", tmp_path)
    assert list(bundle.measure(Namespace())) == []
    assert "`make bundle`" in capsys.readouterr().out
    content = {"wants": bundle.wants(), "files": {"a": {"size": 400_000_000}, "b": {"size": 100_000_000}}}
    monkeypatch.setattr(bundle, "read", lambda folder: content)
    assert list(bundle.measure(Namespace())) == [Row("size of the bundle", 500, 650, "MB")]
    content["wants"] = bundle.wants(for_class=True)
    assert list(bundle.measure(Namespace())) == [Row("size of the bundle for a class", 500, None, "MB")]
    content["wants"] = {}
    assert list(bundle.measure(Namespace())) == []
    assert "`make bundle`" in capsys.readouterr().out


def test_each_section_has_a_title_and_measures():
    for name in command.SECTIONS:
        source = (ROOT / "bench" / f"{name}.py").read_text(encoding="utf-8")
        assert re.match(r'"""[A-Z].+\."""\n', source), name
        assert "\ndef measure(options: Namespace) -> Iterator[Row]:" in source, name


def test_the_shell_script_has_every_notebook():
    script = (ROOT / "bench" / "plain.sh").read_text(encoding="utf-8")
    assert re.findall(r"^notebook_(\d\d)\(\)", script, re.MULTILINE) == [
        path.name[:2] for path in find() if is_measured(path)
    ]


@pytest.mark.parametrize("path", [path for path in find() if is_measured(path)], ids=lambda path: path.stem)
def test_the_shell_script_takes_the_notebooks_steps(path):
    cells = [
        cell
        for cell in code_cells(nbformat.read(path, as_version=4))
        if "exercise" not in cell.metadata.get("tags", [])
    ]
    function = re.search(
        rf"^notebook_{path.name[:2]}\(\) {{\n(.*?)^}}", SCRIPT.read_text(encoding="utf-8"), re.M | re.S
    )
    manifests = re.compile(r"manifests/[\w./-]*\w")
    assert manifests.findall(function[1]) == manifests.findall("\n".join(cell.source for cell in cells))


def test_what_is_measured_of_notebook_00():
    first = find(("00",))[0]
    assert imports.imports(first).startswith("%load_ext workbook\nfrom workbook import begin")
    assert "preflight()" not in imports.imports(first)
    assert lab.until_table(first).cells[-1].source.startswith("pods(")


def test_the_chapters_dockerfile_is_changed_no_more_than_it_says(tmp_path):
    images.write_chapters(tmp_path / "chapter", "debian:stable")
    printed = (ROOT / "app/webapp/as-printed/Dockerfile").read_text(encoding="utf-8").split()
    built = (tmp_path / "chapter" / "Dockerfile").read_text(encoding="utf-8").split()
    assert built[1] == "debian:stable"
    assert len(built) - len(printed) == 2  # --install-recommends, --break-system-packages


def test_rounds_are_enough_for_a_median():
    assert measuring.ROUNDS >= 5
