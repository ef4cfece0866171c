"""`%docker`: the arguments of docker, its output for a reader, and its errors."""

from types import SimpleNamespace

import pytest
from IPython.core.interactiveshell import InteractiveShell

import workbook
from workbook.base.errors import WorkbookError
from workbook.base.labels import MANAGED
from workbook.base.paths import ROOT
from workbook.engine import catalog, find
from workbook.engine.proxies import PROXIES
from workbook.lessons import docker
from workbook.lessons.docker import DockerError, magic

IMAGE = "web-app:1.0"
BUILD = f"build -t {IMAGE} app/webapp"
OWN_BASE = "--build-arg=BASE=workbook-python:1"


@pytest.fixture
def cluster(docker_engine, monkeypatch):
    """A cluster whose images are built in the prepared engine; `loaded` has the images that were loaded onto its nodes."""
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(docker, "base", lambda engine, purpose, bundle: f"workbook-{purpose}:1")
    docker_engine.answers["GET /images/json"] = []
    cluster = SimpleNamespace(
        docker=find.ensure_engine,
        docker_environment=lambda: {"DOCKER_HOST": "tcp://node:2376"},
        docker_setup="",
        loaded=[],
        load=lambda image: cluster.loaded.append(image),
        settings=SimpleNamespace(bundle=None),
    )
    monkeypatch.setattr(docker, "current", lambda: cluster)
    return cluster


@pytest.fixture
def words(cluster, program, tmp_path):
    """A docker that records its arguments, and a function that reads them."""
    program("docker", f'printf "%s\\n" "$@" > "{tmp_path}/words"; echo "Step 1/14 : ARG BASE"')
    return lambda: (tmp_path / "words").read_text(encoding="utf-8").splitlines()


def source(image):
    return f"--label={catalog.SOURCE}={catalog.source_hash(catalog.catalog()[image])}"


def test_its_output_is_shown_in_columns_as_printed(cluster, program):
    program("docker", "echo '  NAME   TAG'; echo 'web-app  1.0' >&2; echo")
    assert repr(magic("images")) == "  NAME   TAG\nweb-app  1.0"


def test_it_uses_the_clusters_engine_and_the_repositorys_root(cluster, program):
    program("docker", 'echo "$DOCKER_HOST $BUILDX_BUILDER $PWD"')
    assert magic("images") == f"tcp://node:2376 default {ROOT}"


def test_a_line_is_read_as_a_shell_reads_it(words):
    magic("run --rm web-app:1.0 -c 'print(\"one word\")'")
    assert words() == ["run", "--rm", IMAGE, "-c", 'print("one word")']


def test_braces_are_dockers_own(words):
    shell = InteractiveShell()
    workbook.load_ipython_extension(shell)
    shell.run_line_magic("docker", 'history web-app:1.0 --format "{{.Size}}"')
    assert words() == ["history", IMAGE, "--format", "{{.Size}}"]


def test_an_error_is_dockers_own(cluster, program):
    program("docker", "echo 'no such command' >&2; exit 3")
    with pytest.raises(DockerError) as failed:
        magic("run web-app:1.0")
    assert str(failed.value) == "no such command" and failed.value.code == 3


def test_a_known_error_has_a_fix(cluster, program):
    program("docker", """echo "Unable to find image 'web-app:1.0' locally" >&2; exit 125""")
    with pytest.raises(DockerError, match=r"locally\nDo:  Build it first"):
        magic("run web-app:1.0")


