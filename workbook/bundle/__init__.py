"""A bundle: one folder with everything that a class needs without a network. `make bundle` writes it to build/bundle/.

`make lab BUNDLE=folder` first verifies the whole bundle, then sets up from it alone: no registry and no package index
is asked. Every other verb accepts it as well. The variable `WORKBOOK_BUNDLE` passes the choice on to child processes,
such as kernels and pytest.

The format, version 1 (`manifest.FORMAT`):

| path | content |
|---|---|
| manifest.json | the keys below; sorted and without times, so that equal contents have an equal checksum |
| manifest.json.sha256 | the checksum of manifest.json, as `sha256sum -c` reads it |
| workbook.tar.gz | the workbook itself, to be unpacked where it is to run |
| wheels/ | the Python packages that locks/ pins, for `pip --no-index --require-hashes` |
| images/ | container images for `docker load`: the node's, and the base images of the applications |
| bin/ | kind and kubectl, or minikube |
| minikube/ | files for the cache of exactly that minikube: its base image, other images, binaries |
| handout/ | the handout, if `make handout` was run before |

The keys of manifest.json:

| key | value |
|---|---|
| format | the version of the format; a workbook reads only the version that it writes |
| machine | the `system`, `architecture` and `python` that wheels and programs are for; other machines refuse the bundle |
| workbook | the version of the workbook that made the bundle |
| wants | name → what the workbook requires under that name; a workbook with other requirements refuses the bundle |
| provider | `kind` or `minikube` |
| images | purpose → `tag` and `file`; for the node's image also `official`: whether it is kind's own |
| files | path → `sha256` and `size` in bytes of each file, except the manifest and its checksum |

The base image for Python contains the wheels of the applications, and an /etc/pip.conf that names them. This way, the
Dockerfiles build without a network, and without a change. Images have tags of their own, `workbook-PURPOSE:bundle-…`:
nothing uses them without a bundle, and `make clean` removes them.

The modules of this package use only the standard library, because they run before any package is installed.
"""
