"""Run other programs: shown as a reader would type them, never through a shell, their failures explained."""

import os
import shlex
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from workbook.base.errors import WorkbookError

TAIL = 20


class CommandFailed(WorkbookError):
    """A program ended with an error; `output` is all it printed, `code` its exit status."""

    def __init__(self, args: Sequence[str], code: int, output: str, fix: str = "") -> None:
        self.code, self.output = code, output
        tail = "\n".join(output.strip().splitlines()[-TAIL:])
        super().__init__(f"`{typed(args)}` failed with exit status {code}.", tail, fix)


class Printed(str):
    """What a program printed: shown by a notebook as it is, and a text to compute with."""

    def __repr__(self) -> str:
        return str(self)


def typed(args: Sequence[str], env: Mapping[str, str] | None = None) -> str:
    """The command as a reader would type it: the program by its name, `env` in front."""
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
    """Runs a program to its end and returns what it printed (standard output and error, in order).

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
        WorkbookError: there is no such program.
    """
    words = [str(word) for word in args]
    if show:
        print(f"$ {typed(words, env)}", flush=True)
    try:
        process = subprocess.Popen(
            words,
            env={**os.environ, **(env or {})},
            text=True,
            encoding="utf-8",
            errors="replace",
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
    except FileNotFoundError:
        raise WorkbookError(f"The program `{words[0]}` is not installed.", fix=fix) from None
    with process:
        try:
            if on_line is None:
                output, _ = process.communicate(timeout=timeout)
            else:
                lines = []
                for line in process.stdout:
                    lines.append(line)
                    on_line(line.strip())
                output = "".join(lines)
                process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            output, _ = process.communicate()
            raise CommandFailed(words, -9, f"{output or ''}\n(killed after {timeout:.0f} s)", fix) from None
        except BaseException:
            process.kill()  # Ctrl-C: leave no program running behind the reader's back
            raise
    if process.returncode:
        raise CommandFailed(words, process.returncode, output, fix)
    return output


def attend(args: Sequence[str | Path], env: Mapping[str, str] | None = None) -> int:
    """Runs a program that has the terminal, until its end; returns its exit status.

    Ctrl-C is for that program to handle, since the terminal tells both; a SIGTERM is passed on to it.

    Args:
        args: the program and its arguments.
        env: variables added to the environment.
    """
    process = subprocess.Popen([str(word) for word in args], env={**os.environ, **(env or {})})
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    return process.wait()
