"""Find the files of the notebooks."""

import re
from collections.abc import Sequence
from pathlib import Path

from workbook.base.errors import WorkbookError
from workbook.base.paths import ROOT

NOTEBOOKS = ROOT / "notebooks"
CHAPTER = re.compile(r"\d\d_[a-z0-9-]+\.ipynb")
"""The names of the notebooks' files. Names of a reader's copies, such as `03_…-Copy1.ipynb`, do not match."""


def find(chosen: Sequence[str] = ()) -> list[Path]:
    """Return the notebooks in their order, or those with the `chosen` paths or numbers in the given order.

    Raises:
        WorkbookError: there is no such notebook.
    """
    existing = sorted(path for path in NOTEBOOKS.iterdir() if CHAPTER.fullmatch(path.name))
    found = []
    for word in chosen:
        matching = [path for path in existing if path.name == Path(word).name or path.name[:2] == word.zfill(2)]
        if not matching:
            names = ", ".join(path.name for path in existing)
            raise WorkbookError(f"There is no notebook {word!r}.", f"There are {names}.", "Correct its name or number.")
        found += matching
    return found if chosen else existing
