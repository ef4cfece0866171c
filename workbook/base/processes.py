"""Run other programs: shown as a reader would type them, never through a shell, their failures explained."""

import codecs
import io
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import IO

from workbook.base.errors import WorkbookError
from workbook.base.log import LOG, masked

TAIL = 20
"""How many lines of a failed program's output an error shows."""
GRACE = 1
"""Seconds that a program has to end after SIGTERM, and that its pipes may stay open after its end."""


class CommandFailed(WorkbookError):
    """The failure of a program; `output` is all that it printed, `code` is its exit status."""

    def __init__(self, args: Sequence[str], code: int, output: str, fix: str = "") -> None:
        self.code, self.output = code, output
        tail = "\n".join(output.strip().splitlines()[-TAIL:])
        super().__init__(f"`{typed(args)}` failed with exit status {code}.", tail, fix)


class Printed(str):
    """What a program printed: a string that a notebook shows as text, without quotes."""

    def __repr__(self) -> str:
        return str(self)


def typed(args: Sequence[str], env: Mapping[str, str] | None = None) -> str:
    """The command as a reader would type it: the program by its name, with `env` in front."""
    words = [Path(args[0]).name.removesuffix(".exe"), *map(str, args[1:])]
    return " ".join([*(f"{key}={shlex.quote(value)}" for key, value in (env or {}).items()), shlex.join(words)])


def run(
    args: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    show: bool = False,
    cwd: Path | None = None,
    timeout: float = 600,
    on_line: Callable[[str], None] | None = None,
    fix: str = "",
) -> str:
    """Run a program to its end and return what it printed, for people (standard output and error, in order).

    On a timeout, Ctrl-C or an error in `on_line`, the program and all processes that it has started are ended. A
    process that the program leaves behind lives on, and is not waited for, even if it has inherited the output.

    Args:
        args: the program and its arguments; no shell sees them.
        env: variables added to the environment, shown in front of the command.
        show: print the command first.
        cwd: the folder it runs in; the current one when not given.
        timeout: seconds after which the program is killed.
        on_line: called with each line while it runs, to show progress.
        fix: what a reader should do when it fails.

    Raises:
        CommandFailed: the program ended with another status than 0, or did not end in time.
        WorkbookError: the program is not installed.
    """
    if show:
        print(f"$ {typed([str(word) for word in args], env)}", flush=True)
    return _output(args, env, cwd, timeout, fix, subprocess.STDOUT, on_line)


def read(
    args: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout: float = 600,
    fix: str = "",
) -> str:
    """Run a program to its end and return only its standard output, to be parsed.

    Arguments and errors are those of `run`; what the program prints to standard error only appears in `CommandFailed`.
    """
    return _output(args, env, cwd, timeout, fix, subprocess.PIPE)


def attend(args: Sequence[str | Path], env: Mapping[str, str] | None = None) -> int:
    """Run a program that uses the terminal to its end, and return its exit status.

    The program handles Ctrl-C, which the terminal sends to both processes; a SIGTERM is passed on to it.

    Args:
        args: the program and its arguments.
        env: variables added to the environment.
    """
    words, begun = [str(word) for word in args], time.monotonic()
    process = subprocess.Popen(words, env={**os.environ, **(env or {})})
    _log_start(process, words, env)
    on_interrupt = signal.signal(signal.SIGINT, signal.SIG_IGN)
    on_terminate = signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    try:
        return process.wait()
    finally:
        signal.signal(signal.SIGINT, on_interrupt)
        signal.signal(signal.SIGTERM, on_terminate)
        _log_end(process, begun)


