"""The workbook's own files, which a bundle and the image of a learner's desk contain."""

import shutil
from pathlib import Path

from workbook.base.errors import WorkbookError
from workbook.base.paths import ROOT
from workbook.base.processes import read


def own_files() -> list[Path]:
    """Return the workbook's own files, sorted: only those that git tracks, since a reader's secrets may be next to them.

    Raises:
        WorkbookError: git is not installed, or this folder is not a clone.
    """
    if not (ROOT / ".git").exists() or not shutil.which("git"):
        raise WorkbookError(
            "The workbook's files can only be packed in a git clone of the workbook.",
            f"Only git knows which files in {ROOT} belong to the workbook, and no other files may be packed.",
            "Install git, and clone the workbook with it.",
        )
    # This also works for root in another user's folder: https://git-scm.com/docs/git-config#Documentation/git-config.txt-safedirectory
    names = read(["git", "-c", "safe.directory=*", "-C", ROOT, "ls-files", "-z"]).split("\0")
    return sorted(path for name in names if name and (path := ROOT / name).is_file() and not path.is_symlink())
