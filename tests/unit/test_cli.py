"""The command line: its arguments, the Python in which a verb runs, and the arguments of other programs."""

import errno
import inspect
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import tests.__main__ as test_programs
from workbook.base.commands import for_this_system
from workbook.base.errors import WorkbookError
from workbook.base.paths import ROOT
from workbook.bundle import choose
from workbook.bundle.use import Bundle
from workbook.cli import main as cli
from workbook.cli import verbs
from workbook.machine import environment

GROUPS = {
    "learners": ["lab", "shell", "run", "status", "doctor", "up", "down", "clean"],
    "instructors": ["handout", "site", "bundle", "verify", "classroom", "class", "board"],
    "developers": [
        "record",
        "test",
        "mutants",
        "test-order",
        "faults",
        "offline",
        "class-test",
        "class-load",
        "matrix",
        "bench",
        "release",
    ],
}
VERBS = [verb for group in GROUPS.values() for verb in group]
PASSING_ON = ["test", "mutants", "test-order", "faults", "offline", "class-test", "class-load", "matrix", "bench"]
REQUIRED = {"classroom": ["learner-1"]}


@pytest.fixture
def started(home, monkeypatch):
    """The commands that were started instead of a verb's function, with their variables; this Python has the packages."""
    commands = []

    def attend(words, variables=None):
        commands.append(([str(word) for word in words], variables))
        return 0

    for module in (cli, verbs):
        monkeypatch.setattr(module, "attend", attend)
    for name in (choose.CHOSEN, choose.VERIFIED):
        monkeypatch.setenv(name, "")  # so that what main() sets is undone after the test
    monkeypatch.setattr(environment, "python", lambda *extras, offline=(): Path(sys.executable))
    monkeypatch.setattr(environment, "found", lambda *extras: Path(sys.executable))
    monkeypatch.setattr(environment, "link", lambda: None)
    monkeypatch.chdir(ROOT)
    return commands


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["nonsense"],
        ["lab", "x"],
        ["lab", "--port", "1"],
        ["doctor", "a", "b"],
        ["doctor", "--jsn"],
        ["doctor", "--js"],
        ["run", "--lf"],
        ["verify", "--bundl", "x"],
        ["verify", "--bundle"],
        ["classroom"],
    ],
    ids=" ".join,
)
def test_a_mistake_on_the_command_line_is_refused(words, started, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(words)
    assert ended.value.code == 2
    assert re.match(r"usage: (.|\n)+ error: ", capsys.readouterr().err)
    assert started == []


@pytest.mark.parametrize("words", [["lab", "03"], ["doctor", "--jsn"], ["run", "00", "--lf"]], ids=" ".join)
def test_a_mistake_after_a_verb_shows_what_the_verb_accepts(words, capsys):
    with pytest.raises(SystemExit):
        cli.parse(words)
    shown = capsys.readouterr().err
    assert re.match(rf"usage: .+ workbook {words[0]} \[-h\]", shown) and f"unrecognized arguments: {words[-1]}" in shown


def test_a_mistake_is_refused_by_a_python_without_packages():
    command = [sys.executable, "-S", "-m", "workbook", "doctor", "a", "b"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", errors="replace")
    assert done.returncode == 2 and "unrecognized arguments: a b" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(("words", "wanted"), [([], False), (["--class"], True)])
def test_a_bundle_is_made_for_a_class_on_request(words, wanted, started, monkeypatch):
    made = []
    monkeypatch.setattr("workbook.publish.bundle.bundle", lambda *, for_class: made.append(for_class))
    assert cli.main(["bundle", *words]) == 0 and made == [wanted]


def test_the_help_groups_the_verbs(capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(["--help"])
    shown = capsys.readouterr().out
    sections = re.findall(r"^for (\w+):\n((?:  .+\n)+)", shown, re.MULTILINE)
    assert ended.value.code == 0
    assert {title: re.findall(r"^  ([\w-]+)  +\w", lines, re.MULTILINE) for title, lines in sections} == GROUPS
    assert max(map(len, shown.splitlines())) <= 100


def test_the_makefile_and_the_readme_have_the_same_groups():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    groups = re.findall(r"^(LEARNER|INSTRUCTOR|DEVELOPER) := (.+)$", makefile, re.MULTILINE)
    assert {f"{title.lower()}s": verbs.split() for title, verbs in groups} == GROUPS
    readme = (ROOT / "notebooks" / "REFERENCE.md").read_text(encoding="utf-8")
    for title, group in GROUPS.items():
        _, found, rest = readme.partition(f"\n| for {title} | |\n|---|---|\n")
        rows = re.match(r"(\|.+\|\n)+", rest) if found else None
        assert rows, f"REFERENCE.md has no table for {title}"
        assert re.findall(r"`make ([\w-]+)", "".join(row.split("|")[1] for row in rows[0].splitlines())) == group


SLEEPING = """
import pathlib, runpy, sys, time
from workbook.cli import verbs
from workbook.machine import environment

def down(options):
    print("begun", flush=True)
    for _ in range(600):
        time.sleep(0.1)  # a signal that comes just before a sleep is only noticed after it

verbs.down, environment.link = down, lambda: None
environment.python = lambda *_, offline: pathlib.Path(sys.executable)
runpy.run_module("workbook", run_name="__main__")
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGTERM that a program can handle")
def test_sigterm_ends_a_verb_as_ctrl_c_does(home):
    command = [sys.executable, "-c", SLEEPING, "down"]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    ) as process:
        assert process.stdout.readline() == "begun\n"
        process.terminate()
        assert "Interrupted. Nothing is lost" in process.communicate(timeout=30)[1]
    assert process.returncode == 130


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_is_a_function(verb):
    options = cli.parse([verb, *REQUIRED.get(verb, [])])
    assert inspect.isfunction(options.run) and options.run.__module__ == verbs.__name__
    assert inspect.signature(options.run).return_annotation in (int, None)
    # `class` is a word of Python, so its function has an underscore.
    name = options.run.__name__.removesuffix("_").replace("_", "-")
    assert name == ("tests" if verb in verbs.TESTS else verb) and options.run.__doc__
    for extra in options.extras:
        assert environment.requirements(extra) != environment.requirements(), "pyproject.toml has no such extra"


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("spelling", [["--bundle", "a folder"], ["--bundle=a folder"]], ids=["two words", "one word"])
def test_a_bundle_is_named_in_either_spelling(verb, spelling):
    assert cli.parse([verb, *spelling, *REQUIRED.get(verb, [])]).folder == "a folder"


@pytest.mark.parametrize("spelling", [["--bundle", "{}"], ["--bundle={}"]], ids=["two words", "one word"])
def test_nothing_is_started_from_a_folder_that_is_no_bundle(spelling, started, tmp_path, capsys):
    assert cli.main(["lab", *(word.format(tmp_path) for word in spelling)]) == 1
    assert f"There is no bundle in {tmp_path}" in capsys.readouterr().err
    assert started == []


@pytest.mark.parametrize("verb", PASSING_ON)
def test_another_program_receives_its_arguments_unchanged(verb, started):
    given = ["-k", "x or y", "--lf", "notebooks/03_deploy-the-webapp.ipynb", "-x", "--maxfail=2", "-m", ""]
    assert cli.main([verb, *given]) == 0
    ((words, variables),) = started
    program = {"bench": ["bench"], "class-load": ["bench.load"]}.get(verb, ["tests", verb])
    assert words == [sys.executable, "-m", *program, *given]
    assert variables["PYTHONPATH"].startswith(str(ROOT))


@pytest.mark.parametrize("spelling", [["--bundle", "b"], ["--bundle=b"]], ids=["two words", "one word"])
@pytest.mark.parametrize("place", [0, 2, 3])
def test_a_bundle_is_distinguished_from_the_arguments_of_another_program(spelling, place):
    given = ["-k", "x", "--lf"]
    options = cli.parse(["test", *given[:place], *spelling, *given[place:]])
    assert (options.folder, options.arguments) == ("b", given)


def test_a_verb_continues_in_the_python_that_has_the_packages(started, monkeypatch, tmp_path):
    asked = []
    other = tmp_path / "bin" / "python"
    monkeypatch.setattr(environment, "python", lambda *extras, offline=(): asked.append((extras, offline)) or other)
    assert cli.main(["run", "03"]) == cli.main(["handout"]) == 0
    assert [words for words, _ in started] == [
        [str(other), "-m", "workbook", *words] for words in (["run", "03"], ["handout"])
    ]
    assert asked == [((), ()), (("handout",), ())]


def test_with_a_bundle_only_what_it_contains_is_installed_and_from_it_alone(started, monkeypatch):
    class Bundle:
        folder, packages, seal = Path("/bundle"), ["--no-index"], "a sum"

    asked = []
    monkeypatch.setattr(choose, "named", lambda path, *_: Bundle() if path == "/bundle" else None)
    monkeypatch.setattr(choose, "environment", lambda bundle: {choose.VERIFIED: str(bundle.folder)})
    python = Path(sys.executable)
    monkeypatch.setattr(environment, "python", lambda *extras, offline: asked.append((extras, offline)) or python)
    assert cli.main(["test", "--bundle=/bundle"]) == 0
    assert asked == [(("test",), ["--no-index"])]


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_refuses_another_bundle_than_the_sums(verb, started, tmp_path, monkeypatch, capsys):
    (tmp_path / "manifest.json").write_text("{}", encoding="utf-8")
    monkeypatch.setenv("WORKBOOK_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(environment, "python", lambda *_, **__: pytest.fail("packages were installed"))
    for given in ("0" * 64, ""):
        assert cli.main([verb, "--bundle", str(tmp_path), f"--sum={given}", *REQUIRED.get(verb, [])]) == 1
        assert "sum" in capsys.readouterr().err
    assert cli.main([verb, "--sum", "0" * 64, *REQUIRED.get(verb, [])]) == 1
    assert "but no bundle" in capsys.readouterr().err
    assert started == []


def test_the_next_python_learns_which_bundle_was_verified(started, monkeypatch, tmp_path):
    bundle = Bundle(tmp_path, {}, "5eal")
    given = []
    monkeypatch.setattr(choose, "named", lambda *words: given.append(words) or bundle)
    monkeypatch.setattr(environment, "python", lambda *_, **__: tmp_path / "bin" / "python")
    words = ["--bundle=b", "--sum", "5EAL", "-k", "x"]
    assert cli.main(["test", *words]) == 0
    ((command, _),) = started
    assert command[2:] == ["workbook", "test", "--verified=5eal", *words]
    assert cli.main(command[3:]) == 0
    assert given == [("b", "5EAL", ""), ("b", "5EAL", "5eal")]
    assert os.environ[choose.VERIFIED] == "5eal", "kernels accept no other"


def test_the_doctor_and_the_bundle_are_looked_at_without_an_installation(started, monkeypatch, capsys):
    monkeypatch.setattr(environment, "python", lambda *_, **__: pytest.fail("packages were installed"))
    shown = []
    monkeypatch.setattr("workbook.cli.doctor.doctor", lambda as_json: shown.append(as_json) or 1)
    assert cli.main(["doctor"]) == cli.main(["doctor", "--json"]) == 1
    assert shown == [False, True]
    assert cli.main(["verify"]) == 1
    assert "BUNDLE=" in capsys.readouterr().err


def test_an_error_is_short_unless_its_traceback_is_asked_for(started, monkeypatch, capsys):
    def fail(*extras, offline=()):
        raise WorkbookError("It failed.", "The disk is full.", "Make room.")

    monkeypatch.setattr(environment, "python", fail)
    monkeypatch.delenv("WORKBOOK_DEBUG", raising=False)
    assert cli.main(["up"]) == 1
    short = capsys.readouterr().err
    assert "The disk is full." in short and "Traceback" not in short
    monkeypatch.setenv("WORKBOOK_DEBUG", "1")
    assert cli.main(["up"]) == 1
    full = capsys.readouterr().err
    assert full.startswith("Traceback") and full.endswith(short)


def test_an_interruption_is_no_traceback(started, monkeypatch, capsys):
    def interrupt(*extras, offline=()):
        raise KeyboardInterrupt

    monkeypatch.setattr(environment, "python", interrupt)
    assert cli.main(["up"]) == 130
    assert "the same command continues" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "belongs", "advice"),
    [
        ("root/.venv/lib/a.py", "root/.venv", "`sudo chown -R {user} {place}`"),
        ("root/notebooks/03_a.ipynb", "root/notebooks", "`sudo chown -R {user} {place}`"),
        ("caches/kind/kubeconfig", "caches", "`sudo chown -R {user} {place}`"),
        ("caches/made/now", "caches", "`sudo chown -R {user} {place}`"),
        ("someone/.cache/pip", "someone/.cache", "`sudo chown -R {user} {place}`"),
        ("elsewhere/file", "", "accessible for your user"),
        ("root/mine/read-only", "", "accessible for your user"),
        ("caches/mine", "", "WORKBOOK_HOME"),
        ("", "", "WORKBOOK_HOME"),  # such as a home that does not exist, and cannot be made
    ],
)
def test_a_file_of_another_user_is_named_with_its_owner_and_the_command_that_helps(
    name, belongs, advice, started, monkeypatch, tmp_path, capsys
):
    """Files in the folder `belongs` do not belong to the user; files outside belong to neither."""
    path, user = tmp_path / name, os.geteuid()
    path.parent.mkdir(parents=True, exist_ok=True)
    lstat = Path.lstat
    foreign = tmp_path / (belongs or "elsewhere")

    def owned(place):
        values = list(lstat(place))
        values[4] = user + 1 if foreign in (place, *place.parents) else user
        return os.stat_result(values)

    def refuse(*extras, offline=()):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "lstat", owned)
    monkeypatch.setattr(cli, "ROOT", tmp_path / "root")
    monkeypatch.setenv("WORKBOOK_HOME", str(tmp_path / "caches"))
    monkeypatch.setenv("HOME", str(tmp_path / "someone"))
    monkeypatch.setattr(environment, "python", refuse)
    assert cli.main(["up"]) == 1
    error = capsys.readouterr().err
    assert f"This user may not use {path}.\nWhy: Permission denied: {foreign if belongs else ''}" in error
    assert (
        for_this_system(advice.format(user=user, place=shlex.quote(str(foreign)))) in error and "Traceback" not in error
    )
    assert belongs or "chown" not in error


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0 or not shutil.which("setpriv"), reason="needs root")
@pytest.mark.parametrize("place", ["caches", "project"])
def test_what_root_has_left_is_told_to_another_user(place, tmp_path):
    """A real user without rights, in a Python without packages; it may read this Python, which root's home may contain."""
    project, caches = tmp_path / "project", tmp_path / "caches"
    for name in ("workbook", "node", "locks"):
        shutil.copytree(ROOT / name, project / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", project)
    caches.mkdir()
    for path in (project, *project.rglob("*"), caches):
        os.chown(path, 65534, 65534)
    for path in {"caches": [caches], "project": [project]}[place]:
        os.chown(path, 0, 0)
    capability = ["--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search"]
    user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *capability]
    done = subprocess.run(
        [*user, Path(sys._base_executable).resolve(), "-S", "-m", "workbook", "up"],
        cwd=project,
        env={"PATH": os.environ["PATH"], "WORKBOOK_HOME": str(caches), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        encoding="utf-8",
        errors="replace",
    )
    left = {"caches": caches, "project": project}[place]
    assert done.returncode == 1 and "Traceback" not in done.stderr, done.stderr
    assert f"Permission denied: {left} belongs to root." in done.stderr
    assert f"chown -R 65534 {shlex.quote(str(left))}" in done.stderr, done.stderr


@pytest.mark.parametrize("number", [errno.EROFS, errno.ENOSPC, errno.EDQUOT], ids=os.strerror)
def test_a_disk_that_takes_no_file_is_a_finding(number, started, monkeypatch, capsys):
    def refuse(*extras, offline=()):
        raise OSError(number, os.strerror(number), "packages.lock")

    monkeypatch.setattr(environment, "python", refuse)
    assert cli.main(["up"]) == 1
    error = capsys.readouterr().err
    assert f"{os.strerror(number)}: packages.lock" in error and "WORKBOOK_HOME" in error and "Traceback" not in error


def test_another_failure_of_the_system_keeps_its_traceback(started, monkeypatch):
    def refuse(*extras, offline=()):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(environment, "python", refuse)
    with pytest.raises(OSError, match="Input/output"):
        cli.main(["up"])


def test_a_refusal_that_is_about_no_file_is_no_finding(started, monkeypatch):
    def refuse(*extras, offline=()):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(environment, "python", refuse)
    with pytest.raises(PermissionError):
        cli.main(["up"])


def test_another_python_does_not_inherit_pythonhome(started, monkeypatch, tmp_path):
    """With PYTHONHOME, the other Python would use this one's libraries, find no packages, and start itself again and again."""
    seen = []
    monkeypatch.setenv("PYTHONHOME", sys.base_prefix)
    monkeypatch.setattr(environment, "python", lambda *extras, offline=(): tmp_path / "bin" / "python")
    monkeypatch.setattr(cli, "attend", lambda *_: seen.append(os.environ.get("PYTHONHOME")) or 0)
    assert cli.main(["up"]) == 0 and seen == [None]


@pytest.fixture
def files(started, monkeypatch, tmp_path):
    """A workbook in a separate folder, its environment, and its folder of caches."""
    root, caches = tmp_path / "root", tmp_path / "caches"
    venv = root / ".venv"
    venv.mkdir(parents=True)
    for module in (cli, environment):
        monkeypatch.setattr(module, "ROOT", root)
    monkeypatch.setattr(environment, "VENV", venv)
    monkeypatch.setenv("WORKBOOK_HOME", str(caches))
    monkeypatch.setattr(environment, "python", lambda *extras, offline=(): venv / "bin" / "python")
    return root, venv, caches


def test_clean_installs_nothing_where_nothing_was_made(files, started):
    _, venv, _ = files
    assert cli.main(["clean"]) == 0
    assert started == [] and not venv.exists()


def test_clean_removes_its_own_files_last(files, started, monkeypatch):
    root, venv, caches = files
    caches.mkdir()
    monkeypatch.setattr(cli, "attend", lambda *_: 1)
    assert cli.main(["clean"]) == 1
    assert venv.exists() and caches.exists(), "removed although clean failed"
    passed = []
    monkeypatch.setattr(cli, "attend", lambda words, _: passed.append(words[3:]) or 0)
    assert cli.main(["clean"]) == 0
    assert passed == [["clean", "--keep-files"]]
    assert list(root.iterdir()) == [] and not caches.exists()


def test_clean_in_its_own_environment_keeps_only_that(files, started, monkeypatch, capsys):
    root, venv, caches = files
    caches.mkdir()
    monkeypatch.setattr(sys, "prefix", str(venv))
    monkeypatch.setattr("workbook.cli.clean.clean", lambda: None)
    assert cli.main(["clean", "--keep-files"]) == 0 and caches.exists(), "another process removes the files"
    for _ in range(2):
        assert cli.main(["clean"]) == 0
        printed = capsys.readouterr().out
        assert f"Keeping {venv}" in printed and "`deactivate`, then" in printed and "Nothing of" not in printed
    assert list(root.iterdir()) == [venv] and not caches.exists()


def test_clean_in_an_active_environment_takes_the_link_back_and_keeps_the_environment(files, monkeypatch, tmp_path):
    root, _, caches = files
    active = tmp_path / "active"
    active.mkdir()
    caches.mkdir()
    (active / "theirs.pth").touch()
    (active / "kubernetes-workbook.pth").write_text(f"{root}\n", encoding=environment.PTH)
    monkeypatch.setattr(environment.sysconfig, "get_path", lambda name: str(active))
    monkeypatch.setattr(environment, "python", lambda *extras, offline=(): Path(sys.executable))
    monkeypatch.setattr("workbook.cli.clean.clean", lambda: None)
    assert cli.main(["clean"]) == 0
    assert [path.name for path in active.iterdir()] == ["theirs.pth"]
    assert list(root.iterdir()) == [] and not caches.exists()


@pytest.mark.parametrize(
    ("verb", "expected"),
    [
        ("test", ["--nbval", "-k", "x", "--lf"]),
        ("mutants", ["--nbval", "tests/mutants", "-m", "", "-k", "x", "--lf"]),
        ("test-order", ["--nbval", "tests/order", "-m", "", "-k", "x", "--lf"]),
        ("faults", ["--nbval", "tests/faults", "-m", "", "-k", "x", "--lf"]),
    ],
)
def test_pytest_receives_the_folder_of_a_verb_and_the_arguments(verb, expected, monkeypatch):
    received = []
    monkeypatch.setattr(test_programs.pytest, "main", lambda words: received.append(words) or 0)
    monkeypatch.setattr(sys, "argv", ["tests", verb, "-k", "x", "--lf"])
    monkeypatch.chdir(ROOT)
    assert test_programs.main() == 0
    assert received == [expected]


def test_a_machine_that_cannot_be_without_a_network_is_refused(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["tests", "offline"])
    monkeypatch.setattr(test_programs.shutil, "which", lambda name, path=None: None if name == "iptables" else name)
    with pytest.raises(WorkbookError, match=r"needs root on Linux(.|\n)*Missing: iptables"):
        test_programs.main()


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "cp437"])
def test_no_character_ends_a_command(encoding):
    """As on Windows, where redirected output has the encoding of the console."""
    code = r"import sys; from workbook.cli import main as cli; cli._run = lambda *_: print('\u2713 \u2192') or 0; sys.exit(cli.main(['lab']))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONIOENCODING": encoding},
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        cwd=ROOT,
    )
    assert (done.returncode, done.stderr) == (0, "")
