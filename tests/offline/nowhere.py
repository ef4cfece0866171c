"""A machine with Docker and Python only, in a network that leads nowhere: made, used, and taken away without a trace."""

import os
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

from node import machine
from tests.offline import watcher
from workbook.engine import daemon

NETWORK = "workbook-offline"
"""The name of the network namespace, and of the cluster in it."""
MISSING = (
    *("go", "apt", "apt-get", "mmdebstrap", "conda", "uv", "curl", "wget", "git"),
    *("kind", "kubectl", "minikube", "helm", "make"),
)
"""Programs that this machine may have, and a student's has not: here each only notes that it was called."""


class Nowhere:
    """A context: the machine, with a fresh engine, home and copy of the workbook, for the length of the block."""

    def __init__(self, bundle: Path) -> None:
        self._bundle = bundle

    def __enter__(self) -> "Nowhere":
        self.folder = Path(tempfile.mkdtemp(prefix="workbook-offline-", dir="/var/tmp"))
        self._processes: list[subprocess.Popen] = []
        try:
            for name in ("home", "tmp", "bin", "engine"):
                (self.folder / name).mkdir()
            self._trap()
            subprocess.run(["ip", "netns", "add", NETWORK], check=True)
            self._log = self.folder / "outside"
            self._start([sys.executable, watcher.__file__, self._log], "watcher")
            self._until(lambda: self._log.exists() and self._log.read_text(), "watcher")
            self._start_engine()
            with tarfile.open(self._bundle / "workbook.tar.gz") as archive:
                archive.extractall(self.folder, filter="data")
        except BaseException:
            self.__exit__()
            raise
        self.workbook = self.folder / "workbook"
        return self

    def __exit__(self, *_) -> None:
        """Ends every process in the network, then takes away mounts, network and files."""
        for process in reversed(self._processes):  # the engine first: with it go its containers
            process.terminate()
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
        for pid in subprocess.run(["ip", "netns", "pids", NETWORK], capture_output=True, text=True).stdout.split():
            os.kill(int(pid), signal.SIGKILL)
        mounts = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
        for place in reversed([place for place in mounts if place.startswith(f"{self.folder}/")]):
            subprocess.run(["umount", "--lazy", place], check=True)
        subprocess.run(["ip", "netns", "delete", NETWORK], check=True)
        shutil.rmtree(self.folder)

    def words(self, *command: str | Path) -> list[str]:
        """The command, to be run in the network. `ip netns exec` would hide the control groups, which a node needs."""
        return ["nsenter", f"--net=/run/netns/{NETWORK}", *map(str, command)]

    @property
    def environment(self) -> dict[str, str]:
        """All that a student's programs inherit: nothing of this process."""
        return {
            "PATH": f"{self.folder / 'bin'}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
            "HOME": str(self.folder / "home"),
            "TMPDIR": str(self.folder / "tmp"),
            "LANG": "C.UTF-8",
            "DOCKER_HOST": self._socket,
            "WORKBOOK_PROFILE": NETWORK,
            "WORKBOOK_CLUSTER": "kind",
        }

    @property
    def python(self) -> str:
        """The Python that this machine has, without any package."""
        return sys._base_executable

    def workbook_words(self, verb: str, *more: str) -> list[str]:
        """The command that a student types."""
        return self.words(self.python, "-m", "workbook", verb, "--bundle", self._bundle, *more)

    def packets(self) -> list[str]:
        """Where packets were to go that no address in the network would take."""
        return self._told("packet")

    def names(self) -> list[str]:
        """The names that the cluster asked the name server of its surroundings for."""
        return sorted(set(self._told("name")))

    def called(self) -> list[str]:
        """Those of `MISSING` that were called."""
        note = self.folder / "called"
        return note.read_text().splitlines() if note.exists() else []

    def _told(self, kind: str) -> list[str]:
        lines = [line.partition(" ") for line in self._log.read_text().splitlines()]
        return [what for begin, _, what in lines if begin == kind]

    @property
    def _socket(self) -> str:
        return f"unix://{self.folder}/docker.sock"

    def _trap(self) -> None:
        for name in MISSING:
            script = self.folder / "bin" / name
            script.write_text(f'#!/bin/sh\necho "{name} $*" >> {self.folder}/called\nexit 127\n')
            script.chmod(0o755)

    def _start(self, words: list, name: str) -> subprocess.Popen:
        clean = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LANG": "C.UTF-8"}
        with (self.folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(self.words(*words), env=clean, stdout=log, stderr=log, start_new_session=True)
        self._processes.append(process)
        return process

    def _start_engine(self) -> None:
        place = self.folder / "engine"
        command = daemon.command(machine.detect(), place, self._socket)
        command += ["--data-root", place / "data", "--exec-root", place / "run", "--pidfile", place / "pid"]
        self._start([*command, "--dns", watcher.NAMESERVER], "dockerd")
        ask = ["docker", "--host", self._socket, "version"]
        self._until(lambda: subprocess.run(ask, capture_output=True).returncode == 0, "dockerd")

    def _until(self, met, name: str, patience: float = 60) -> None:
        deadline = time.monotonic() + patience
        while not met():
            if time.monotonic() > deadline or self._processes[-1].poll() is not None:
                raise RuntimeError(f"{name} does not start:\n" + (self.folder / f"{name}.log").read_text()[-2000:])
            time.sleep(0.1)
