"""The results that `make bench` computes from its measurements, without measuring anything."""

import itertools
import json
import re
from argparse import Namespace

import pytest
from rich.console import Console

import bench.__main__ as command
from bench import images, imports, lab, measuring
from bench.measuring import Row, in_turn, quantity, ratio, table, versus
from bench.workbook import is_measured
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
        assert re.search(rf"│ {row['what']} .*│ 0.500 × │ ≤ 0.600 × │ 1 +│ ✓", printed)


def test_a_missed_goal_is_an_exit_status(measured):
    status, _, printed, _ = measured("tables", figure=0.7)
    assert status == 1
    assert "✗" in printed


def test_quick_leaves_out_what_is_slow(measured):
    assert set(command.SECTIONS) - set(measured("--quick")[1]) == command.SLOW


def test_the_chosen_sections_only(measured):
    assert measured("imports", "lab")[1] == ["imports", "lab"]


def test_a_table_names_the_action_and_the_peer():
    console = Console(width=150)
    with console.capture() as captured:
        console.print(table([versus("pods()", "kubectl get", [1.0], [2.0], 0.6)]))
    assert re.search(r"pods\(\) │ 1.00 s +│ kubectl get │ 2.00 s │ 0.500 × │ ≤ 0.600 ×", captured.get())


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