def _output(
    args: Sequence[str | Path],
    env: Mapping[str, str] | None,
    cwd: Path | None,
    timeout: float,
    fix: str,
    stderr: int,
    on_line: Callable[[str], None] | None = None,
) -> str:
    """Implementation of `run` and `read`; `stderr` is `subprocess.STDOUT` or `subprocess.PIPE`."""
    words, begun = [str(word) for word in args], time.monotonic()
    try:
        process = subprocess.Popen(
            words,
            env={**os.environ, **(env or {})},
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            start_new_session=True,  # a process group, which can be ended as a whole; Windows ignores this
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
    except FileNotFoundError:
        raise WorkbookError(f"The program `{words[0]}` is not installed.", fix=fix) from None
    _log_start(process, words, env)
    output: list[str] = []
    errors: list[str] = []
    arrived: SimpleQueue[str | None] = SimpleQueue()
    pipes = [(pipe, parts) for pipe, parts in ((process.stdout, output), (process.stderr, errors)) if pipe]
    # Daemon threads: a process that the program has left behind may keep a pipe open.
    readers = [Thread(target=_collect, args=(*pipe, arrived), daemon=True) for pipe in pipes]
    try:
        for reader in readers:
            reader.start()
        _follow(process, arrived, len(pipes), on_line, timeout)
    except subprocess.TimeoutExpired:
        _end(process)
        for reader in readers:
            reader.join(GRACE)
        printed = "".join([*output, *errors])
        raise CommandFailed(words, -9, f"{printed}\n(killed after {timeout:.0f} s)", fix) from None
    except BaseException:  # Ctrl-C too: the terminal does not send it to another session
        _end(process)
        raise
    finally:
        _log_end(process, begun)
    if process.returncode:
        raise CommandFailed(words, process.returncode, "".join([*output, *errors]), fix)
    return "".join(output)


def _collect(pipe: IO[bytes], parts: list[str], arrived: SimpleQueue[str | None]) -> None:
    """Append what arrives in a pipe to `parts`, and put it into `arrived`; put None when the pipe is closed."""
    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder("utf-8")("replace"), translate=True)
    with pipe:
        opened = True
        while opened:
            data = os.read(pipe.fileno(), 65536)
            opened = bool(data)
            parts.append(text := decoder.decode(data, final=not opened))
            arrived.put(text)
    arrived.put(None)


def _follow(
    process: subprocess.Popen[bytes],
    arrived: SimpleQueue[str | None],
    pipes: int,
    on_line: Callable[[str], None] | None,
    timeout: float,
) -> None:
    """Pass lines to `on_line` until a program has ended and its pipes are closed, or `GRACE` has passed since its end.

    Raises:
        subprocess.TimeoutExpired: the program has not ended in time.
    """
    deadline, ended, rest = time.monotonic() + timeout, False, ""
    while pipes:
        if not ended and process.poll() is not None:
            deadline, ended = time.monotonic() + GRACE, True
        if time.monotonic() >= deadline:
            if ended:
                break
            raise subprocess.TimeoutExpired(process.args, timeout)
        try:
            text = arrived.get(timeout=0.1)
        except Empty:
            continue
        if text is None:
            pipes -= 1
        elif on_line:
            *lines, rest = (rest + text).split("\n")
            for line in lines:
                on_line(line.strip())
    if on_line and rest:
        on_line(rest.strip())
    process.wait(max(0, deadline - time.monotonic()))


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a program with SIGTERM or, after `GRACE` seconds, SIGKILL; then all processes that it has started."""
    kills: list[Callable[[], None]] = [process.kill]
    refused: tuple[type[Exception], ...] = (ProcessLookupError, PermissionError)  # macOS: only zombies are left
    if sys.platform != "win32":
        kills.append(partial(os.killpg, process.pid, signal.SIGKILL))
    with suppress(ModuleNotFoundError):
        import psutil  # here: before packages are installed, programs run without it, and only their group is ended

        refused = (*refused, psutil.Error)
        with suppress(psutil.Error):
            kills += [child.kill for child in psutil.Process(process.pid).children(recursive=True)]
    process.terminate()
    try:
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)
    finally:  # even if Ctrl-C is pressed again
        for kill in kills:
            with suppress(*refused):
                kill()
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)


def _log_start(process: subprocess.Popen[bytes], words: Sequence[str], env: Mapping[str, str] | None) -> None:
    added = [f"{name}={value}" for name, value in masked(env or {}).items()]
    LOG.debug("[%d] $ %s", process.pid, shlex.join([*added, *words]))


def _log_end(process: subprocess.Popen[bytes], begun: float) -> None:
    LOG.debug("[%d] exit status %s after %.2f s", process.pid, process.returncode, time.monotonic() - begun)