def test_without_docker(cluster, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(WorkbookError, match=r"`docker` is not installed(.|\n)*get-docker"):
        magic("images")


def test_a_build_is_shown_as_it_is_run_and_as_it_goes(words, cluster, capsys):
    assert magic(BUILD) is None, "a notebook would show an empty result"
    labels = [f"--label={name}={value}" for name, value in MANAGED.items()]
    command = ["build", OWN_BASE, *labels, source(IMAGE), "-t", IMAGE, "app/webapp"]
    assert words() == command
    assert capsys.readouterr().out.splitlines() == [f"$ docker {' '.join(command)}", "Step 1/14 : ARG BASE"]
    assert cluster.loaded == [IMAGE]


def test_a_build_in_the_node_says_how_a_terminal_gets_there(words, cluster, capsys):
    cluster.docker_setup = "eval $(minikube docker-env)"
    magic(BUILD)
    assert capsys.readouterr().out.startswith("$ eval $(minikube docker-env)\n$ docker build ")


def test_an_official_base_needs_no_option(words, monkeypatch):
    monkeypatch.setattr(docker, "base", lambda engine, purpose, bundle: docker.OFFICIAL[purpose])
    magic(BUILD)
    assert not [word for word in words() if word.startswith("--build-arg")]


def test_a_password_for_a_proxy_is_not_printed(words, monkeypatch, capsys):
    monkeypatch.setenv("HTTPS_PROXY", "http://me:password@192.0.2.1:3128")
    magic(BUILD)
    assert "--build-arg=HTTPS_PROXY" in words()
    assert "password" not in capsys.readouterr().out


def test_an_exception_to_a_proxy_is_nothing_without_one(words, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "localhost")
    magic(BUILD)
    assert "--build-arg=NO_PROXY" not in words()


@pytest.mark.parametrize(
    ("line", "label"),
    [
        (f"{BUILD}/ --no-cache", source(IMAGE)),
        ("build --tag web-app:2.0 --build-arg VERSION=v2 app/webapp", source("web-app:2.0")),
        ("build -t web-app:2.0 app/webapp", ""),
        ("build -t web-app:1.0 --build-arg=VERSION=v2 app/webapp", ""),
        ("build -t web-app:1.0 app/frontend", ""),
        ("build -t web-app:1.0 -f app/webapp/as-printed/Dockerfile app/webapp", ""),
        ("build -t web-app:1.0 --build-arg BASE=python:3.14 app/webapp", ""),
    ],
)
def test_only_what_is_built_as_the_catalog_says_counts_as_built(words, line, label):
    magic(line)
    assert [word for word in words() if catalog.SOURCE in word] == ([label] if label else [])
    assert (OWN_BASE in words()) == ("BASE=python" not in line)


@pytest.mark.parametrize(
    "line", ["build app/webapp", "build -t", "build -t web-app:7 app/webapp", f"{BUILD} -t frontend:1.0"]
)
def test_an_image_the_workbook_does_not_have(words, line):
    with pytest.raises(WorkbookError, match=r"has no image(.|\n)*It has web-app:1.0"):
        magic(line)


def test_a_step_that_fails(cluster, program):
    last = "The command '/bin/sh -c pip install' returned a non-zero code: 1"
    program("docker", f"echo 'Step 5/14 : RUN pip install'; echo 'the cause'; echo; echo \"{last}\"; exit 1")
    with pytest.raises(WorkbookError, match=r"was not built: The command(.|\n)*the cause(.|\n)*webapp/Dockerfile"):
        magic(BUILD)
    assert cluster.loaded == []


@pytest.mark.parametrize(
    "problem",
    [
        'process \\"/bin/sh -c false\\" did not complete successfully: exit code: 1',
        'failed to compute cache key: \\"/v9/app.py\\" not found: not found',
    ],
)
def test_a_step_that_fails_in_todays_builder(cluster, program, problem):
    last = f"ERROR: failed to solve: {problem}"
    program("docker", f"echo '#5 [2/4] RUN false'; echo \"{last}\" >&2; exit 1")
    with pytest.raises(WorkbookError, match=r"was not built: ERROR: failed to solve(.|\n)*webapp/Dockerfile"):
        magic(BUILD)


def test_a_build_that_does_not_begin(cluster, program):
    program("docker", "echo 'unknown flag: --fast'; exit 125")
    with pytest.raises(DockerError, match=r"^unknown flag: --fast$"):
        magic(f"{BUILD} --fast")


def test_a_file_that_the_program_could_not_read(words, tmp_path, monkeypatch):
    (tmp_path / "webapp").mkdir()
    (tmp_path / "webapp/app.py").touch()
    (tmp_path / "webapp/app.py").chmod(0o640)
    (tmp_path / "images.toml").write_text(f'["{IMAGE}"]\ncontext = "webapp"\nbases = {{}}\n', encoding="utf-8")
    monkeypatch.setattr(catalog, "APP", tmp_path)
    with pytest.raises(WorkbookError, match=r"may read .*app\.py(.|\n)*chmod -R a\+rX"):
        magic(BUILD)


@pytest.mark.parametrize(("tags", "removed"), [([], True), (["other:1"], False)])
def test_what_the_new_image_replaces_is_removed(words, docker_engine, monkeypatch, capsys, tags, removed):
    identities = iter(["sha256:old", "sha256:new"])
    monkeypatch.setattr("workbook.engine.build._identity", lambda engine, image: next(identities))
    docker_engine.answers = {
        "GET /images/sha256:old/json": {"Id": "sha256:old", "RepoTags": tags},
        "DELETE /images/sha256:old": [{}],
        **docker_engine.answers,
    }
    magic(BUILD)
    assert len(docker_engine.asked("DELETE /images/.*")) == removed
    assert capsys.readouterr().out.endswith("Removed the previous image with this name.\n") == removed


def test_one_that_is_in_use_stays(words, docker_engine, monkeypatch, capsys):
    identities = iter(["sha256:old", "sha256:new"])
    monkeypatch.setattr("workbook.engine.build._identity", lambda engine, image: next(identities))
    docker_engine.answers["DELETE /images/sha256:old"] = (409, "a container is using it")
    magic(BUILD)
    assert "previous image" not in capsys.readouterr().out


def test_the_same_image_again_replaces_nothing(words, docker_engine):
    docker_engine.answers["GET /images/json"] = [{"Id": "sha256:1"}]
    magic(BUILD)
    assert docker_engine.asked("DELETE /images/.*") == []
