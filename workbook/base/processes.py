"""Run other programs without a shell, print their commands as a reader would type them, and explain their failures."""

import os
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from workbook.base.errors import WorkbookError
from workbook.base.log import LOG, masked

Command = Sequence[str | Path]
Variables = Mapping[str, str]
TAIL = 20  # lines of a failed program's output that an error shows
GRACE = 1  # seconds between SIGTERM and SIGKILL
LEAVE = 10  # seconds in which a program that runs in the background ends its own programs
PERIOD = 0.1  # seconds between two reads of a running program's output
LARGEST = 2**20  # characters per read while a program runs: it may print faster than its output is read

if sys.platform == "win32":
    GROUP, INTERRUPT, KILL = subprocess.CREATE_NEW_PROCESS_GROUP, signal.CTRL_BREAK_EVENT, signal.SIGTERM
else:
    GROUP, INTERRUPT, KILL = 0, signal.SIGTERM, signal.SIGKILL
"""For a program in the background: the flags with which it is created, and the signals that end it."""


class CommandFailed(WorkbookError):
    """The failure of a program; `output` is everything that it printed, `code` is its exit status."""

    def __init__(self, args: Command, code: int, output: str, fix: str = "") -> None:
        self.code, self.output = code, output
        tail = "\n".join(output.strip().splitlines()[-TAIL:])
        super().__init__(f"`{typed(args)}` failed with exit status {code}.", tail, fix)


class Printed(str):
    """What a program printed: a string that a notebook shows as text, without quotes."""

    def __repr__(self) -> str:
        return str(self)


def typed(args: Command, env: Variables | None = None) -> str:
    """Return the command as a reader would type it: the program without its folder, with `env` in front."""
    words = [Path(args[0]).name.removesuffix(".exe"), *map(str, args[1:])]
    return " ".join([*(f"{key}={shlex.quote(value)}" for key, value in (env or {}).items()), shlex.join(words)])


def run(
    args: Command,
    *,
    env: Variables | None = None,
    show: bool = False,
    cwd: Path | None = None,
    timeout: float = 600,
    on_line: Callable[[str], None] | None = None,
    fix: str = "",
    apart: bool = False,
) -> str:
    """Run a program until it exits, and return what it printed for people (standard output and error, in order).

    On a timeout, Ctrl-C or an error in `on_line`, the program and all processes that it has started are killed. A process
    that the program leaves behind keeps running, and `run` does not wait for it, even if it keeps the output open.

    Args:
        args: the program and its arguments; no shell interprets them.
        env: variables added to the environment, shown in front of the command.
        show: print the command first.
        timeout: seconds after which the program is killed.
        on_line: called with each line while the program runs, to show progress.
        fix: what a reader should do when it fails.
        apart: leave standard error out of the result: see `read`.

    Raises:
        CommandFailed: the exit status is not 0, or the program did not exit in time.
        WorkbookError: the program is not installed.
    """
    if show:
        print(f"$ {typed(args, env)}", flush=True)
    begun = time.monotonic()
    # Files, not pipes: a process that the program leaves behind may keep a pipe open, and `run` would wait for it.
    with _scratch_file() as (output, printed), _scratch_file() as (errors, warnings):
        try:
            process = subprocess.Popen(
                args,
                env={**os.environ, **(env or {})},
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors if apart else subprocess.STDOUT,
            )
        except (FileNotFoundError, PermissionError):  # PermissionError also means an unreadable folder on PATH
            raise WorkbookError(f"The program `{args[0]}` is not installed.", fix=fix) from None
        _log_start(process, args, env)
        expired = threading.Event()

        def expire() -> None:
            expired.set()
            end(process)

        timer = threading.Timer(timeout, expire)
        timer.daemon = True
        timer.start()
        try:
            if on_line:
                _follow(process, printed, on_line)
            process.wait()
        except BaseException:
            end(process)
            raise
        finally:
            timer.cancel()
            _log_end(process, begun)
        printed.seek(0)
        text = printed.read()
        if expired.is_set():
            raise CommandFailed(args, -9, f"{text}{warnings.read()}\n(killed after {timeout:.0f} s)", fix)
        if process.returncode:
            raise CommandFailed(args, process.returncode, text + warnings.read(), fix)
        return text


def read(
    args: Command, *, env: Variables | None = None, cwd: Path | None = None, timeout: float = 600, fix: str = ""
) -> str:
    """Run a program until it exits, and return only its standard output, for parsing.

    Arguments and errors are those of `run`. Standard error only appears in `CommandFailed`.
    """
    return run(args, env=env, cwd=cwd, timeout=timeout, fix=fix, apart=True)


