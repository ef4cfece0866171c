"""The size of the last bundle that `make bundle` wrote."""

from argparse import Namespace
from collections.abc import Iterator

from bench.measuring import Row
from workbook.base.errors import WorkbookError
from workbook.bundle.manifest import wants
from workbook.bundle.read import read
from workbook.publish.bundle import FOLDER


def measure(options: Namespace) -> Iterator[Row]:
    """Add up the sizes of its files, if it fits this workbook."""
    try:
        bundle = read(FOLDER)
    except WorkbookError:
        bundle = None
    if bundle and bundle["wants"] in (wants(), wants(for_class=True)):
        size = sum(file["size"] for file in bundle["files"].values()) / 1e6
        if bundle["wants"] == wants():
            yield Row("size of the bundle", size, 650, "MB")
        else:
            yield Row("size of the bundle for a class", size, None, "MB")
    else:
        print("There is no bundle with the versions of this workbook: run `make bundle` first.")
