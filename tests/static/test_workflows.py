"""The files in .github/: their commands exist, their actions are pinned, and they have no unnecessary rights."""

import re
import shlex
import shutil
import subprocess
import sysconfig

import pytest
import yaml

from tests.__main__ import FOLDERS
from tests.lock import HELD_BACK
from workbook.base.paths import ROOT
from workbook.cli.main import parse

GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
JOBS = {
    f"{path.stem}: {name}": job
    for path in WORKFLOWS
    for name, job in yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].items()
}
DEPENDABOT = yaml.safe_load((GITHUB / "dependabot.yml").read_text(encoding="utf-8"))
PINNED = re.compile(r"uses: [\w-]+/[\w./-]+@[0-9a-f]{40}  # v\d+(\.\d+)+$")
PUBLISHING = {
    "release: publish": {"contents": "write", "id-token": "write", "attestations": "write"},
    "release: pages": {"pages": "write", "id-token": "write"},
}
"""The jobs that may write, and what."""
TRACKED = ("locks/", "notebooks/", "tests/")
UPDATED = {
    "devcontainers": ".devcontainer/*.json",
    "github-actions": ".github/workflows/*.yml",
    "gomod": "go.mod",
    "pip": "*.txt",
}
"""The files that Dependabot reads in a folder, by its name for the package manager."""


def commands(job: dict) -> list[list[str]]:
    """The words of each command of a job."""
    scripts = [step["run"].replace("\\\n", " ") for step in job["steps"] if "run" in step]
    return [shlex.split(line, comments=True) for script in scripts for line in script.splitlines()]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_by_a_commit_with_its_version_in_a_comment(path):
    used = [
        line.strip().removeprefix("- ") for line in path.read_text(encoding="utf-8").splitlines() if "uses:" in line
    ]
    assert used
    assert [line for line in used if not PINNED.match(line)] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_has_no_rights_by_default(path):
    assert yaml.safe_load(path.read_text(encoding="utf-8"))["permissions"] == {}


@pytest.mark.parametrize("name", JOBS)
def test_a_job_reads_the_sources_for_a_limited_time(name):
    assert JOBS[name]["permissions"] == PUBLISHING.get(name, {"contents": "read"})
    assert JOBS[name]["timeout-minutes"] <= 90


@pytest.mark.parametrize("name", PUBLISHING)
def test_a_job_that_publishes_runs_for_a_tag_and_starts_no_program_of_the_repository(name):
    job = JOBS[name]
    assert job["if"] == "github.ref_type == 'tag'"
    assert not any("checkout" in step.get("uses", "") for step in job["steps"])
    assert {words[0] for words in commands(job)} <= {"gh", "mv"}


@pytest.mark.parametrize("job", JOBS.values(), ids=JOBS)
def test_the_verbs_and_files_that_a_job_names_exist(job):
    for words in commands(job):
        if words[0] == "make" and shutil.which("make"):
            run = subprocess.run(
                [*words, "--dry-run"], cwd=ROOT, capture_output=True, encoding="utf-8", errors="replace"
            )
            assert run.returncode == 0, run.stderr
            words = shlex.split(run.stdout)
        if words[1:3] == ["-m", "workbook"]:
            parse(words[3:])  # ends the process where the verb or an option does not exist
        if words[1:3] == ["-m", "tests"]:
            assert words[3] in FOLDERS
        for word in words:
            word = word.removeprefix("--ignore=")
            if word.startswith(TRACKED):
                assert any(ROOT.glob(word)), word


def test_the_badges_of_the_readme_show_workflows():
    badges = re.findall(r"actions/workflows/([^/)]+)/badge\.svg", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert badges and {*badges} <= {path.name for path in WORKFLOWS}


@pytest.mark.parametrize("update", DEPENDABOT["updates"], ids=lambda update: update["package-ecosystem"])
def test_dependabot_finds_what_it_updates(update):
    for folder in update.get("directories") or [update["directory"]]:
        found = list(ROOT.glob(f"{folder.strip('/')}/{UPDATED[update['package-ecosystem']]}".lstrip("/")))
        assert found, folder
    assert update["cooldown"]["default-days"] >= 7


def test_dependabot_holds_back_what_the_locks_hold_back():
    updates = {update["package-ecosystem"]: update for update in DEPENDABOT["updates"]}
    ignored = {rule["dependency-name"]: rule["versions"] for rule in updates["pip"]["ignore"]}
    assert ignored == {name: [f">={version}"] for name, version in (rule.split("<") for rule in HELD_BACK)}


@pytest.mark.parametrize(
    "linter",
    [["yamllint", "--strict"], ["zizmor", "--offline", "--quiet", "--no-progress"]],
    ids=lambda words: words[0],
)
def test_a_linter_finds_nothing(linter):
    program = shutil.which(linter[0], path=sysconfig.get_path("scripts"))
    if not program:
        pytest.skip(f"{linter[0]} is not installed: it is in the optional dependencies `dev` of pyproject.toml")
    done = subprocess.run(
        [program, *linter[1:], GITHUB], cwd=ROOT, capture_output=True, encoding="utf-8", errors="replace"
    )
    assert done.returncode == 0, done.stdout + done.stderr
