"""Other programs, run and explained."""

import sys

import pytest

from workbook.base.errors import WorkbookError
from workbook.base.processes import CommandFailed, run, typed


def test_output_in_order_and_lines_as_they_come():
    seen = []
    script = "import sys; print('out', flush=True); print('err', file=sys.stderr)"
    assert run([sys.executable, "-c", script], on_line=seen.append) == "out\nerr\n"
    assert seen == ["out", "err"]


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
        run([sys.executable, "-c", "import time; time.sleep(60)"], timeout=1)


def test_a_program_that_is_not_there():
    with pytest.raises(WorkbookError, match=r"`no-such-program` is not installed(.|\n)*Get it"):
        run(["no-such-program"], fix="Get it.")


def test_no_shell_sees_the_words():
    assert run([sys.executable, "-c", "import sys; print(sys.argv[1])", "$(id); `id`"]) == "$(id); `id`\n"


def test_as_a_reader_types_it():
    assert (
        typed(["/opt/bin/kubectl", "get", "-o", "jsonpath={.a b}"], {"A": "b c"})
        == "A='b c' kubectl get -o 'jsonpath={.a b}'"
    )
