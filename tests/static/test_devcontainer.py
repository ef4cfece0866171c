"""The dev container: what it runs and opens exists, and its editor finds the workbook's environment."""

import json
import re
import shlex

from tests.lock import PYTHONS
from workbook.base.paths import ROOT
from workbook.cli.main import parse
from workbook.machine.environment import VENV

CONFIG = json.loads(
    re.sub("^ *//.*$", "", (ROOT / ".devcontainer/devcontainer.json").read_text(encoding="utf-8"), flags=re.MULTILINE)
)


def test_the_verbs_and_the_file_that_its_commands_name_exist():
    for program, *words in map(shlex.split, [CONFIG["onCreateCommand"], *CONFIG["postAttachCommand"].values()]):
        if program == "make":
            parse(words)  # ends the process where the verb does not exist
        else:
            assert program == "code" and (ROOT / words[0]).is_file()


def test_its_python_is_supported_and_the_editor_finds_the_environment():
    assert re.search(r":3-(3\.\d+)-", CONFIG["image"])[1] in PYTHONS
    interpreter = CONFIG["customizations"]["vscode"]["settings"]["python.defaultInterpreterPath"]
    assert interpreter == f"${{workspaceFolder}}/{VENV.relative_to(ROOT)}/bin/python"
