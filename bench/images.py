"""Images: the build of a new version with the cache of the previous one, and the size."""

import shutil
import tempfile
from argparse import Namespace
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from statistics import median
from uuid import uuid4

from docker import DockerClient

from bench.measuring import ROUNDS, Row, in_turn, seconds, versus
from workbook.base.steps import step
from workbook.cluster.current import current
from workbook.engine.build import base
from workbook.engine.catalog import APP
from workbook.engine.proxies import proxies

WEBAPP = APP / "webapp"
TAGS = ("workbook-bench:workbook", "workbook-bench:chapter")
CHANGES = {
    "ubuntu:18.04": "{base}",  # the Debian of the workbook's base image for Python, without Python
    "apt-get install -y python-pip python-dev": "apt-get install -y --install-recommends python3-pip python3-dev",
    "pip install": "pip3 install --break-system-packages",
    '"python"': '"python3"',
}
"""The replacements that make the chapter's Dockerfile build today. Ubuntu installs recommended packages."""


def measure(options: Namespace) -> Iterator[Row]:
    """Measure builds of versions with a new line, so that only the layers below the program come from the cache."""
    engine = current().docker()
    with tempfile.TemporaryDirectory() as scratch:
        workbook, chapter = Path(scratch, "workbook"), Path(scratch, "chapter")
        try:
            shutil.copytree(WEBAPP, workbook)
            write_chapters(chapter, base(engine, "debian"))
            ways = {
                "workbook": partial(_build, engine, TAGS[0], workbook, "{version}/app.py"),
                "chapter": partial(_build, engine, TAGS[1], chapter, "app.py"),
            }
            with step("Build each image once"):
                for way in ways.values():
                    way("v1")
            for version in ("v2", "v3", "v4"):
                times = in_turn({name: partial(way, version) for name, way in ways.items()})
                first, second = map(median, times.values())
                yield Row(f"build of {version}", first, 2, "s", "the chapter's Dockerfile", first, second, runs=ROUNDS)
            sizes = [engine.images.get(tag).attrs["Size"] / 1e6 for tag in TAGS]
            yield versus("size of the image", "Python with build tools", sizes[:1], sizes[1:], goal=0.5, unit="MB")
        finally:
            for tag in TAGS:
                for image in engine.images.list(tag):
                    engine.images.remove(image.id or tag, force=True)
            engine.images.prune({"dangling": True, "label": "workbook-bench"})


def write_chapters(folder: Path, base: str) -> None:
    """Write the chapter's Dockerfile with the necessary changes, and the files that it copies."""
    text = (WEBAPP / "as-printed" / "Dockerfile").read_text(encoding="utf-8")
    for old, new in CHANGES.items():
        if old not in text:
            raise RuntimeError(f"{old!r} is not in the chapter's Dockerfile")
        text = text.replace(old, new.format(base=base))
    folder.mkdir()
    (folder / "Dockerfile").write_text(text, encoding="utf-8")
    shutil.copy(WEBAPP / "requirements.txt", folder)


def _build(engine: DockerClient, tag: str, folder: Path, program: str, version: str) -> float:
    """The seconds of a build of a program that was never built before.

    Args:
        engine: builds the image.
        tag: the image's name.
        folder: the folder with the Dockerfile.
        program: where the Dockerfile expects the program in it.
        version: the version of the program.
    """
    source = (WEBAPP / version / "app.py").read_text(encoding="utf-8")
    (folder / program.format(version=version)).write_text(f"{source}\n# {uuid4()}\n", encoding="utf-8")
    arguments = {"BASE": base(engine, "python"), "VERSION": version, **proxies()}
    return seconds(
        lambda: engine.images.build(
            path=str(folder), tag=tag, buildargs=arguments, rm=True, forcerm=True, labels={"workbook-bench": ""}
        )
    )
