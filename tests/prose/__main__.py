"""Lint prose, or measure it: `python -m tests.prose [FILE …]`, `python -m tests.prose --figures`."""

import sys
from argparse import ArgumentParser
from pathlib import Path

from rich.console import Console

from tests.prose.figures import table
from tests.prose.vale import files, lint
from workbook.base.errors import WorkbookError
from workbook.base.streams import replace_missing_characters


def main() -> int:
    """Print the findings, and return 1 if there is an error among them; or print the figures."""
    parser = ArgumentParser(prog="python -m tests.prose", description=__doc__)
    parser.add_argument("files", nargs="*", type=Path, help="the files to lint; all of the repository when not given")
    parser.add_argument("--figures", action="store_true", help="measure notebooks and documents instead")
    options = parser.parse_args()
    replace_missing_characters()
    if options.figures:
        for title, suffix in (("notebooks", ".ipynb"), ("documents", ".md")):
            Console(width=120).print(table(title, [path for path in files() if path.suffix == suffix]))
        return 0
    found = lint([path.resolve() for path in options.files] or files())
    for finding in found:
        print(finding)
    return int(any(finding.is_error for finding in found))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except WorkbookError as error:
        sys.exit(f"\n{error}")
