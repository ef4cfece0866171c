"""Vale, the prose linter, run on documents, notebooks and Python files. The rules are in tests/prose/styles."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from node.toolchain import go_program
from tests.prose.texts import SUFFIXES, texts
from workbook.base.paths import ROOT
from workbook.base.processes import read

PACKAGE = "github.com/vale-cli/vale/v3/cmd/vale@v3.22.0"


@dataclass(frozen=True)
class Finding:
    """What a rule has found: where (a line, or a cell of a notebook), by which rule, and what to write."""

    path: Path
    place: str
    rule: str
    message: str
    is_error: bool

    def __str__(self) -> str:
        path = self.path.relative_to(ROOT) if self.path.is_relative_to(ROOT) else self.path
        return f"{path}:{self.place}: {'' if self.is_error else 'warning: '}{self.message} ({self.rule})"


def program() -> Path:
    """Vale; compiles it if it is not in the workbook's cache. That takes one to two minutes.

    Raises:
        WorkbookError: Vale cannot be compiled, such as without a C compiler.
    """
    # Vale's parsers for programming languages are 0.8 GB of sources and objects, which are of no use after this.
    with TemporaryDirectory() as caches:
        return go_program(
            PACKAGE,
            "Install a C compiler: apt-get install gcc libc6-dev",
            CGO_ENABLED="1",
            GOMODCACHE=str(Path(caches, "modules")),
            GOCACHE=str(Path(caches, "build")),
        )


def files() -> list[Path]:
    """The repository's files with prose, except those that git ignores."""
    names = read(["git", "-c", "safe.directory=*", "-C", ROOT, "ls-files", "-z", "-co", "--exclude-standard"])
    paths = (ROOT / name for name in sorted(set(names.split("\0"))))
    return [path for path in paths if path.suffix in SUFFIXES and path.is_file()]


def lint(paths: Sequence[Path]) -> list[Finding]:
    """Apply all rules to these files; return what they find, in the order of the files."""
    found = []
    # Vale names a file and a line. So each text is a file of one line, and its number leads back to its place.
    with TemporaryDirectory() as folder:
        linted = [(path, text) for path in paths for text in texts(path)]
        for number, (_, text) in enumerate(linted):
            Path(folder, f"{number}.txt").write_text(text.text + "\n", encoding="utf-8")
        options = [f"--config={ROOT / '.vale.ini'}", "--no-global", "--no-exit", "--output=JSON"]
        own = {
            "XDG_CONFIG_HOME": f"{folder}/config",
            "XDG_DATA_HOME": f"{folder}/data",
        }  # else it leaves folders at home
        report = json.loads(read([program(), *options, folder], env=own))
    for name, alerts in sorted(report.items(), key=lambda item: int(Path(item[0]).stem)):
        path, text = linted[int(Path(name).stem)]
        for alert in alerts:
            rule = alert["Check"].rpartition(".")[2]
            found.append(Finding(path, text.place, rule, alert["Message"], alert["Severity"] == "error"))
    return found
