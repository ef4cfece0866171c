"""Tests that need the engine's image `web-app:1.0` as it is for a while, or build another one. In lanes, one runs at a time.

Notebook 02 compares the layers of two builds, for example. A test has the mark `same_image`, or holds the `image()` itself.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.cells import is_cell
from tests.lane import LANE
from workbook.base.lock import lock

HELD = pytest.StashKey[ExitStack]()


@contextmanager
def image() -> Iterator[None]:
    """Keep the tests of other lanes from replacing the image during the block."""
    if folder := os.environ.get(LANE):
        with lock(Path(folder, "image.lock"), "a test of the image", patience=900):
            yield
    else:
        yield


def compares(path: Path) -> bool:
    """Whether a notebook compares the image before and after."""
    return path.name.startswith("02_")


def needs_it(item: pytest.Item | None) -> bool:
    """Whether an item needs the image as it is."""
    if item is None:
        return False
    return compares(item.path) if is_cell(item) else item.get_closest_marker("same_image") is not None


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    if needs_it(item) and HELD not in item.config.stash:
        held = item.config.stash[HELD] = ExitStack()
        held.enter_context(image())


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    goes_on = is_cell(item) and nextitem is not None and nextitem.path == item.path
    if HELD in item.config.stash and not goes_on:
        item.config.stash[HELD].close()
        del item.config.stash[HELD]
