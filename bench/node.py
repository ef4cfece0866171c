"""The node image from source: with a new version of one part, and with `--node` without a cache."""

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
from node.cache import folder
from node.toolchain import go
from node.versions import VERSIONS
from workbook.base.paths import ROOT, home
from workbook.base.steps import step
from workbook.cluster.current import current
from workbook.engine.pull import present

PART, VERSION = "coredns", "1.14.1"
"""The part that gets another version, and the version."""
REBUILT = {PART, "control-plane", "node-base"}
"""The part, and the parts that contain it."""
IMAGE = "workbook-bench-node:built"
# Builds under the benchmark's tag, and keeps the other node images.
PROGRAM = f"""
from node import image
from workbook.engine.find import ensure_engine
image.remove_older = lambda *_: None
image._build(ensure_engine(), "{IMAGE}")
"""


def measure(options: Namespace) -> Iterator[Row]:
    """Measure one build of each, since it takes minutes. The builds use a copy of the cache."""
    engine = current().docker()
    try:
        if options.node:
            with tempfile.TemporaryDirectory(dir=home()) as scratch:
                with step("Build the node image from nothing"):
                    took = _build(ROOT, Path(scratch))
                yield Row("node image from nothing", took, 340, "s")
        if folder().is_dir() and list(folder().glob("node-base-*")):
            with tempfile.TemporaryDirectory(dir=home()) as scratch:
                yield from _with_another_version(Path(scratch))
            yield Row("size of the node image", engine.images.get(IMAGE).attrs["Size"] / 1e6, 650, "MB")
        else:
            print("This machine uses the official node image, so none is built.")
    finally:
        if present(engine, IMAGE):
            engine.images.remove(IMAGE)


def _with_another_version(scratch: Path) -> Iterator[Row]:
    """Build the node image from a copy of the sources, in which a part has another version."""
    tree, copy = scratch / "tree", scratch / "home"
    shutil.copytree(ROOT / "node", tree / "node")
    (tree / "workbook").symlink_to(ROOT / "workbook")
    _change_version(tree / "node")
    copy.mkdir()
    (copy / "go").symlink_to(home() / "go")
    shutil.copytree(folder(), copy / "node", copy_function=os.link)  # hard links: the parts are large
    before = _parts(copy)
    with step(f"Build the node image with {PART} {VERSION}"):
        took = _build(tree, copy)
    rebuilt = {name.rpartition("-")[0] for name in _parts(copy) - before}
    if not rebuilt >= REBUILT:
        raise RuntimeError(f"{REBUILT - rebuilt} was not built again")
    yield Row(f"node image with another {PART}", took, None, "s")
    yield Row(f"parts built again without {PART} in them", len(rebuilt - REBUILT), 0, "")


def _build(tree: Path, caches: Path) -> float:
    """The seconds to build the node image from the sources in `tree`, with the workbook's folder `caches`."""
    environment = {**os.environ, "WORKBOOK_HOME": str(caches), "PYTHONPATH": str(tree)}
    return seconds(
        lambda: subprocess.run(
            [sys.executable, "-c", PROGRAM], cwd=tree, env=environment, check=True, stdout=sys.stderr
        )
    )


def _change_version(source: Path) -> None:
    """Change the version of `PART` as node/README.md describes."""
    versions = source / "versions.toml"
    versions.write_text(
        versions.read_text(encoding="utf-8").replace(f'{PART} = "{VERSIONS[PART]}"', f'{PART} = "{VERSION}"'),
        encoding="utf-8",
    )
    if tomllib.loads(versions.read_text(encoding="utf-8"))[PART] != VERSION:
        raise RuntimeError(f"the version of {PART} was not changed")
    environment = {**os.environ, "GOCACHE": str(home() / "go" / "build"), "GOMODCACHE": str(home() / "go" / "modules")}
    environment["GOFLAGS"] = "-modcacherw"
    for words in (("get", f"github.com/coredns/coredns@v{VERSION}"), ("mod", "tidy")):
        command: list[str | Path] = [go(), "-C", source / "modules" / PART, *words]
        subprocess.run(command, env=environment, check=True, capture_output=True)


def _parts(caches: Path) -> set[str]:
    """The parts in a cache, with the hash of their inputs."""
    return {path.name for path in (caches / "node").iterdir() if path.is_dir()}
