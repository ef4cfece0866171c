"""The images with the packages of a class: built from few files, kept while these don't change, and taken from a bundle."""

import io
import json
import re
import tarfile

import pytest

from tests import docker_api
from workbook.base.errors import WorkbookError
from workbook.base.paths import ROOT
from workbook.bundle.manifest import CLASS, class_packages
from workbook.classroom.hub.images import FOLDER
from workbook.engine import find, packages
from workbook.engine.proxies import PROXIES

STEP = {"stream": "Step 1/1 : FROM python\n"}
FAILED = {"error": "returned a non-zero code: 100"}


@pytest.fixture
def engine(docker_engine, monkeypatch):
    """An engine that has the base image for Python, and builds everything."""
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(packages, "base", lambda engine, purpose: f"workbook-{purpose}:1")
    answers = {"GET /images/workbook-.*": (404, "no such image"), "POST /build": [STEP], "GET /images/json": []}
    docker_engine.answers = answers | docker_engine.answers
    return docker_engine


def test_they_are_built_from_what_pins_packages_and_from_nothing_else(engine):
    tags = packages.packages(find.ensure_engine())
    assert list(tags) == ["hub", "desk"] == list(CLASS)
    for (name, tag), request in zip(tags.items(), engine.asked("POST /build"), strict=True):
        assert re.fullmatch(rf"workbook-{name}:packages-[0-9a-f]{{12}}", tag)
        assert (request.query["t"], request.query["target"]) == (tag, name)
        assert json.loads(request.query["buildargs"]) == {"BASE": "workbook-python:1"}
        with tarfile.open(fileobj=io.BytesIO(request.body)) as context:
            names = set(context.getnames())
        assert request.query["dockerfile"] in names
        assert names == {path.relative_to(ROOT).as_posix() for path in class_packages()}


def test_an_image_is_kept_until_its_files_its_base_or_its_dockerfile_change(engine, monkeypatch, tmp_path):
    monkeypatch.setattr(packages, "ROOT", tmp_path)
    dockerfile, file = tmp_path / "Dockerfile", tmp_path / "file"
    dockerfile.write_text("FROM x", encoding="utf-8")
    file.write_text("1", encoding="utf-8")

    def built(origin="x"):
        return packages.built(find.ensure_engine(), "workbook-hub:", dockerfile, [dockerfile, file], {"BASE": origin})

    first = built()
    assert built() == first and built("y") != first
    file.write_text("2", encoding="utf-8")
    second = built()
    assert second != first
    engine.answers = {f"GET /images/{second}/json": {"Id": "sha256:1"}, **engine.answers}
    before = len(engine.asked("POST /build"))
    assert built() == second and len(engine.asked("POST /build")) == before
    dockerfile.write_text("FROM x\nRUN y", encoding="utf-8")
    assert built() != second


def test_an_older_image_that_a_container_uses_stays(engine, tmp_path, monkeypatch):
    """On minikube, the node's engine builds the images, and refuses to remove one that a Pod uses."""
    monkeypatch.setattr(packages, "ROOT", tmp_path)
    image = {"Id": "sha256:1", "RepoTags": ["workbook-hub:0123456789ab"]}
    answers = {
        "GET /containers/json": [{"Id": "3"}],
        "GET /containers/3/json": {"Id": "3"},
        "GET /images/json": [image],
        "GET /images/sha256:1/json": image,
    }
    engine.answers = answers | engine.answers | answers
    (tmp_path / "Dockerfile").write_text("FROM x", encoding="utf-8")
    packages.built(find.ensure_engine(), "workbook-hub:", tmp_path / "Dockerfile", [tmp_path / "Dockerfile"], {})
    assert engine.asked("GET /containers/json") and not engine.asked("DELETE .*")


def test_only_older_images_of_the_same_sort_are_removed(engine, tmp_path, monkeypatch):
    monkeypatch.setattr(packages, "ROOT", tmp_path)
    tags = ["workbook-hub:0123456789ab", "workbook-hub:packages-0123456789ab", "workbook-hub:bundle-0123456789ab"]
    image = {"Id": "sha256:1", "RepoTags": tags}
    answers = {
        "GET /containers/json": [],
        "GET /images/json": [image],
        "GET /images/sha256:1/json": image,
        "DELETE /images/.*": [],
    }
    engine.answers = answers | engine.answers | answers
    (tmp_path / "Dockerfile").write_text("FROM x", encoding="utf-8")
    for beginning, older in zip(("workbook-hub:", "workbook-hub:packages-"), tags, strict=False):
        packages.built(find.ensure_engine(), beginning, tmp_path / "Dockerfile", [tmp_path / "Dockerfile"], {})
        assert engine.asked("DELETE .*")[-1].what == f"DELETE /images/{older}"
    assert len(engine.asked("DELETE .*")) == 2


@pytest.mark.parametrize(
    ("messages", "explanation"),
    [
        (
            [STEP, {"stream": "SyntaxError\n"}, FAILED],
            r"packages-\w+ was not built: returned(.|\n)*SyntaxError(.|\n)*Correct classroom/hub/packages\.Dockerfile",
        ),
        (
            [STEP, {"stream": "Temporary failure resolving 'deb.debian.org'\n"}, FAILED],
            r"could not download(.|\n)*resolving",
        ),
        ([STEP, {"error": "write /layer: no space left on device"}], "disk is full"),
        ([STEP, docker_api.CUT], "the Docker engine failed"),
    ],
    ids=["Dockerfile", "network", "disk", "engine"],
)
def test_a_step_that_fails_is_explained_with_the_end_of_the_log(engine, messages, explanation):
    engine.answers["POST /build"] = messages
    with pytest.raises(WorkbookError, match=explanation):
        packages.packages(find.ensure_engine())


def test_with_a_bundle_nothing_is_built(engine, tmp_path):
    class Bundle:
        """A bundle that was made for a class."""

        def archive(self, purpose):
            (tmp_path / purpose).write_text(purpose, encoding="utf-8")
            return f"workbook-{purpose}:bundle-1", tmp_path / purpose

    engine.answers["POST /images/load"] = [{"stream": "Loaded image: x"}]
    assert packages.packages(find.ensure_engine(), Bundle()) == {name: f"workbook-{name}:bundle-1" for name in CLASS}
    assert [request.body for request in engine.asked("POST /images/load")] == [name.encode() for name in CLASS]
    assert not engine.asked("POST /build")


def copied(dockerfile):
    """The files and folders of the repository that a Dockerfile copies."""
    lines = re.findall(r"^COPY (.+) \S+$", dockerfile.read_text(encoding="utf-8"), re.MULTILINE)
    return {word for line in lines for word in line.split()}


def test_the_context_of_the_packages_has_all_files_that_are_copied():
    names = {path.relative_to(ROOT).as_posix() for path in class_packages()}
    for source in copied(FOLDER / "packages.Dockerfile"):
        assert source in names or any(name.startswith(f"{source}/") for name in names), source
    assert {path.name for path in (FOLDER / "proxy").iterdir() if path.is_file()} <= {
        name.split("/")[-1] for name in names
    }


@pytest.mark.parametrize("name", CLASS)
def test_what_is_added_to_the_packages_takes_no_network(name):
    text = (FOLDER / f"{name}.Dockerfile").read_text(encoding="utf-8")
    assert "FROM ${PACKAGES}\n" in text
    assert not re.search(r"^(RUN|ADD)\b", text, re.MULTILINE)
    assert all((ROOT / source).exists() for source in copied(FOLDER / f"{name}.Dockerfile"))
