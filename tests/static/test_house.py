"""The direction of imports: a package only imports from packages below it. See the tree in CONTRIBUTING.md."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from workbook.base.paths import ROOT

LEVELS = {
    "workbook.base": 0,
    "node": 1,
    "workbook.bundle": 1,
    "workbook.kube": 1,
    "workbook.engine": 2,
    "workbook.cluster": 3,
    "workbook.machine": 4,
    "workbook.diagnosis": 4,
    "workbook.lessons": 5,
    "workbook.publish": 6,
    "workbook.classroom": 6,
    "workbook.cli": 7,
    "workbook.__main__": 8,
    "workbook": 8,  # __init__.py, which loads the public names; its constants may be imported everywhere
}
"""Each room and its level: a module imports from its own room and from rooms of a lower level."""
ABOVE = {"tests", "bench", "conftest"}
"""Modules that the package must not import."""
SOURCES = sorted(path for folder in ("workbook", "node") for path in (ROOT / folder).rglob("*.py"))


@dataclass(frozen=True)
class Import:
    """One imported name.

    `target` is the module and the name, with dots; `lines` are its first and last line in the file, counted from 1;
    `local` is true inside a function.
    """

    target: str
    lines: tuple[int, int]
    local: bool = False


def imports(source: str, package: str) -> Iterator[Import]:
    """The imports of a module, those for type checkers included.

    Args:
        source: the module's text.
        package: the package that the module is in, from which relative imports count.
    """

    def visit(node: ast.AST, local: bool) -> Iterator[Import]:
        local = local or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import | ast.ImportFrom):
                start = ""
                if isinstance(child, ast.ImportFrom):
                    parents = package.split(".")[: 1 - child.level or None] if child.level else []
                    start = ".".join([*parents, *filter(None, [child.module])]) + "."
                for alias in child.names:
                    yield Import(start + alias.name, (child.lineno, child.end_lineno or child.lineno), local)
            yield from visit(child, local)

    yield from visit(ast.parse(source), local=False)


def room(name: str) -> str | None:
    """The room that a module or a name in it belongs to; None for what is not of this repository.

    A name that is not in a room of `workbook` is in `workbook/__init__.py`.
    """
    first, _, rest = name.partition(".")
    inner = f"{first}.{rest.partition('.')[0]}"
    return inner if inner in LEVELS else first if first in LEVELS else None


def module(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def package(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).parent.parts)


def against_the_direction(importer: str, found: Import) -> str:
    """Why a module may not import this; "" if it may."""
    if found.target.split(".")[0] in ABOVE:
        return "the package imports its tests or benchmarks"
    here, there = room(importer), room(found.target)
    if here is None or there is None or here == there:
        return ""
    if there == "workbook":
        constant = found.target.split(".")[-1].isupper()
        return "" if constant else "this is a public name: import it from the module that defines it"
    if LEVELS[there] >= LEVELS[here]:
        return f"{here} (level {LEVELS[here]}) imports from {there} (level {LEVELS[there]})"
    return ""


def is_explained(lines: list[str], found: Import, local: list[Import]) -> bool:
    """Whether a comment is on the line of a local import, or above it or the block of imports that it is in."""
    first, last = found.lines
    if any("#" in line for line in lines[first - 1 : last]) or lines[first - 2].lstrip().startswith("#"):
        return True
    return any(other.lines[1] == first - 1 and is_explained(lines, other, local) for other in local)


def test_every_folder_has_a_level():
    folders = {package(path) for path in SOURCES if len(path.relative_to(ROOT).parts) <= 3}
    assert folders <= LEVELS.keys(), "decide where the new folder stands"
    assert {path.name for path in (ROOT / "workbook").glob("*.py")} == {"__init__.py", "__main__.py"}


@pytest.mark.parametrize("path", SOURCES, ids=module)
def test_imports_point_downward(path):
    found = imports(path.read_text(encoding="utf-8"), package(path))
    assert [f"line {one.lines[0]}: {why}" for one in found if (why := against_the_direction(module(path), one))] == []


@pytest.mark.parametrize("path", SOURCES, ids=module)
def test_an_import_in_a_function_is_explained_by_a_comment(path):
    source = path.read_text(encoding="utf-8")
    local = [found for found in imports(source, package(path)) if found.local]
    lines = source.splitlines()
    assert [f"line {one.lines[0]}: {one.target}" for one in local if not is_explained(lines, one, local)] == []


@pytest.mark.parametrize("path", SOURCES, ids=module)
def test_no_module_is_imported_by_a_name_at_run_time(path):
    """Neither a type checker nor a search finds such an import. Only workbook/__init__.py does this, for the public names."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and module(path) != "workbook":
            assert ast.unparse(node.func).split(".")[-1] not in ("import_module", "__import__"), f"line {node.lineno}"


def test_no_circle_between_rooms():
    graph: dict[str, set[str]] = {}
    for path in SOURCES:
        here = room(module(path)) or ""
        for found in imports(path.read_text(encoding="utf-8"), package(path)):
            there = room(found.target)
            if "workbook" not in (here, there) and there not in (here, None):
                graph.setdefault(here, set()).add(there)
    assert list(TopologicalSorter(graph).static_order())  # raises CycleError, which names the circle


@pytest.mark.parametrize(
    ("importer", "line", "wrong"),
    [
        ("workbook.kube.client", "from workbook.base import paths", ""),
        ("workbook.kube.client", "from workbook.kube.watch import follow", ""),
        ("workbook.kube.client", "from .watch import follow", ""),
        ("workbook.kube.client", "from workbook.cluster import kind", "level"),
        ("workbook.kube.client", "from ..cluster import kind", "level"),
        ("workbook.kube.client", "import workbook.cluster.kind", "level"),
        ("workbook.kube.client", "if TYPE_CHECKING:\n    from workbook.cluster import kind", "level"),
        ("workbook.kube.client", "def f():\n    from workbook.cluster import kind", "level"),
        ("workbook.kube.client", "from workbook.engine.find import running", "level"),
        ("workbook.kube.client", "import node", "level"),
        ("workbook.engine.find", "from node import image", ""),
        ("node.image", "from workbook.base.paths import ROOT", ""),
        ("node.image", "from workbook.bundle import use", "level"),
        ("workbook.cli.lab", "from workbook import pods", "public name"),
        ("workbook.cli.lab", "from workbook import OLDEST", ""),
        ("workbook.cli.lab", "from tests import cells", "tests"),
        ("workbook.cli.lab", "import yaml", ""),
        ("workbook.publish.site", "from workbook.classroom import places", "level"),
    ],
)
def test_what_the_rule_refuses(importer, line, wrong):
    (found,) = imports(line, importer.rpartition(".")[0])
    why = against_the_direction(importer, found)
    assert wrong in why if wrong else why == ""


@pytest.mark.parametrize(
    ("body", "explained"),
    [
        ("import a", False),
        ("import a  # slow", True),
        ("# slow\nimport a\nfrom b import (\n    c,\n)", True),
        ("# slow\nx = 1\nimport a", False),
        ('x = "#"\nimport a', False),
    ],
)
def test_what_counts_as_an_explanation(body, explained):
    source = "def f():\n" + "\n".join(f"    {line}" for line in body.splitlines())
    local = [found for found in imports(source, "") if found.local]
    assert all(is_explained(source.splitlines(), found, local) for found in local) == explained
