"""The tests' leftovers are recognized, but not those of other programs. No cluster or engine is needed."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests import leftovers
from tests.leftovers import MARK
from workbook.base.labels import MANAGED

LISTENER = "import socket; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True); input()"


@pytest.fixture
def listener():
    """A function that starts a program with this mark in its environment, which listens on a port; it returns process ID and port."""
    started = []

    def start(mark: str) -> tuple[int, str]:
        program = subprocess.Popen(
            [sys.executable, "-c", LISTENER],
            env=os.environ | {MARK: mark},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
        )
        started.append(program)
        return program.pid, program.stdout.readline().strip()

    yield start
    for program in started:
        program.kill()
        program.communicate()


@pytest.mark.parametrize("inner", ["", "/tmp/wb-inner"])
def test_a_process_of_the_tests_and_its_port_are_seen(listener, inner):
    pid, port = listener(os.environ[MARK] + inner)
    assert pid in [process.pid for process in leftovers._processes()]
    assert f"127.0.0.1:{port} of {pid} " in "\n".join(leftovers._ports())


def test_another_programs_process_and_its_port_are_not_seen(listener):
    pid, port = listener("/tmp/wb-of-another-run")
    assert pid not in [process.pid for process in leftovers._processes()]
    assert f":{port} " not in "\n".join(leftovers._ports())


@pytest.mark.parametrize("folder", [Path.home, lambda: Path.home() / ".config", lambda: Path(tempfile.gettempdir())])
def test_a_file_of_the_tests_is_seen(folder):
    path = folder() / "left-by-a-test"
    created = not path.parent.exists()
    path.parent.mkdir(exist_ok=True)
    path.touch()
    try:
        assert path.relative_to(os.environ[MARK]).as_posix() in leftovers._files()
    finally:
        path.unlink()
        if created:
            path.parent.rmdir()


@pytest.mark.parametrize(
    ("labels", "seen"),
    [
        (MANAGED, True),
        ({"io.x-k8s.kind.cluster": "workbook-test"}, True),
        ({"name.minikube.sigs.k8s.io": "workbook-test"}, True),
        ({"io.x-k8s.kind.cluster": "workbook"}, False),  # a reader's
        ({"io.x-k8s.kind.cluster": "kind"}, False),
        ({"name.minikube.sigs.k8s.io": "minikube"}, False),
        ({}, False),
    ],
)
def test_which_containers_are_the_tests(labels, seen):
    containers = [SimpleNamespace(name="some", labels=labels)]
    engine = SimpleNamespace(containers=SimpleNamespace(list=lambda **options: containers))
    assert leftovers._containers(engine) == ({"some"} if seen else set())


def test_what_is_new_is_listed_by_type():
    before, after = {"files": {"a"}, "images": {"x"}}, {"files": {"a", "c", "b"}, "images": set()}
    assert leftovers.left(before, after) == {"files": ["b", "c"], "images": []}
