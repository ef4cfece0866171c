"""A machine with only Docker and Python, in a network without a way out: set up, used, and removed without a trace."""

import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil

from node import machine
from tests.offline import watcher
from workbook.base.polling import poll
from workbook.engine import daemon

NETWORK = "workbook-offline"
"""The name of the network namespace, and of the cluster in it."""
PROGRAMS = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
MISSING = (
    *("go", "apt", "apt-get", "mmdebstrap", "conda", "uv", "curl", "wget", "git"),
    *("kind", "kubectl", "minikube", "helm", "make"),
)
"""Programs that a student's machine may lack. Here, each is a script that only records its call."""
PATIENCE = 60
"""Seconds to wait for a process to start, and to end."""


class Nowhere:
    """The machine, with its own engine, home and copy of the workbook, for the duration of a `with` block.

    `purpose` is for the test that uses it.
    """

    def __init__(self, bundle: Path) -> None:
        self._bundle = bundle
        self.purpose = ""

    def __enter__(self) -> "Nowhere":
        self.folder = Path(tempfile.mkdtemp(prefix="workbook-offline-", dir="/var/tmp"))
        self._processes: list[subprocess.Popen[bytes]] = []
        try:
            for name in ("home", "tmp", "bin", "engine"):
                (self.folder / name).mkdir()
            self._hide_programs()
            subprocess.run(["ip", "netns", "add", NETWORK], check=True)
            self._log = self.folder / "outside"
            self._start([sys.executable, watcher.__file__, self._log], "watcher", self._lines)
            self._start_engine()
            with tarfile.open(self._bundle / "workbook.tar.gz") as archive:
                archive.extractall(self.folder, filter="data")
        except BaseException:
            self.__exit__()
            raise
        self.workbook = self.folder / "workbook"
        return self

    def __exit__(self, *_: object) -> None:
        """End all processes in the network, then remove its mounts, the network, and all files."""
        for process in reversed(self._processes):  # the engine first, which ends its containers
            process.terminate()
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
        for pid in subprocess.run(
            ["ip", "netns", "pids", NETWORK], capture_output=True, encoding="utf-8", errors="replace"
        ).stdout.split():
            with suppress(psutil.NoSuchProcess):
                psutil.Process(int(pid)).kill()
        mounts = [partition.mountpoint for partition in psutil.disk_partitions(all=True)]
        for mount in reversed([mount for mount in mounts if mount.startswith(f"{self.folder}/")]):
            subprocess.run(["umount", "--lazy", mount], check=True)
        subprocess.run(["ip", "netns", "delete", NETWORK], check=True)
        shutil.rmtree(self.folder)

    def inside(self, *command: str | Path) -> list[str]:
        """The command that runs `command` in the network. `ip netns exec` would hide the cgroups, which a node needs."""
        return ["nsenter", f"--net=/run/netns/{NETWORK}", *map(str, command)]

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a student's programs. Nothing in it comes from this process."""
        return {
            "PATH": f"{self.folder / 'bin'}:{PROGRAMS}",
            "HOME": str(self.folder / "home"),
            "TMPDIR": str(self.folder / "tmp"),
            "LANG": "C.UTF-8",
            "DOCKER_HOST": self._socket,
            "WORKBOOK_PROFILE": NETWORK,
            "WORKBOOK_CLUSTER": "kind",
        }

    @property
    def python(self) -> str:
        """The system's Python, without packages."""
        return sys._base_executable

    def verb(self, verb: str, *arguments: str) -> list[str]:
        """The command that a student types."""
        return self.inside(self.python, "-m", "workbook", verb, "--bundle", self._bundle, *arguments)

    def packets(self) -> list[str]:
        """The destinations of packets that no address in the network takes, such as `udp 203.0.113.7:9`."""
        return self._records("packet")

    def names(self) -> list[str]:
        """The names that the cluster requested from the machine's name server."""
        return sorted(set(self._records("name")))

    def called(self) -> list[str]:
        """The programs of `MISSING` that were called, with their arguments."""
        calls = self.folder / "called"
        return calls.read_text(encoding="utf-8").splitlines() if calls.exists() else []

    def _lines(self) -> list[str]:
        """The lines of the watcher's log."""
        return self._log.read_text(encoding="utf-8").splitlines() if self._log.exists() else []

    def _records(self, kind: str) -> list[str]:
        """The watcher's records of one type."""
        lines = [line.partition(" ") for line in self._lines()]
        return [record for first, _, record in lines if first == kind]

    @property
    def _socket(self) -> str:
        return f"unix://{self.folder}/docker.sock"

    def _hide_programs(self) -> None:
        for name in MISSING:
            script = self.folder / "bin" / name
            script.write_text(f'#!/bin/sh\necho "{name} $*" >> {self.folder}/called\nexit 127\n', encoding="utf-8")
            script.chmod(0o755)

    def _start(self, words: list[str | Path], name: str, is_ready: Callable[[], object]) -> None:
        """Start a process in the network, and wait until it is ready."""
        log, clean = self.folder / f"{name}.log", {"PATH": PROGRAMS, "LANG": "C.UTF-8"}
        with log.open("wb") as out:
            process = subprocess.Popen(self.inside(*words), env=clean, stdout=out, stderr=out, start_new_session=True)
        self._processes.append(process)
        with suppress(TimeoutError):
            poll(lambda: is_ready() or process.poll() is not None, timeout=PATIENCE)
        if process.poll() is not None or not is_ready():
            raise RuntimeError(f"{name} does not start:\n{log.read_text(encoding='utf-8')[-2000:]}")

    def _start_engine(self) -> None:
        folder = self.folder / "engine"
        folders = ["--data-root", folder / "data", "--exec-root", folder / "run", "--pidfile", folder / "pid"]
        command = daemon.command(machine.detect(), folder, self._socket)
        ask = ["docker", "--host", self._socket, "version"]
        self._start(
            [*command, *folders, "--dns", watcher.NAMESERVER],
            "dockerd",
            lambda: subprocess.run(ask, capture_output=True).returncode == 0,
        )
