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
