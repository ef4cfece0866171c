"""Running other programs, and explaining their failures."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from workbook.base import processes
from workbook.base.errors import WorkbookError
from workbook.base.paths import ROOT
from workbook.base.polling import poll
from workbook.base.processes import CommandFailed, attend, read, run, typed

PYTHON = [sys.executable, "-I", "-S", "-c"]
"""Python without packages, which starts and prints long before a timeout of a second, even on a busy machine."""
SLEEP = "import time; time.sleep(60)"
STARTS_CHILDREN = f"""
import subprocess, sys, time
for own_session in (False, True):
    child = subprocess.Popen({PYTHON} + ["{SLEEP}"], start_new_session=own_session)
    print(child.pid, flush=True)
"""
"""A program that starts two children, which inherit its pipes, and prints their process IDs."""


@contextmanager
def soon() -> Iterator[None]:
    """Fail if the block takes nearly as long as the minute that the programs sleep."""
    begun = time.monotonic()
    yield
    assert time.monotonic() - begun < 45


def runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def require_end(pids: list[int]) -> None:
    assert len(pids) == 2
    poll(lambda: not any(map(runs, pids)), timeout=30)


def test_output_in_order_and_lines_as_they_come():
    seen = []
    script = "import sys; print('out', flush=True); print('err', file=sys.stderr)"
    assert run([sys.executable, "-c", script], on_line=seen.append) == "out\nerr\n"
    assert seen == ["out", "err"]


def test_all_lines_come_of_a_program_that_prints_much_and_ends(monkeypatch):
    monkeypatch.setattr(processes, "LARGEST", 10)
    seen = []
    run([*PYTHON, "print('\\n'.join(f'line {n}' for n in range(1000)), end='')"], on_line=seen.append)
    assert seen == [f"line {n}" for n in range(1000)]


def test_no_file_is_left_where_an_open_one_cannot_be_deleted(monkeypatch, tmp_path):
    """As on Windows."""
    unlink, refused = Path.unlink, []

    def unlink_closed(path, **options):
        if str(path) in [file.path for file in psutil.Process().open_files()]:
            refused.append(path)
            raise PermissionError
        unlink(path, **options)

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path.resolve()))
    monkeypatch.setattr(Path, "unlink", unlink_closed)
    assert run([*PYTHON, "print('out')"]) == "out\n"
    assert len(refused) == 2 and list(tmp_path.iterdir()) == []


def test_a_failure_shows_the_end_of_its_output():
    script = "print('\\n'.join(f'line {n}' for n in range(100))); raise SystemExit(3)"
    with pytest.raises(CommandFailed) as caught:
        run([sys.executable, "-c", script], fix="Try another.")
    assert caught.value.code == 3
    assert (
        "line 99" in str(caught.value)
        and "line 9\n" not in str(caught.value)
        and "Do:  Try another." in str(caught.value)
    )
    assert "line 9\n" in caught.value.output


def test_a_program_that_does_not_end_is_killed():
    with pytest.raises(CommandFailed, match="killed after 1 s"):
        run([*PYTHON, SLEEP], timeout=1)


def test_a_program_that_does_not_end_is_killed_while_its_lines_are_read():
    seen = []
    script = f"print('first', flush=True); print('second', end='', flush=True); {SLEEP}"
    with soon(), pytest.raises(CommandFailed, match="killed after 1 s") as caught:
        run([*PYTHON, script], timeout=1, on_line=seen.append)
    assert seen == ["first", "second"]
    assert caught.value.code == -9 and caught.value.output.startswith("first\nsecond\n")


def test_a_program_that_prints_without_end_is_killed():
    with soon(), pytest.raises(CommandFailed, match="killed after 1 s"):
        run([*PYTHON, "while True: print('again', flush=True)"], timeout=1, on_line=lambda line: None)


def test_a_program_that_closes_its_output_and_does_not_end_is_killed():
    script = f"import os; os.close(1); os.close(2); {SLEEP}"
    with soon(), pytest.raises(CommandFailed, match="killed after 1 s"):
        run([*PYTHON, script], timeout=1, on_line=lambda line: None)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signals to ignore")
def test_a_program_that_ignores_sigterm_is_killed():
    script = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEP}"
    with soon(), pytest.raises(CommandFailed, match="killed after 1 s"):
        run([*PYTHON, script], timeout=1)


@pytest.mark.parametrize("call", [run, read])
def test_children_end_with_a_program_that_is_killed(call):
    with soon(), pytest.raises(CommandFailed) as caught:
        call([*PYTHON, STARTS_CHILDREN + SLEEP], timeout=1)
    require_end([int(pid) for pid in caught.value.output.split()[:2]])


def test_a_program_ends_before_packages_are_installed(monkeypatch):
    with monkeypatch.context() as bare, soon(), pytest.raises(CommandFailed) as caught:
        bare.setitem(sys.modules, "psutil", None)
        run([*PYTHON, f"import os; print(os.getpid(), flush=True); {SLEEP}"], timeout=1)
    assert not runs(int(caught.value.output.split()[0]))


def test_children_end_when_the_caller_fails():
    pids = []

    def fail(line: str) -> None:
        pids.append(int(line))
        if len(pids) == 2:
            raise ValueError

    with soon(), pytest.raises(ValueError):
        run([sys.executable, "-c", STARTS_CHILDREN + SLEEP], on_line=fail)
    require_end(pids)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT to send to one process")
def test_children_end_with_ctrl_c():
    code = f"""
