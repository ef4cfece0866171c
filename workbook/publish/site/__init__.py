"""The site: the recorded notebooks and the repository's pages as HTML, made by Sphinx. It works from a folder and from a server.

Documentation: https://www.sphinx-doc.org/, https://myst-nb.readthedocs.io/
"""

import shutil
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from sphinx.cmd.build import build_main

from workbook.base.errors import WorkbookError
from workbook.base.paths import ROOT
from workbook.publish import handout

FOLDER = ROOT / "build" / "site"
PAPERS = "downloads"
"""The folder of the site with the handout and the cheat sheet."""


def site() -> None:
    """Make the site in build/site, with the handout to download, and print its size.

    Raises:
        WorkbookError: Sphinx has a warning, a notebook was not recorded, or no browser is installed.
    """
    begun = time.monotonic()
    build(FOLDER)
    handout.make(ROOT / "build")  # where `make bundle` looks for it
    (FOLDER / PAPERS).mkdir()
    for name in handout.FILES:
        shutil.copyfile(ROOT / "build" / name, FOLDER / PAPERS / name)
    size = sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file())
    print(f"✓ {FOLDER / 'index.html'} ({size / 1e6:.1f} MB)")
    print(f"Made in {time.monotonic() - begun:.0f} s.")


def build(folder: Path) -> None:
    """Make the pages of the site in `folder`, which is emptied first.

    Raises:
        WorkbookError: Sphinx has a warning, such as a link that leads nowhere.
    """
    shutil.rmtree(folder, ignore_errors=True)
    strict = ["--fail-on-warning", "--nitpicky", "--quiet", "--jobs=auto"]
    with TemporaryDirectory() as scratch:  # nothing is kept for the next build, which takes few seconds anyway
        places = [
            f"--conf-dir={Path(__file__).with_name('sphinx')}",
            f"--doctree-dir={scratch}",
            str(ROOT),
            str(folder),
        ]
        if build_main([*strict, *places]):
            fix = "Correct the pages that its messages above name."
            raise WorkbookError("Sphinx could not make the site.", fix=fix)
