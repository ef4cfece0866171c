"""Errors about a Docker engine that is missing or does not work."""

import os
from types import SimpleNamespace

import pytest

from workbook.base.errors import WorkbookError
from workbook.base.polling import poll
from workbook.engine import daemon
from workbook.engine import find as engine


@pytest.fixture
def machine(monkeypatch):
    """A machine that only has these programs, and no setting for another engine."""
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.delenv("DOCKER_CONTEXT", raising=False)

    def has(*programs):
        monkeypatch.setattr(daemon, "which", lambda name: name if name in programs else None)

    return has


@pytest.mark.parametrize(
    ("system", "fix"),
    [("Linux", "docs.docker.com/engine/install"), ("Darwin", "colima"), ("Windows", "Docker Desktop")],
)
def test_no_docker(machine, system, fix):
    machine()
    error = engine.explain(FileNotFoundError("no such file: docker.sock"), system)
    assert error.what == "There is no Docker engine on this machine."
    assert fix in error.fix


def test_installed_but_not_running(machine):
    machine("dockerd", "docker")
    error = engine.explain(ConnectionRefusedError("refused"), "Linux")
    assert "does not answer" in error.what and error.fix.startswith("Start it")


@pytest.mark.parametrize(
    ("system", "problem", "fix"),
    [
        ("Linux", PermissionError(13, "Permission denied"), "usermod -aG docker"),
        ("Darwin", PermissionError(13, "Permission denied"), "quit it there, then start it as this user"),
        ("Windows", Exception("(5, 'CreateFile', 'Access is denied.')"), "net localgroup docker-users"),
    ],
)
def test_without_permission(machine, system, problem, fix):
    machine("dockerd")
    error = engine.explain(problem, system)
    assert "may not use it" in error.what and fix in error.fix


def test_an_engine_elsewhere_that_does_not_answer(machine, monkeypatch):
    machine("dockerd")
    monkeypatch.setenv("DOCKER_HOST", "tcp://10.0.0.1:2375")
    error = engine.explain(ConnectionRefusedError("refused"), "Linux")
    assert "DOCKER_HOST" in error.what and "unset DOCKER_HOST" in error.fix


def answering(monkeypatch, api_version):
    """A simulated engine that reports its API version; the settings of the connection to it."""
    made = []

    class Client:
        def __init__(self, **settings):
            made.append(settings)
            version, read = {"ApiVersion": spoken}, {"_proxy_configs": {}, "_auth_configs": {}}
            self.api = SimpleNamespace(trust_env=True, version=lambda api_version: version, **read)

        def close(self):
            pass

    spoken = api_version
    monkeypatch.setattr(engine.docker, "DockerClient", Client)
    return made


def test_too_old(monkeypatch):
    answering(monkeypatch, "1.39")
    with pytest.raises(WorkbookError, match=r"too old: it supports API 1.39"):
        engine.connect(base_url="unix:///nowhere")


def test_the_version_is_the_engines_and_the_webs_settings_are_not_for_it(monkeypatch):
    made = answering(monkeypatch, "1.54")
    connected = engine.connect(base_url="tcp://127.0.0.1:1", tls=False)
    assert made[-1]["version"] == "1.54" and made[-1]["base_url"] == "tcp://127.0.0.1:1"
    assert connected.api.trust_env is False


@pytest.mark.skipif(os.name == "nt", reason="the workbook starts no engine on Windows")
def test_an_engine_does_not_use_the_temporary_folder_of_the_process_that_starts_it(monkeypatch, tmp_path):
    program = tmp_path / "dockerd"
    program.write_text("#!/bin/sh\nenv\necho end\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("WORKBOOK_HOME", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "removed"))
    monkeypatch.setattr(daemon, "which", lambda name: str(program))
    for file in ("PID", "CONTAINERD_PID"):
        monkeypatch.setattr(daemon, file, tmp_path / file)
    daemon._spawn(SimpleNamespace(locked_down=False))
    log = daemon._log()
    poll(lambda: log.read_text(encoding="utf-8").endswith("end\n"), timeout=30)
    assert "PATH=" in log.read_text(encoding="utf-8") and "TMPDIR=" not in log.read_text(encoding="utf-8")


def test_an_engine_that_is_not_ours_is_not_stopped(monkeypatch, tmp_path):
    monkeypatch.setenv("WORKBOOK_HOME", str(tmp_path))
    assert daemon.stop() is False
    # A note whose process has ended, and whose number now belongs to another process: the test's own.
    daemon.folder().mkdir()
    note = daemon.folder() / "dockerd.pid"
    note.write_text(f"{os.getpid()} 12345", encoding="utf-8")
    assert daemon.stop() is False
    assert not note.exists()
