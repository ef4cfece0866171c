"""`make lab`: JupyterLab, and the set-up next to it. Small programs take their places."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import psutil
import pytest

from workbook.base.paths import ROOT
from workbook.base.polling import poll
from workbook.cli import lab
from workbook.cluster.choose import Provider

LAB = """
import contextlib, signal, sys
from workbook.base import processes
from workbook.cli import lab

sys.stdout.reconfigure(encoding="utf-8")
processes.LEAVE = float(sys.argv[3])
signal.signal(signal.SIGTERM, signal.default_int_handler)
command = [sys.executable, "-c", sys.argv[1]]
lab.jupyterlab = lambda folder, file: contextlib.nullcontext((command, {}, "http://127.0.0.1:8888/lab?token=t"))
lab.set_up = lambda: [sys.executable, "-c", sys.argv[2]]
sys.exit(lab.lab())
"""
JUPYTERLAB = """
import signal, sys, time

answers = iter(["n", "y"])

def ask(*_):
    answer = next(answers)
    print("Shut down?", answer, flush=True)
    if answer == "y":
        sys.exit(3)

signal.signal(signal.SIGINT, ask)
print("JupyterLab listens", *sys.argv[1:], flush=True)
while True:
    time.sleep(0.05)
"""
"""A program that asks after each Ctrl-C, as JupyterLab does, whether it should stop; the second answer is yes."""
SET_UP = """
import os, pathlib, signal, subprocess, sys, time
from workbook.base.steps import step

signal.signal(signal.SIGTERM, signal.default_int_handler)  # as in workbook/__main__.py
sleep = [sys.executable, "-c", "import time; time.sleep(60)"]
with step("Compile etcd v3"):
    daemon, child = subprocess.Popen(sleep, start_new_session=True), subprocess.Popen(sleep)
    print(f"daemon={daemon.pid}; child={child.pid}; set-up={os.getpid()}; started", flush=True)
    ACTION
child.kill()
daemon.kill()
"""
"""A set-up that has started a daemon, such as the Docker engine, and a program, such as kind, before it does the action."""
TERMINAL = """
import os, pty, signal, sys
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # even if the tests run under nohup
sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))
"""
"""A program that runs another in a terminal of its own, which gets this program's input and prints to its output."""


class Terminal:
    """A terminal in which a lab runs, with a set-up that does `action` and has `leave` seconds to end."""

    def __init__(self, action: str, leave: float) -> None:
        words = [LAB, JUPYTERLAB, SET_UP.replace("ACTION", action), str(leave)]
        command = [sys.executable, "-c", TERMINAL, sys.executable, "-c", *words]
        env = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "cp1252"}  # as in a file on Windows
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env, cwd=ROOT)
        os.set_blocking(self.process.stdout.fileno(), False)
        self.printed = ""
        self.until("JupyterLab listens")
        [self.lab] = [child.pid for child in psutil.Process(self.process.pid).children()]
        pids = re.findall(r"([\w-]+)=(\d+);", self.until("; started"))
        self.started = {name: int(pid) for name, pid in pids}  # the set-up and its two programs

    def read(self) -> str:
        """All that was printed until now."""
        self.printed += (self.process.stdout.read() or b"").decode().replace("\r", "")
        return self.printed

    def until(self, text: str) -> str:
        """Wait until this is printed; return all that was printed."""
        poll(lambda: text in self.read(), timeout=60, every=0.05)
        return self.printed

    def press_ctrl_c(self) -> None:
        self.process.stdin.write(b"\x03")
        self.process.stdin.flush()

    def ended(self) -> int:
        """Wait until the lab has ended, and return its exit status."""
        status = self.process.wait(60)
        self.read()
        return status


@pytest.fixture
def start(home):
    """A function that opens such a terminal."""
    pytest.importorskip("pty", reason="Windows has no such terminals")
    opened = []

    def open_(action: str, leave: float = 20) -> Terminal:
        opened.append(Terminal(action, leave))
        return opened[-1]

    yield open_
    for terminal in opened:
        for pid in (terminal.lab, *terminal.started.values()):
            with contextlib.suppress(psutil.NoSuchProcess):
                psutil.Process(pid).kill()
        with terminal.process:
            terminal.process.kill()


