"""Install, start and stop the Docker engine on Debian and Ubuntu, where this user is root."""

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

SOCKET = "unix:///var/run/docker.sock"
PID = Path("/var/run/docker.pid")
CONTAINERD_PID = Path("/var/run/docker/containerd/containerd.pid")
RUNTIME = "workbook"
PATIENCE = 60
"""Seconds that the engine has to start, and to end."""
INSTALL = (
    "Install Docker Engine (https://docs.docker.com/engine/install/); on Debian and Ubuntu that is"
    " `sudo apt-get install docker.io`. Then start it: `sudo systemctl start docker`."
)


def folder() -> Path:
    """Where the note and the log of an engine that was started here are kept."""
    return home() / "engine"


def _note() -> Path:
    return folder() / "dockerd.pid"


def _log() -> Path:
    return folder() / "dockerd.log"


def which(program: str) -> str | None:
    """Find a program, also among those for root, which an ordinary user's PATH leaves out."""
    return shutil.which(program, path=os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"]))


def install(facts: machine.Machine, answers: Callable[[], bool], *, offline: bool = False) -> None:
    """Install what is missing of the engine, from the distribution's packages.

    Args:
        facts: what this machine is like.
        answers: whether an engine answers.
        offline: refuse to fetch anything.

    Raises:
        WorkbookError: packages cannot be had, or are missing while `offline`.
    """
    needed = {"dockerd": "docker.io", "iptables": "iptables"} | ({"jq": "jq"} if facts.locked_down else {})
    needed["docker"] = "docker-cli"  # a package of its own since Debian 13
    missing = [package for program, package in needed.items() if not which(program)]
    if not missing:
        return
    if offline:
        raise WorkbookError(
            f"Docker is not complete on this machine: {', '.join(missing)} missing.",
            "A bundle contains everything except Docker and Python, and nothing else is downloaded.",
            INSTALL,
        )
    apt.refresh("Packages cannot be reached: connect to a network, or install Docker yourself.")
    if "docker-cli" in missing and not apt.available("docker-cli"):
        missing.remove("docker-cli")
        missing = list(dict.fromkeys([*missing, "docker.io"]))
    apt.install(missing, "Install Docker yourself: https://docs.docker.com/engine/install/.")
    if facts.locked_down and not facts.systemd and answers():
        run(["service", "docker", "stop"], show=True)  # its package has started it, without our runtime


def start(facts: machine.Machine, answers: Callable[[], bool]) -> None:
    """Start the engine, and wait until it answers.

    Args:
        facts: what this machine is like.
        answers: whether an engine answers.

    Raises:
        WorkbookError: it ended, or did not answer in time; shows the end of its log.
    """
    with step("Start the Docker engine"):
        if facts.systemd:
            run(["systemctl", "start", "docker"], show=True, fix="Read why: `journalctl -u docker`.")
        elif not _running(PID, "dockerd"):  # one that is just starting is only waited for
            _spawn(facts)

        def ended() -> bool:
            return not facts.systemd and _note().exists() and not _noted()

        with suppress(TimeoutError):
            poll(lambda: answers() or ended(), timeout=PATIENCE)  # an engine reports only by answering that it is ready
        if not answers():
            how = "ended at once" if ended() else f"did not answer within {PATIENCE} s"
            tail = _log().read_text(encoding="utf-8", errors="replace").splitlines()[-10:] if _log().exists() else []
            fix = f"Read its log, {_log()}, and remove the cause; then run this again."
            raise WorkbookError(f"The Docker engine {how}.", "\n".join(tail), fix)


def stop() -> bool:
    """Stop the engine if it was started here, and with it every container. Return whether it was.

    Raises:
        WorkbookError: it does not end.
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
                    f"The Docker engine did not end within {PATIENCE} s.",
                    f"It is process {process.pid}.",
                    f"Read its log, {_log()}, or end it: `sudo kill -9 {process.pid}`.",
                ) from None
    _note().unlink()
    return process is not None


def command(facts: machine.Machine, folder: Path, socket: str) -> list[str]:
    """The command of an engine that can run a cluster's node on this machine.

    Args:
        facts: what this machine is like.
        folder: where to put the engine's own runtime, if it needs one.
        socket: where it is to listen, such as `unix:///var/run/docker.sock`.

    Documentation: https://docs.docker.com/reference/cli/dockerd/
    """
    words = [which("dockerd") or "dockerd", "--host", socket]
    if facts.locked_down:
        wrapper = folder / "runc-wrapper"
        shutil.copy2(Path(machine.__file__).with_name("runc-wrapper"), wrapper)
        words += ["--add-runtime", f"{RUNTIME}={wrapper}", "--default-runtime", RUNTIME]
    return words


def _spawn(facts: machine.Machine) -> None:
    """Start dockerd by hand, detached from this process and its terminal, where no service manager does."""
    folder().mkdir(parents=True, exist_ok=True)
    _remove_stale_pids()
    with _log().open("wb") as log:
        process = subprocess.Popen(
            command(facts, folder(), SOCKET),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd="/",
        )
    _note().write_text(f"{process.pid} {psutil.Process(process.pid).create_time()}", encoding="utf-8")


def _remove_stale_pids() -> None:
    """Remove the pid files that a killed engine leaves behind, so that the next one starts.

    The numbers in them may belong to other processes by now, and dockerd believes them. The next dockerd takes over a
    containerd that still runs, with the containers in it.
    """
    for file, name in ((PID, "dockerd"), (CONTAINERD_PID, "containerd")):
        if not _running(file, name):
            file.unlink(missing_ok=True)


def _noted() -> psutil.Process | None:
    """The engine that was started here, if it still runs. Its start time distinguishes it from a later process."""
    process = _running(_note(), "dockerd")
    return process if process and _note().read_text(encoding="utf-8").endswith(f" {process.create_time()}") else None


def _running(pid_file: Path, name: str) -> psutil.Process | None:
    """The running process whose number begins the file, if it has this name; None also when it is only not collected."""
    try:
        process = psutil.Process(int(pid_file.read_text(encoding="utf-8").split()[0]))
        return process if process.name() == name and process.status() != psutil.STATUS_ZOMBIE else None
    except (OSError, ValueError, IndexError, psutil.Error):
        return None
