"""Install, start and stop the Docker engine on Debian and Ubuntu, for root."""

import os
import shutil
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil

from node import machine
from workbook.base import apt
from workbook.base.errors import WorkbookError
from workbook.base.paths import home
from workbook.base.polling import poll
from workbook.base.processes import run
from workbook.base.steps import step
from workbook.engine import cgroups

SOCKET = "unix:///var/run/docker.sock"
PID = Path("/var/run/docker.pid")
CONTAINERD_PID = Path("/var/run/docker/containerd/containerd.pid")
RUNTIME = "workbook"
PATIENCE = 60
"""Seconds to wait for the engine to start, and to stop."""
INSTALL = (
    "Install Docker Engine (https://docs.docker.com/engine/install/). On Debian and Ubuntu, run"
    " `sudo apt-get install docker.io`. Then start it: `sudo systemctl start docker`."
)


def folder() -> Path:
    """Return the folder with the note about and the log of an engine that the workbook started."""
    return home() / "engine"


def _note() -> Path:
    return folder() / "dockerd.pid"


def _log() -> Path:
    return folder() / "dockerd.log"


def which(program: str) -> str | None:
    """Find a program, also in the folders for root, which an ordinary user's PATH omits."""
    return shutil.which(program, path=os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"]))


def install(facts: machine.Machine, answers: Callable[[], bool], *, offline: bool = False) -> None:
    """Install the engine's missing parts from the distribution's packages.

    Args:
        facts: the properties of this machine.
        answers: whether an engine answers.
        offline: download nothing.

    Raises:
        WorkbookError: packages cannot be downloaded, or are missing while `offline`.
    """
    needed = {"dockerd": "docker.io", "iptables": "iptables"} | ({"jq": "jq"} if facts.locked_down else {})
    needed["docker"] = "docker-cli"  # a package of its own since Debian 13
    missing = [package for program, package in needed.items() if not which(program)]
    if not missing:
        return
    if offline:
        raise WorkbookError(
            f"Docker is incomplete on this machine: {', '.join(missing)} missing.",
            "A bundle contains everything except Docker and Python, and the workbook downloads nothing when it uses one.",
            INSTALL,
        )
    apt.refresh("Connect to a network, or install Docker yourself.")
    if "docker-cli" in missing and not apt.available("docker-cli"):
        missing.remove("docker-cli")
        missing = list(dict.fromkeys([*missing, "docker.io"]))
    apt.install(missing, "Install Docker yourself: https://docs.docker.com/engine/install/.")
    if facts.locked_down and not facts.systemd and answers():
        run(["service", "docker", "stop"], show=True)  # its package has started it without the workbook's runtime


def start(facts: machine.Machine, answers: Callable[[], bool]) -> None:
    """Start the engine, and wait until it answers.

    Args:
        facts: the properties of this machine.
        answers: whether an engine answers.

    Raises:
        WorkbookError: it stopped, or did not answer in time; with the end of its log.
    """
    with step("Start the Docker engine"):
        if facts.systemd:
            run(
                ["systemctl", "start", "docker"],
                show=True,
                fix="Look for the cause in its log: `journalctl -u docker`.",
            )
        elif not _running(PID, "dockerd"):  # if one is already starting, only wait for it
            if facts.cgroups == 1:
                cgroups.mount()
            _spawn(facts)

        def ended() -> bool:
            return not facts.systemd and _note().exists() and not _noted()

        with suppress(TimeoutError):
            poll(lambda: answers() or ended(), timeout=PATIENCE)  # only an answer shows that an engine is ready
        if not answers():
            how = "stopped right after its start" if ended() else f"did not answer within {PATIENCE} s"
            tail = _log().read_text(encoding="utf-8", errors="replace").splitlines()[-10:] if _log().exists() else []
            fix = f"Read its log, {_log()}, and fix the cause. Then run this again."
            raise WorkbookError(f"The Docker engine {how}.", "\n".join(tail), fix)


def stop() -> bool:
    """Stop the engine and its containers, if the workbook started it; return whether it did.

    Raises:
        WorkbookError: it does not stop.
    """
    if not _note().exists():
        return False
    process = _noted()
    if process:
        with step("Stop the Docker engine"):
            process.terminate()
            try:
                process.wait(PATIENCE)
            except psutil.TimeoutExpired:
                raise WorkbookError(
                    f"The Docker engine did not stop within {PATIENCE} s.",
                    f"It is process {process.pid}.",
                    f"Read its log, {_log()}, or kill it: `sudo kill -9 {process.pid}`.",
                ) from None
    _note().unlink()
    return process is not None


def command(facts: machine.Machine, folder: Path, socket: str) -> list[str]:
    """Return the command that starts an engine which can run a cluster's node on this machine.

    Args:
        facts: the properties of this machine.
        folder: the folder for the engine's own runtime, if it needs one.
        socket: the address to listen on, such as `unix:///var/run/docker.sock`.

    Documentation: https://docs.docker.com/reference/cli/dockerd/
    """
    words = [which("dockerd") or "dockerd", "--host", socket]
    if facts.locked_down:
        wrapper = folder / "runc-wrapper"
        shutil.copy2(Path(machine.__file__).with_name("runc-wrapper"), wrapper)
        words += ["--add-runtime", f"{RUNTIME}={wrapper}", "--default-runtime", RUNTIME]
    return words


def _spawn(facts: machine.Machine) -> None:
    """Start dockerd without a service manager, detached from this process and its terminal."""
    folder().mkdir(parents=True, exist_ok=True)
    _remove_stale_pids()
    with _log().open("wb") as log:
        process = subprocess.Popen(
            command(facts, folder(), SOCKET),
            # It outlives this process, and so maybe this process's folder for temporary files.
            env={name: value for name, value in os.environ.items() if name != "TMPDIR"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd="/",
        )
    _note().write_text(f"{process.pid} {psutil.Process(process.pid).create_time()}", encoding="utf-8")


def _remove_stale_pids() -> None:
    """Remove the pid files that a killed engine leaves behind, so that the next one starts.

    The numbers in these files may belong to other processes by now, but dockerd trusts them. The next dockerd takes over
    a containerd that still runs, with its containers.
    """
    for file, name in ((PID, "dockerd"), (CONTAINERD_PID, "containerd")):
        if not _running(file, name):
            file.unlink(missing_ok=True)


def _noted() -> psutil.Process | None:
    """The engine that the workbook started, if it still runs. Its start time distinguishes it from a later process."""
    process = _running(_note(), "dockerd")
    return process if process and _note().read_text(encoding="utf-8").endswith(f" {process.create_time()}") else None


def _running(pid_file: Path, name: str) -> psutil.Process | None:
    """The running process whose number is first in the file, if it has this name; None for a zombie process."""
    try:
        process = psutil.Process(int(pid_file.read_text(encoding="utf-8").split()[0]))
        return process if process.name() == name and process.status() != psutil.STATUS_ZOMBIE else None
    except (OSError, ValueError, IndexError, psutil.Error):
        return None
