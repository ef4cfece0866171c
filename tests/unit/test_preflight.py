"""The table of what a cluster needs from this machine."""

from types import SimpleNamespace

import workbook
from workbook.engine import find


def test_the_table_has_a_fix_for_each_cross(home, monkeypatch):
    info = {"ServerVersion": "28", "NCPU": 1, "MemTotal": 8 * 2**30, "DockerRootDir": "/"}
    monkeypatch.setattr(find, "ensure_engine", lambda **_: SimpleNamespace(info=lambda: info))
    monkeypatch.setenv("WORKBOOK_CLUSTER", "k3d")
    table = workbook.preflight()
    assert (table.index.name, table.columns.name) == (None, "CHECK")
    assert list(table.columns) == ["OK", "NEEDED", "FOUND", "FIX"]
    assert list(table.index[:5]) == ["Python", "Docker engine", "CPUs", "memory", "disk"]
    assert table.loc["CPUs", "OK"] == "✗" and table.loc["memory", "OK"] == "✓"
    assert (table.loc[table["OK"] == "✗", "FIX"] != "").all()
    assert (table.loc[table["OK"] == "✓", "FIX"] == "").all()
