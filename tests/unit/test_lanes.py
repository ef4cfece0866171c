"""How the tests are spread over lanes: what stays together, in which order, and how many lanes there are."""

from types import SimpleNamespace

import pytest

from tests import lane, lanes, needs, plan
from workbook.base.errors import WorkbookError
from workbook.base.notebooks import find
from workbook.base.paths import ROOT
from workbook.cluster.choose import Provider
from workbook.cluster.protocol import State
from workbook.machine import lanes as machine
from workbook.publish.execute import longest_first

GB = 2**30


def config(worker=None):
    lanes_own = {"workerinput": {"workerid": worker}} if worker else {}
    return SimpleNamespace(option=SimpleNamespace(numprocesses=2), **lanes_own)


def item(nodeid, cluster=False):
    path = ROOT / nodeid.partition("::")[0]
    return SimpleNamespace(nodeid=nodeid, path=path, get_closest_marker=lambda name: cluster or None)


def test_which_process_this_is():
    alone = SimpleNamespace(option=SimpleNamespace())
    for tested, expected in (
        (config(), (False, True, 0)),
        (config("gw2"), (True, False, 2)),
        (alone, (False, False, 0)),
    ):
        assert (lane.is_lane(tested), lane.has_lanes(tested), lane.number(tested)) == expected


@pytest.mark.parametrize("selected", ["workbook-test", "workbook-test-two"])
def test_each_lane_has_a_cluster_of_its_own(monkeypatch, selected):
    monkeypatch.setenv("WORKBOOK_PROFILE", selected)
    names = [machine.environment(number).get("WORKBOOK_PROFILE") for number in range(3)]
    assert names == [None, "workbook-test-lane-2", "workbook-test-lane-3"]


def test_a_file_stays_together_and_so_do_files_that_share_something():
    assert lanes.unit("tests/unit/test_a.py::TestB::test_c[a::b]") == "tests/unit/test_a.py"
    together = ("tests/existing/test_existing.py::test_a", "tests/existing/test_classroom.py::test_b[c]")
    assert {*map(lanes.unit, together)} == {"the second cluster"}


def test_tests_that_share_nothing_may_run_at_once():
    tests = [f"{lanes.APART}test_a.py::test_b[{name}]" for name in "cd"]
    assert [*map(lanes.unit, tests)] == tests


def test_the_files_that_stay_together_exist():
    for files in (*lanes.TOGETHER.values(), lanes.LONG):
        assert all((ROOT / file).exists() for file in files)
    assert (ROOT / lanes.APART).is_dir()


def test_the_long_comes_first_and_after_the_last_notebook_nothing_needs_a_cluster():
    books = [f"notebooks/{path.name}::Cell {number}" for path in find() for number in (0, 1)]
    mixed = [item("tests/cluster/test_m.py::test_a"), item("tests/cluster/test_m.py::test_b", cluster=True)]
    shared = item("tests/existing/test_e.py::test_a", cluster=True)
    long = item("tests/unit/test_platforms.py::test_a")
    items = [item("tests/unit/test_c.py::test_a"), *map(item, books), long, *mixed, shared]
    alphabetical = list(items)
    lanes.pytest_collection_modifyitems(config(), items)
    assert items == alphabetical, "the order changes in lanes only"
    lanes.pytest_collection_modifyitems(config("gw0"), items)
    names = [one.nodeid for one in items]
    assert names[0] == "tests/existing/test_e.py::test_a"
    assert names[-6:] == [*(one.nodeid for one in mixed), *books[-2:], long.nodeid, "tests/unit/test_c.py::test_a"]
    assert [one.path for one in items[1:-6:2]] == longest_first(find())[:-1]


