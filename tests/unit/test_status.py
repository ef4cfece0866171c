"""`make status`: the cluster's state, and the user's progress."""

import pandas as pd
import pytest

from workbook.base.notebooks import find
from workbook.cli import status
from workbook.lessons import tables
from workbook.lessons.progress import CONFIG_MAP


@pytest.fixture
def cluster(api_server, monkeypatch):
    """A cluster in some state, with these notes in it."""

    def has(state, **notes):
        frame = pd.DataFrame([state], index=["cluster"], columns=["STATUS"])
        monkeypatch.setattr(tables, "status", lambda: frame)
        data = {key.removeprefix("n").replace("_", "-"): value for key, value in notes.items()}
        api_server.add("configmaps", CONFIG_MAP, data=data)

    return has


def test_how_far_and_where_to_continue(cluster, capsys):
    done = {"n00_exercise_1": "exercise", "n00_exercise_2": "exercise", "n01_exercise_1": "solution"}
    cluster("Running", n00_step="end", n01_step="end", **done)
    status.status()
    assert capsys.readouterr().out.endswith(
        f"Notebooks run to the end: 2 of {len(find())}. Exercises done on your own: 1.\nContinue with 02_build-the-image.\n"
    )


def test_all_notebooks(cluster, capsys):
    cluster("Running", **{f"n{path.name[:2]}_step": "end" for path in find()})
    status.status()
    total = len(find())
    said = f"Notebooks run to the end: {total} of {total}. Exercises done on your own: 0.\n"
    assert capsys.readouterr().out.endswith(said)


@pytest.mark.parametrize(
    ("state", "message"),
    [("Absent", "There is no cluster"), ("Stopped", "`make up` starts it"), ("Broken", "`make up` starts it")],
)
def test_a_cluster_that_does_not_run_is_not_asked(cluster, api_server, capsys, state, message):
    cluster(state)
    status.status()
    assert message in capsys.readouterr().out
    assert api_server.requests == []


def test_while_the_cluster_is_set_up_the_progress_of_that_is_shown(cluster, api_server, set_up_process, capsys):
    cluster("Absent")
    set_up_process()
    status.status()
    printed = capsys.readouterr().out
    assert "The cluster is being set up: Compile etcd v3: " in printed and "make up" not in printed