def attend(args: Command, env: Variables | None = None) -> int:
    """Run a program in the terminal until it exits, and return its exit status. Arguments are those of `run`.

    The program handles Ctrl-C, which the terminal sends to both processes. A SIGTERM is forwarded to it.
    """
    begun = time.monotonic()
    sys.stdout.flush()  # keeps the order of the output, also in a file or a pipe
    process = subprocess.Popen(args, env={**os.environ, **(env or {})})
    _log_start(process, args, env)
    on_interrupt = signal.signal(signal.SIGINT, signal.SIG_IGN)
    on_terminate = signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    try:
        return process.wait()
    finally:
        signal.signal(signal.SIGINT, on_interrupt)
        signal.signal(signal.SIGTERM, on_terminate)
        _log_end(process, begun)


@contextmanager
def background(
    args: Command,
    env: Variables | None = None,
    *,
    on_line: Callable[[str], None],
    on_exit: Callable[[int], None],
) -> Iterator[None]:
    """Run a program during the block. If it still runs at the end of the block, end it and the programs that it has started.

    The terminal's Ctrl-C does not reach it. If this process is killed, the program continues. `args` and `env` are those
    of `run`.

    Args:
        on_line: called with each line that it prints, in another thread.
        on_exit: called with its exit status, in that thread, if it ends during the block.
    """
    begun, ending = time.monotonic(), threading.Event()
    with _scratch_file() as (output, printed):
        process = subprocess.Popen(
            args,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            creationflags=GROUP,
            start_new_session=True,
        )
        _log_start(process, args, env)

        def attend() -> None:
            _follow(process, printed, on_line)
            if not ending.is_set():
                on_exit(process.returncode)

        follower = threading.Thread(target=attend, daemon=True)
        follower.start()
        try:
            yield
        finally:
            ending.set()
            _end_group(process)
            follower.join()
            _log_end(process, begun)


@contextmanager
def _scratch_file() -> Iterator[tuple[IO[bytes], IO[str]]]:
    """Open a temporary file for writing and for reading. If possible, it has no name, so that nothing is left behind."""
    descriptor, name = tempfile.mkstemp(prefix="workbook-")
    try:
        with os.fdopen(descriptor, "wb") as sink, Path(name).open(encoding="utf-8", errors="replace") as source:
            with suppress(PermissionError):  # Windows does not delete a file that is open
                Path(name).unlink()
            yield sink, source
    finally:
        with suppress(OSError):  # it is deleted; or, on Windows, a process that was left behind still has it open
            Path(name).unlink()


def _follow(process: subprocess.Popen[bytes], printed: IO[str], on_line: Callable[[str], None]) -> None:
    """Pass each line of a program's output to `on_line` while the program runs."""
    rest, running = "", True
    while running:
        with suppress(subprocess.TimeoutExpired):
            process.wait(PERIOD)
            running = False
        *lines, rest = (rest + printed.read(LARGEST if running else -1)).split("\n")
        for line in lines:
            on_line(line.rstrip())
    if rest:
        on_line(rest.rstrip())


def end(process: subprocess.Popen[bytes]) -> None:
    """Stop a program and all processes that it has started: with SIGTERM, and after `GRACE` seconds with SIGKILL."""
    kills: list[Callable[[], None]] = [process.kill]
    with suppress(ModuleNotFoundError):  # before packages are installed, only the program itself is stopped
        import psutil  # imported here: see the line above

        with suppress(psutil.Error):
            kills += [child.kill for child in psutil.Process(process.pid).children(recursive=True)]
    process.terminate()
    try:
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)
    finally:  # even if Ctrl-C is pressed again
        for kill in kills:
            with suppress(Exception):  # psutil's errors, for a process that has exited by now
                kill()
        process.wait()


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """End a program that runs in the background, with its children: by a signal, and after `LEAVE` seconds by force.

    A daemon that it has started, such as the Docker engine, has a session of its own, and continues.
    """

    def send(number: int) -> None:
        with suppress(OSError):  # it has ended
            if sys.platform == "win32":
                process.send_signal(number)
            else:
                os.killpg(process.pid, number)

    if process.poll() is not None:
        return
    try:
        send(INTERRUPT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(LEAVE)
    finally:  # even if Ctrl-C is pressed meanwhile
        if process.poll() is None:
            send(KILL)
        process.wait()


def _log_start(process: subprocess.Popen[bytes], args: Command, env: Variables | None) -> None:
    added = [f"{name}={value}" for name, value in masked(env or {}).items()]
    LOG.debug("[%d] $ %s", process.pid, shlex.join([*added, *map(str, args)]))


def _log_end(process: subprocess.Popen[bytes], begun: float) -> None:
    LOG.debug("[%d] exit status %s after %.2f s", process.pid, process.returncode, time.monotonic() - begun)
