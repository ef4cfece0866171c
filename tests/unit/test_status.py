"""`workbook status`: what a terminal says of the cluster, and of how far somebody is."""

import pandas as pd
import pytest

from workbook.lessons import progress as journal


@pytest.fixture
def cluster(monkeypatch):
    """A cluster in some state, with these notes in it."""

    def has(state, **notes):
        frame = pd.DataFrame([state], index=["cluster"], columns=["STATUS"])
        monkeypatch.setattr(journal, "cluster_status", lambda: frame)
        monkeypatch.setattr(journal, "_notes", lambda: {key.removeprefix("n"): value for key, value in notes.items()})

    return has


def test_how_far_and_where_to_go_on(cluster, capsys):
    cluster("Running", **{"n00-step": "end", "n00-exercise": "exercise", "n01-step": "end", "n01-exercise": "solution"})
    journal.status()
    assert capsys.readouterr().out.endswith(
        "Notebooks run to their end: 2 of 13. Exercises done by yourself: 1.\nGo on with 02_build-the-image.\n"
    )


def test_all_of_it(cluster, capsys):
    cluster("Running", **{f"n{number:02}-step": "end" for number in range(13)})
    journal.status()
    assert capsys.readouterr().out.endswith("Notebooks run to their end: 13 of 13. Exercises done by yourself: 0.\n")


@pytest.mark.parametrize(("state", "said"), [("Absent", "There is no cluster"), ("Stopped", "`make up` starts it")])
def test_a_cluster_that_does_not_run_is_not_asked(cluster, capsys, monkeypatch, state, said):
    cluster(state)
    monkeypatch.setattr(journal, "progress", lambda: pytest.fail("it was asked"))
    journal.status()
    assert said in capsys.readouterr().out
