"""A notebook that is not possible on this machine is skipped, and the cluster of a failed one is deleted."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from nbformat.v4 import output_from_msg

from tests.programs import load
from workbook.base.errors import NotPossible
from workbook.base.paths import ROOT
from workbook.cluster.protocol import State

NO_TEST = pytest.CollectReport("tests/browser/test_a.py", "skipped", ("", 1, "no browser"), [])
"""The report of a file that is skipped as a whole."""


@pytest.fixture(scope="module")
def conftest():
    """The set-up for notebooks as tests."""
    return load(ROOT / "conftest.py", "conftest_of_notebooks")


def cell(config, parent, name, error=""):
    """A cell of a notebook as a test, whose outputs contain this error."""
    content = {"ename": error, "evalue": "There is one node.", "traceback": []}
    outputs = [output_from_msg({"header": {"msg_type": "error"}, "content": content})] if error else []
    return SimpleNamespace(path=Path("15_two.ipynb"), name=name, test_outputs=outputs, parent=parent, config=config)


def reported(conftest, item):
    """The outcome of a failed cell, as the set-up reports it."""
    hook = conftest.pytest_runtest_makereport(item)
    next(hook)
    with pytest.raises(StopIteration) as ended:
        hook.send(SimpleNamespace(failed=True, outcome="failed", user_properties=[]))
    return ended.value.value


@pytest.mark.parametrize(
    ("error", "outcome", "why"),
    [
        (NotPossible.__name__, "skipped", "There is one node."),
        ("WorkbookError", "failed", "Cell 1 failed before"),
        ("", "failed", "Cell 1 failed before"),
    ],
)
def test_the_rest_of_a_notebook_is_skipped(conftest, error, outcome, why):
    config, parent = SimpleNamespace(stash=pytest.Stash()), SimpleNamespace(stash=pytest.Stash())
    report = reported(conftest, cell(config, parent, "Cell 1", error))
    assert report.outcome == outcome
    with pytest.raises(pytest.skip.Exception, match=why):
        conftest.pytest_runtest_setup(cell(config, parent, "Cell 2"))
    lines = []
    conftest.pytest_terminal_summary(SimpleNamespace(write_line=lines.append, stats={outcome: [NO_TEST, report]}))
    skipped = "\nNot possible here, and skipped: 15_two, from Cell 1 on: There is one node."
    assert lines == ([skipped] if error == NotPossible.__name__ else [])


@pytest.mark.parametrize(
    ("name", "state", "notebooks", "deleted"),
    [
        ("workbook-two", State.RUNNING, True, True),
        ("workbook-two", State.ABSENT, True, False),
        ("workbook-two", State.RUNNING, False, False),
        ("workbook", State.RUNNING, True, False),
        ("other-two", State.RUNNING, True, False),
    ],
)
def test_only_the_cluster_with_two_nodes_of_a_notebook_is_deleted(
    conftest, monkeypatch, name, state, notebooks, deleted
):
    settings = SimpleNamespace(nodes=2 if name.endswith("-two") else 1, own=name.removesuffix("-two"))
    done = []
    cluster = SimpleNamespace(settings=settings, status=lambda: state, delete=lambda: done.append(name))
    monkeypatch.setattr(conftest, "made", lambda: [cluster])
    monkeypatch.setattr(conftest, "own", lambda: SimpleNamespace(name="workbook"))
    path = Path("15_two.ipynb") if notebooks else Path("test_a.py")
    conftest.pytest_sessionfinish(SimpleNamespace(items=[SimpleNamespace(path=path)]))
    assert done == ([name] if deleted else [])