def require_end(*pids: int) -> None:
    poll(lambda: not any(map(runs, pids)), timeout=30)


def runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_jupyterlab_opens_while_the_set_up_runs(start):
    terminal = start("time.sleep(60)")
    printed = terminal.read()
    assert printed.index("JupyterLab: http://127.0.0.1:8888/lab?token=t\n") < printed.index("· Compile etcd v3 (about ")
    assert runs(terminal.started["set-up"])


def test_a_failure_is_printed_and_jupyterlab_stays(start):
    terminal = start("raise SystemExit('There is no Docker engine.\\nDo:  Install Docker.')")
    printed = terminal.until("`begin(…)` tries")
    assert "There is no Docker engine.\nDo:  Install Docker.\n\nYou can read the notebooks" in printed
    assert runs(terminal.lab)


def test_a_set_up_that_ends_well_leaves_jupyterlab_alone(start):
    terminal = start("pass")
    require_end(terminal.started["set-up"])
    assert "✓ Compile etcd v3 (" in terminal.until("✓ Compile") and "You can read" not in terminal.read()
    assert runs(terminal.lab)


def test_ctrl_c_ends_both_after_jupyterlab_has_asked(start):
    terminal = start("time.sleep(60)")
    terminal.press_ctrl_c()
    terminal.until("Shut down? n")
    time.sleep(0.5)
    assert all(map(runs, terminal.started.values())), "the answer was no"
    terminal.press_ctrl_c()
    assert terminal.ended() == 3
    assert "Shut down? y" in terminal.printed and "✗ Compile etcd v3 (" in terminal.printed
    assert "You can read" not in terminal.printed
    require_end(terminal.started["set-up"], terminal.started["child"])
    assert runs(terminal.started["daemon"]), "the Docker engine stays"


def test_sigterm_ends_both(start):
    terminal = start("time.sleep(60)")
    os.kill(terminal.lab, signal.SIGTERM)
    terminal.ended()
    require_end(terminal.started["set-up"], terminal.started["child"])


def test_a_set_up_that_does_not_stop_is_killed(start):
    action = "signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
    terminal = start(action, leave=0.5)
    terminal.until("deaf")
    os.kill(terminal.lab, signal.SIGTERM)
    terminal.ended()
    require_end(terminal.started["set-up"], terminal.started["child"])


@pytest.mark.parametrize("end", ["the terminal is closed", "the lab is killed"])
def test_the_set_up_goes_on_when_the_lab_ends_without_a_chance_to_stop_it(start, home, end):
    terminal = start(f"time.sleep(2); pathlib.Path({str(home / 'done')!r}).touch()")
    os.kill(terminal.process.pid if end == "the terminal is closed" else terminal.lab, signal.SIGKILL)
    terminal.process.wait(30)
    poll((home / "done").exists, timeout=30)
    require_end(terminal.started["set-up"])


@pytest.mark.parametrize("terminal", [True, False])
def test_a_browser_is_opened_from_a_terminal_only(terminal, monkeypatch):
    started = []
    monkeypatch.setattr(lab, "background", lambda *words, **options: contextlib.nullcontext())
    monkeypatch.setattr(lab, "attend", lambda command, variables: started.append(command) or 3)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal)
    assert lab.lab() == 3
    assert ("--no-browser" in started[0]) != terminal


def test_the_set_up_does_not_verify_a_bundle_again(monkeypatch):
    assert lab.set_up()[1:] == ["-m", "workbook", "up"]
    monkeypatch.setattr(lab, "chosen", lambda: SimpleNamespace(seal="0123"))
    assert lab.set_up()[1:] == ["-m", "workbook", "up", "--verified=0123"]


@pytest.mark.parametrize("provider", list(Provider))
def test_jupyterlab_does_not_wait_for_libraries_that_it_does_not_need(home, provider):
    code = """
import sys
from workbook.cli.lab import ROOT, jupyterlab
with jupyterlab(ROOT, ""):
    print(sorted({"docker", "kubernetes", "pandas"} & sys.modules.keys()))
"""
    env = os.environ | {"WORKBOOK_CLUSTER": provider}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, stdout=subprocess.PIPE, encoding="utf-8")
    assert done.stdout == "[]\n"