@pytest.mark.parametrize(
    ("wanted", "available", "instances", "installed", "provider", "lanes_found", "why"),
    [
        (1, 1, 128, False, Provider.MINIKUBE, 1, ""),
        (0, 20, 512, True, Provider.KIND, 1, ""),
        (3, 20, 512, True, Provider.KIND, 3, ""),
        (3, 20, None, True, Provider.KIND, 3, ""),
        (3, 9.5, 512, True, Provider.KIND, 2, "9.5 GB of memory are available, and 3 need 12 GB"),
        (2, 3, 512, True, Provider.KIND, 1, "3.0 GB of memory are available, and 2 need 9 GB"),
        (3, 20, 128, True, Provider.KIND, 1, "Linux allows 128 inotify instances, and 3 need 162; `sudo sysctl"),
        (3, 20, 160, True, Provider.KIND, 2, "Linux allows 160 inotify instances, and 3 need 162; `sudo sysctl"),
        (2, 20, 512, False, Provider.KIND, 1, "pytest-xdist is not installed"),
        (2, 20, 512, True, Provider.MINIKUBE, 1, "only kind's clusters do"),
    ],
)
def test_a_machine_without_room_gets_fewer_and_that_is_said(
    monkeypatch, tmp_path, capsys, wanted, available, instances, installed, provider, lanes_found, why
):
    limit = tmp_path / "max_user_instances"
    if instances:
        limit.write_text(f"{instances}\n", encoding="ascii")
    monkeypatch.setattr(machine, "INOTIFY", limit)
    monkeypatch.setattr(machine.psutil, "virtual_memory", lambda: SimpleNamespace(available=available * GB))
    monkeypatch.setattr(plan, "find_spec", lambda name: installed or None)
    monkeypatch.setattr(machine, "choose", lambda: (provider, ""))
    assert plan.lanes(wanted, ["-x"]) == lanes_found
    printed = capsys.readouterr().out
    assert f"Lanes: {lanes_found}, and not {wanted}: " in printed and why in printed if why else not printed


def test_without_clusters_there_is_one_lane(capsys):
    assert plan.lanes(3, ["tests/unit", needs.OPTION]) == 1
    assert "Lanes: 1, and not 3: " in capsys.readouterr().out


@pytest.mark.parametrize(
    "chosen", ["", "-x", "-k node", "--durations 20", "--ignore tests/site", "--ignore=tests/site"]
)
def test_all_folders_are_named_so_that_their_tables_are_printed(chosen):
    words = plan.arguments(2, chosen.split())
    folders = {path.parent.relative_to(ROOT).as_posix() for path in ROOT.glob("tests/*/conftest.py")}
    assert {"notebooks", *folders, *chosen.split()} <= {*words}


@pytest.mark.parametrize("chosen", ["tests/unit", "-x tests/unit", "tests/unit/test_lanes.py::test_a[b] -k notebooks"])
def test_no_folder_is_added_to_tests_that_are_named(chosen):
    options = plan.arguments(2, ["tests/unit"])[:-1]
    assert plan.arguments(2, chosen.split()) == [*options, *chosen.split()]


class Cluster:
    def __init__(self, name, folder, deleted):
        self.settings, self.folder = SimpleNamespace(own=name.removesuffix("-two")), folder / name
        self.folder.mkdir()
        self.status = lambda: State.RUNNING
        self.delete = lambda: deleted.append(name)


def test_a_cluster_that_does_not_start_means_fewer_lanes(monkeypatch, tmp_path, capsys):
    deleted = []
    left = ["w-lane-2", "w-lane-2-two", "w-lane-3", "w-lane-3-two", "w-lane-4"]
    clusters = [Cluster(name, tmp_path, deleted) for name in ("w", *left)]
    monkeypatch.setenv("WORKBOOK_PROFILE", "w")
    monkeypatch.setattr(machine, "made", lambda: clusters)
    monkeypatch.setattr(
        machine, "UP", "import os, sys; print('no room'); sys.exit(os.environ['WORKBOOK_PROFILE'] == 'w-lane-3')"
    )
    assert lanes.start_all(4) == 2
    interrupted, own = deleted[: len(left)], deleted[len(left) :]
    assert sorted(interrupted) == left and own == left[2:]
    assert [cluster.folder.exists() for cluster in clusters] == [True] + [False] * len(left)
    assert capsys.readouterr().out == "no room\n\nThe cluster of lane 3 does not start, so there are 2.\n"
    assert lanes.start_all(2) == 2


def test_a_cluster_of_an_interrupted_run_that_cannot_be_deleted_is_a_problem(monkeypatch, tmp_path):
    def delete():
        raise WorkbookError("It cannot be deleted.", "The engine refuses.")

    cluster = Cluster("w-lane-2", tmp_path, [])
    cluster.delete = delete
    monkeypatch.setenv("WORKBOOK_PROFILE", "w")
    monkeypatch.setattr(machine, "made", lambda: [cluster])
    assert machine.start(1) == "It cannot be deleted.\nWhy: The engine refuses."
