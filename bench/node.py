"""The node image from source: after a new version of one part; and from nothing, with `--node`."""

import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

from bench.measuring import Row, seconds
from node.cache import VERSIONS, folder
from node.toolchain import go
from workbook.base.paths import ROOT, home
from workbook.base.steps import step
from workbook.cluster.current import current
from workbook.engine.pull import present

PART, ANOTHER = "coredns", "1.14.1"
"""What gets another version, and which."""
CONTAINS = {PART, "control-plane", "node-base"}
"""The part, and what it is put into."""
IMAGE = "workbook-bench-node:built"
# The tag is this benchmark's own, and no other node image is taken away for it.
PROGRAM = f"""
from node import image
from workbook.engine import ensure_engine
image._remove_older = lambda *_: None
image._build(ensure_engine(), "{IMAGE}")
"""


def measure(options: Namespace) -> Iterator[Row]:
    """Each once, for it takes a minute or more; in a folder of caches of its own, so that nothing is built twice."""
    engine = current().docker()
    try:
        if options.node:
            with tempfile.TemporaryDirectory(dir=home()) as place:
                with step("Build the node image from nothing"):
                    took = _build(ROOT, Path(place))
                yield Row("node image from nothing", took, 480, "s")
        if folder().is_dir() and list(folder().glob("node-base-*")):
            with tempfile.TemporaryDirectory(dir=home()) as scratch:
                yield from _bumped(Path(scratch))
        else:
            print("Here the official node image is used, so none is built.")
    finally:
        if present(engine, IMAGE):
            engine.images.remove(IMAGE)


def _bumped(scratch: Path) -> Iterator[Row]:
    tree, other = scratch / "tree", scratch / "home"
    shutil.copytree(ROOT / "node", tree / "node")
    (tree / "workbook").symlink_to(ROOT / "workbook")
    _another_version(tree / "node")
    other.mkdir()
    (other / "go").symlink_to(home() / "go")
    shutil.copytree(folder(), other / "node", copy_function=os.link)  # what is there already, without a copy of it
    before = _parts(other)
    with step(f"Build the node image with {PART} {ANOTHER}"):
        took = _build(tree, other)
    anew = {name.rpartition("-")[0] for name in _parts(other) - before}
    if not anew >= CONTAINS:
        raise RuntimeError(f"{CONTAINS - anew} was not built anew")
    yield Row(f"node image with another {PART}", took, None, "s")
    yield Row(f"parts built anew without {PART} in them", len(anew - CONTAINS), 0, "")


def _build(tree: Path, other: Path) -> float:
    """The seconds that the node image of `tree` takes with the caches in `other`."""
    environment = {**os.environ, "WORKBOOK_HOME": str(other), "PYTHONPATH": str(tree)}
    return seconds(
        lambda: subprocess.run(
            [sys.executable, "-c", PROGRAM], cwd=tree, env=environment, check=True, stdout=sys.stderr
        )
    )


def _another_version(source: Path) -> None:
    """Does what node/README.md says about changing a version."""
    versions = source / "versions.toml"
    versions.write_text(versions.read_text().replace(f'{PART} = "{VERSIONS[PART]}"', f'{PART} = "{ANOTHER}"'))
    if tomllib.loads(versions.read_text())[PART] != ANOTHER:
        raise RuntimeError(f"the version of {PART} was not changed")
    environment = {**os.environ, "GOCACHE": str(home() / "go" / "build"), "GOMODCACHE": str(home() / "go" / "modules")}
    environment["GOFLAGS"] = "-modcacherw"
    for words in (("get", f"github.com/coredns/coredns@v{ANOTHER}"), ("mod", "tidy")):
        command = [go(), "-C", source / "modules" / PART, *words]
        subprocess.run(command, env=environment, check=True, capture_output=True)


def _parts(home: Path) -> set[str]:
    return {path.name for path in (home / "node").iterdir() if path.is_dir()}
