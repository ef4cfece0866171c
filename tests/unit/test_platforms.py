"""The unit tests pass on unusual machines, with all circumstances at once, in another process.

As on Windows, names of files are UTF-8, while text without an encoding is CP1252, and so is what Python prints. The folder has
a space and an umlaut in its name. A folder on PATH may not be read, which matters to all users but root. There is no engine.
"""

import os
import shutil
import subprocess

import pytest

from tests import sessions

LOCALE = "en_US.CP1252"
CIRCUMSTANCES = {
    "LC_ALL": "C.UTF-8",
    "PYTHONUTF8": "0",
    "PYTHONIOENCODING": "cp1252",
    "DOCKER_HOST": "tcp://127.0.0.1:1",
}
AT_START = f"import locale\nlocale.setlocale(locale.LC_CTYPE, {LOCALE!r})\n"
"""For sitecustomize.py, which Python runs after it has chosen the encoding of file names."""
NOT_AGAIN = ("platforms", "needs", "engine_build", "engine_pull", "kube_watch", "page", "port_forward", "wait")
"""The modules whose tests start pytest themselves, or take long and only concern a network."""


@pytest.fixture
def locales(tmp_path):
    """A folder with the locale, which is created here, since few systems have it."""
    if not shutil.which("localedef"):
        pytest.skip("the program localedef is not installed")
    (tmp_path / "locales").mkdir()
    command = ["localedef", "--inputfile=en_US", "--charmap=CP1252", tmp_path / "locales" / LOCALE]
    if subprocess.run(command, capture_output=True).returncode:
        pytest.skip("localedef has no sources: on Debian and Ubuntu, they are in the package locales")
    return tmp_path / "locales"


@pytest.mark.usefixtures("unmeasured")
def test_the_unit_tests_pass_in_unusual_circumstances(tmp_path, locales):
    folder = tmp_path / "Jürgen Müller"
    copy = sessions.copy_repository(folder / "workbook")
    for name, mode in {"unreadable": 0o000, "scratch": 0o700, "site": 0o700}.items():
        (folder / name).mkdir(mode)
    (folder / "site" / "sitecustomize.py").write_text(AT_START, encoding="utf-8")
    paths = {"PYTHONPATH": folder / "site", "TMPDIR": folder / "scratch", "LOCPATH": locales}
    paths["WORKBOOK_HOME"] = tmp_path / "caches"  # IPython decodes what `!env` prints as CP1252, which UTF-8 is not
    done = sessions.pytest(
        "tests/unit",
        *(f"--ignore=tests/unit/test_{module}.py" for module in NOT_AGAIN),
        cwd=copy,
        **CIRCUMSTANCES,
        **{name: str(path) for name, path in paths.items()},
        PATH=f"{folder / 'unreadable'}{os.pathsep}{os.environ['PATH']}",
    )
    (folder / "unreadable").chmod(0o700)  # so that it can be removed
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-1000:]
