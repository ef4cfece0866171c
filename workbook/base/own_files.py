"""The workbook's own files, which a bundle and the image of a learner's desk contain."""

import shutil
import tarfile
from pathlib import Path

from workbook.base.errors import WorkbookError
from workbook.base.paths import ROOT
from workbook.base.processes import read


def own_files(packed: Path | None = None) -> list[Path]:
    """Return the workbook's own files, sorted: only those that git tracks, since a reader's secrets may be next to them.

    Args:
        packed: an archive of them, from a bundle. Where this folder is not a clone, the names in it decide.

    Raises:
        WorkbookError: this folder is not a clone or git is not installed, and there is no archive.
    """
    if (ROOT / ".git").exists() and shutil.which("git"):
        # This also works for root in another user's folder: https://git-scm.com/docs/git-config#Documentation/git-config.txt-safedirectory
        names = read(["git", "-c", "safe.directory=*", "-C", ROOT, "ls-files", "-z"]).split("\0")
    elif packed:
        with tarfile.open(packed) as archive:
            names = [name.partition("/")[2] for name in archive.getnames()]
    else:
        raise WorkbookError(
            "The workbook's files can only be packed in a git clone of the workbook.",
            f"Only git knows which files in {ROOT} belong to the workbook, and no other files may be packed.",
            "Install git, and clone the workbook with it.",
        )
    return sorted(path for name in names if name and (path := ROOT / name).is_file() and not path.is_symlink())