import signal
from workbook.base.processes import run
signal.signal(signal.SIGINT, signal.default_int_handler)  # jobs that a script starts in the background ignore it
run([{sys.executable!r}, "-c", {STARTS_CHILDREN + SLEEP!r}], on_line=lambda line: print(line, flush=True))
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as caller:
        pids = [int(caller.stdout.readline()) for _ in range(2)]
        caller.send_signal(signal.SIGINT)
        with soon():
            caller.wait()
    require_end(pids)


@pytest.mark.parametrize("options", [{}, {"on_line": lambda line: None}])
def test_a_process_that_is_left_behind_does_not_block(options):
    with soon():
        output = run([sys.executable, "-c", STARTS_CHILDREN + "print('end', end='')"], **options)
    *pids, end = output.split()
    assert end == "end"
    for pid in map(int, pids):
        assert runs(pid), "such as a daemon, which the program was asked to start"
        os.kill(pid, signal.SIGTERM)


def test_a_process_that_is_left_behind_and_prints_does_not_block():
    child = "import time\nfor _ in range(600): print('again', flush=True); time.sleep(0.1)"
    script = f"import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', {child!r}]).pid)"
    with soon():
        output = run([sys.executable, "-c", script], on_line=lambda line: None)
    os.kill(int(next(line for line in output.splitlines() if line.isdigit())), signal.SIGTERM)


def test_output_to_be_parsed_has_no_warnings_in_it():
    script = "import sys; print('a warning', file=sys.stderr); print('{}')"
    assert read([sys.executable, "-c", script]) == "{}\n"


def test_a_failure_shows_what_was_printed_as_an_error():
    script = "import sys; print('{}'); sys.exit('because')"
    with pytest.raises(CommandFailed, match=r"exit status 1(.|\n)*because(.|\n)*Do:  Try") as caught:
        read([sys.executable, "-c", script], fix="Try another.")
    assert caught.value.output == "{}\nbecause\n"


def test_large_output_on_both_pipes():
    script = "import sys; sys.stderr.write('e' * 1_000_000); print('o' * 1_000_000)"
    assert read([sys.executable, "-c", script]) == "o" * 1_000_000 + "\n"


def test_text_is_utf_8_with_plain_line_ends():
    script = r"import sys; sys.stdout.buffer.write('\u00fc\r\n\u2192\r'.encode() + b'\xff')"
    seen = []
    assert run([sys.executable, "-c", script], on_line=seen.append) == "ü\n→\n\ufffd"
    assert seen == ["ü", "→", "\ufffd"]


def test_a_program_that_is_not_there():
    with pytest.raises(WorkbookError, match=r"`no-such-program` is not installed(.|\n)*Get it"):
        run(["no-such-program"], fix="Get it.")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such rights")
@pytest.mark.parametrize("mode", [0o000, 0o600])
def test_a_program_that_may_not_be_executed_counts_as_not_there(tmp_path, monkeypatch, mode):
    """execve(2) reports EACCES instead of ENOENT if a folder on PATH may not be read, or a file on it not executed."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "no-such-program").write_text("", encoding="utf-8")
    (tmp_path / "bin" / "no-such-program").chmod(mode)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(WorkbookError, match=r"`no-such-program` is not installed(.|\n)*Get it"):
        run(["no-such-program"], fix="Get it.")


def test_no_shell_sees_the_words():
    assert run([sys.executable, "-c", "import sys; print(sys.argv[1])", "$(id); `id`"]) == "$(id); `id`\n"


def test_as_a_reader_types_it():
    assert (
        typed(["/opt/bin/kubectl", "get", "-o", "jsonpath={.a b}"], {"A": "b c"})
        == "A='b c' kubectl get -o 'jsonpath={.a b}'"
    )


def test_what_was_printed_before_comes_before_what_an_attended_program_prints():
    code = "import sys; from workbook.base.processes import attend; print('first'); attend([sys.executable, '-c', 'print(2)'])"
    env = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, encoding="utf-8")
    assert done.stdout.split() == ["first", "2"]


def test_attend_returns_the_exit_status_and_restores_the_handlers():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    assert attend([sys.executable, "-c", "import os; raise SystemExit(int(os.environ['CODE']))"], {"CODE": "3"}) == 3
    with pytest.raises((FileNotFoundError, PermissionError)):  # the latter where a folder on PATH may not be read
        attend(["no-such-program"])
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def handles_sigterm(pid: int) -> bool:
    """Whether a process has a handler of its own for this signal."""
    if sys.platform != "linux":
        time.sleep(0.5)  # only Linux shows it
        return True
    caught = re.search(r"^SigCgt:\s*(\w+)$", Path(f"/proc/{pid}/status").read_text(encoding="utf-8"), re.MULTILINE)
    return bool(int(caught[1], 16) >> (signal.SIGTERM - 1) & 1)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGTERM to pass on")
def test_attend_passes_sigterm_on():
    program = f"""
import signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
print("ready", flush=True)
{SLEEP}
"""
    code = (
        f"import sys; from workbook.base.processes import attend; sys.exit(attend([sys.executable, '-c', {program!r}]))"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as caller, soon():
        caller.stdout.readline()
        poll(
            lambda: handles_sigterm(caller.pid), timeout=30
        )  # attend() sets its handlers after the program has started
        caller.terminate()
        assert caller.wait() == 7
