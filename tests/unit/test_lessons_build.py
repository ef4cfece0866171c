"""Building images for a notebook, without an engine."""

from contextlib import nullcontext

import pytest

from workbook.base.errors import WorkbookError
from workbook.base.lock import holder
from workbook.lessons import begin, build

IMAGE = "web-app:1.0"


class Cluster:
    """A cluster that notes who holds the lock on the images while something is done with an image."""

    def __init__(self, home, monkeypatch):
        self.noted = []
        self.lock = home / "images.lock"
        self.settings = type("Settings", (), {"bundle": None})
        for module in (build, begin):
            monkeypatch.setattr(module, "current", lambda: self, raising=False)
        monkeypatch.setattr(build, "replacing", lambda engine, *images: nullcontext())
        monkeypatch.setattr(build, "build_image", lambda engine, image, *_, **options: self.note("build"))

    def note(self, what):
        self.noted.append((what, holder(self.lock).partition("`")[2].partition("`")[0]))

    def docker(self):
        return None

    def images(self):
        return []

    def load(self, *images):
        self.note("load")


@pytest.fixture
def cluster(home, monkeypatch):
    return Cluster(home, monkeypatch)


def test_an_image_the_workbook_does_not_have():
    with pytest.raises(WorkbookError, match=r"no image 'web-app:7'(.|\n)*web-app:1.0"):
        build.build("web-app:7")


def test_no_other_process_builds_an_image_before_this_one_is_loaded(cluster):
    build.build(IMAGE)
    assert cluster.noted == [("build", "build"), ("load", "build")]


@pytest.mark.parametrize("current", [False, True])
def test_begin_loads_the_image_that_it_has_looked_at(cluster, monkeypatch, current):
    monkeypatch.setattr(begin, "is_current", lambda engine, image: cluster.note("look") or current)
    begin._set_images(cluster, [IMAGE])
    built = [] if current else ["build", "load"]
    assert cluster.noted == [(what, "begin") for what in ("look", *built, "load")]


def test_without_images_begin_waits_for_no_other_process(cluster):
    begin._set_images(cluster, [])
    assert cluster.noted == [] and not cluster.lock.exists()
