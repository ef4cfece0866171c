"""Steps: whole lines in a log, with regular details of long steps; live lines in a terminal."""

import os
import re
import subprocess
import sys

import pytest

from workbook.base import steps


def test_a_step_says_what_it_does_and_how_it_ended(capsys):
    with steps.step("Build it") as running:
        running.update("detail")
        running.result = "3 layers"
    begun, ended = capsys.readouterr().out.splitlines()
    assert begun == "· Build it …"
    assert ended.startswith("✓ Build it: 3 layers (") and ended.endswith(" s)")


def test_a_step_that_fails(capsys):
    with pytest.raises(ValueError), steps.step("Build it"):
        raise ValueError
    assert capsys.readouterr().out.splitlines()[1].startswith("✗ Build it (")


def test_a_long_one_shows_that_it_is_alive(capsys, monkeypatch):
    monkeypatch.setattr(steps, "HEARTBEAT", 0)
    with steps.step("Compile") as running:
        running.update("a package")
    assert "  … Compile: a package (0 s)" in capsys.readouterr().out.splitlines()


IN_A_TERMINAL = """
import threading, time
from workbook.base.steps import step

print("First")
with step("Outer"):
    with step("Inner") as running:
        running.update("[detail]")
        print("printed", flush=True)
        time.sleep(0.3)
print("between")

def act(title, seconds):
    with step(title) as running:
        time.sleep(seconds)
        running.result = "result"

threads = [threading.Thread(target=act, args=args) for args in (("Short", 0.5), ("Long", 1.5), ("Medium", 1))]
for thread in threads:
    thread.start()
    time.sleep(0.1)
for thread in threads:
    thread.join()
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pty module")
def test_nested_and_parallel_steps_in_a_terminal():
    import pty

    near, far = pty.openpty()
    env = {**os.environ, "TERM": "xterm", "PYTHONIOENCODING": "utf-8"}
    with subprocess.Popen([sys.executable, "-c", IN_A_TERMINAL], stdout=far, env=env):
        os.close(far)
        output = b""
        try:
            while data := os.read(near, 65536):
                output += data
        except OSError:  # Linux reports the end of a terminal as an error
            pass
    os.close(near)
    text = re.sub(r"\x1b\[[\d;]*m", "", output.decode())
    order = [
        "First",
        "printed",
        "✓ Inner (0.",
        "✓ Outer (",
        "between",
        "✓ Short: result (",
        "✓ Medium: result (",
        "✓ Long: result (",
    ]
    assert [text.count(line) for line in order] == [1] * len(order)
    places = [text.index(line) for line in order]
    assert places == sorted(places)
    assert re.search(r"Outer +0:00:00 +\r\n\S* Inner 0:00:00 \[detail]", text), "both lines of nested steps are shown"
    after = text[places[-3] :]  # the first of the parallel steps has ended
    assert re.search(r"\x1b\[2K\S* Long +0:00:0\d +\r\n\S* Medium +0:00:0", after), "the steps that still run are shown"
    assert re.search(r"\x1b\[2K\S* Long 0:00:01", text[places[-2] :]), "the last one too"
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l"), "the cursor is shown again"
