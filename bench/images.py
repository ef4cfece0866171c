"""Images: how long a new version's build takes with the cache of the one before, and how large they are."""

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
from workbook.engine.build import base, proxies
from workbook.engine.catalog import APP

WEBAPP = APP / "webapp"
TAGS = ("workbook-bench:ours", "workbook-bench:chapter")
CHANGES = {
    "ubuntu:18.04": "{base}",  # the same Debian that our own base for Python is made of, without Python
    "apt-get install -y python-pip python-dev": "apt-get install -y --install-recommends python3-pip python3-dev",
    "pip install": "pip3 install --break-system-packages",
    '"python"': '"python3"',
}
"""What is changed in the chapter's Dockerfile so that it can be built today. Ubuntu installs what is recommended."""


def measure(options: Namespace) -> Iterator[Row]:
    """Each version is built with a line that it never had, so that just the layers before the program come from the cache."""
    engine = current().docker()
    with tempfile.TemporaryDirectory() as scratch:
        ours, chapter = Path(scratch, "ours"), Path(scratch, "chapter")
        try:
            shutil.copytree(WEBAPP, ours)
            _chapters(chapter, base(engine, "debian"))
            ways = {
                "ours": partial(_build, engine, TAGS[0], ours, "{version}/app.py"),
                "chapter": partial(_build, engine, TAGS[1], chapter, "app.py"),
            }
            with step("Build both once"):
                for way in ways.values():
                    way("v1")
            for version in ("v1", "v2", "v3", "v4"):
                found = in_turn({name: partial(way, version) for name, way in ways.items()})
                ours_s, theirs_s = map(median, found.values())
                goal = None if version == "v1" else 2
                yield Row(
                    f"build {version}", ours_s, goal, "s", "the chapter's Dockerfile", ours_s, theirs_s, runs=ROUNDS
                )
            sizes = [engine.images.get(tag).attrs["Size"] / 1e6 for tag in TAGS]
            yield versus("size of web-app", "Python with build tools", sizes[:1], sizes[1:], goal=0.5, unit="MB")
        finally:
            for tag in TAGS:
                for image in engine.images.list(tag):
                    engine.images.remove(image.id, force=True)
            engine.images.prune({"dangling": True, "label": "workbook-bench"})


def _chapters(folder: Path, base: str) -> None:
    """Writes the chapter's Dockerfile, changed no more than needed, and what it copies."""
    text = (WEBAPP / "as-printed" / "Dockerfile").read_text()
    for old, new in CHANGES.items():
        if old not in text:
            raise RuntimeError(f"{old!r} is not in the chapter's Dockerfile")
        text = text.replace(old, new.format(base=base))
    folder.mkdir()
    (folder / "Dockerfile").write_text(text)
    shutil.copy(WEBAPP / "requirements.txt", folder)


def _build(engine: DockerClient, tag: str, folder: Path, program: str, version: str) -> float:
    """The seconds of a build of a program that was never built before; `program` is where the Dockerfile expects it."""
    source = (WEBAPP / version / "app.py").read_text()
    (folder / program.format(version=version)).write_text(f"{source}\n# {uuid4()}\n")
    arguments = {"BASE": base(engine, "python"), "VERSION": version, **proxies()}
    return seconds(
        lambda: engine.images.build(
            path=str(folder), tag=tag, buildargs=arguments, rm=True, forcerm=True, labels={"workbook-bench": ""}
        )
    )
