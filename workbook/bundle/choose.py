"""A bundle: everything that a class needs without a network, in one folder. `make bundle` writes it to build/bundle/.

`make lab BUNDLE=folder`, and every other verb so, first verifies it whole, then runs from it alone: no registry and no
package index is asked. Underneath is one variable, `WORKBOOK_BUNDLE`, which kernels and pytest inherit.

The format, version 1 (`manifest.FORMAT`):

| path | what it is |
|---|---|
| manifest.json | all that is said below; sorted keys, no times, so that the same inputs give the same sum |
| manifest.json.sha256 | its sum, as `sha256sum -c` reads it |
| workbook.tar.gz | the workbook itself, to be unpacked where it is to run |
| wheels/ | the Python packages that it was made with, and what builds the workbook's own, for `pip --no-index` |
| images/ | container images for `docker load`: the node's, and the bases of the applications |
| bin/ | kind and kubectl, or minikube |
| minikube/ | what belongs into minikube's cache for exactly that minikube: base image, images, binaries |
| handout/ | the handout, where one was printed |

The manifest's keys:

| key | value |
|---|---|
| format | a number; a workbook reads the one that it writes |
| machine | `system`, `architecture` and `python` that wheels and programs are for; a bundle fits no other |
| workbook | the version it comes from |
| wants | name → what the workbook asks for under that name; a bundle fits no workbook that asks for something else |
| provider | `kind` or `minikube` |
| images | purpose → `tag`, `file`, and for the node's image `official`, as kind's provider tells |
| files | path → `sha256` and `size` in bytes of each file, but for the manifest and its sum |

The base image for Python carries the wheels of the applications and an /etc/pip.conf that names them, so the Dockerfiles
build without a network as they stand. Images have tags of their own, `workbook-PURPOSE:bundle-…`, which no run without
a bundle looks for, and which `make clean` removes.

Only `making` and `images` need packages; what verifies uses nothing but the standard library, because it comes first.
"""

import os
from functools import cache
from pathlib import Path

from workbook.base.errors import WorkbookError
from workbook.bundle import verify as verifying
from workbook.bundle.use import Bundle

CHOSEN = "WORKBOOK_BUNDLE"
VERIFIED = "WORKBOOK_BUNDLE_VERIFIED"
"""The sum of the manifest of which a process above this one has verified every file."""


def chosen() -> Bundle | None:
    """The bundle that `WORKBOOK_BUNDLE` names, verified; None when it names none.

    A command verifies it once, and tells so to the processes that it starts.

    Raises:
        WorkbookError: it is damaged, or made for another machine or workbook; see `verifying`.
    """
    return _verified(Path(path).expanduser().resolve()) if (path := os.environ.get(CHOSEN)) else None


@cache
def _verified(folder: Path) -> Bundle:
    if os.environ.get(VERIFIED) == (there := verifying.seal(folder)):
        from workbook.bundle.manifest import read

        return Bundle(folder, read(folder))
    manifest = verifying.verify(folder)
    os.environ[CHOSEN], os.environ[VERIFIED] = str(folder), there
    return Bundle(folder, manifest)


def verify() -> None:
    """What `make verify` does: the bundle has been verified by now, as before every verb.

    Raises:
        WorkbookError: none is named.
    """
    if chosen() is None:
        raise WorkbookError("Which bundle?", fix="Say `make verify BUNDLE=build/bundle`.")
