"""A bundle: one folder with everything that a class needs without a network. `make bundle` writes it to build/bundle/.

`make lab BUNDLE=folder SUM=…` first verifies the whole bundle, then sets up from it alone: no registry and no package
index is asked. Every other verb accepts both as well.

The checksums in a bundle protect against damage. A person who changes a bundle on purpose can change them, too; `SUM`, the
checksum of manifest.json that `make bundle` has printed, is compared before anything in the bundle is believed, and covers
all others. The variables `WORKBOOK_BUNDLE` and `WORKBOOK_BUNDLE_VERIFIED` pass the folder and that checksum on to child
processes, such as kernels and pytest: they accept no other manifest, and read no file again. A command itself always reads
all files, whatever the variables say. A person who can set variables for a kernel can also change what it runs.

The format, version 1 (`manifest.FORMAT`):

| path | content |
|---|---|
| manifest.json | the keys below; sorted and without times, so that equal contents have an equal checksum |
| manifest.json.sha256 | the checksum of manifest.json, as `sha256sum -c` reads it |
| workbook.tar.gz | the workbook itself, to be unpacked where it is to run |
| wheels/ | the Python packages that locks/ pins, for `pip --no-index --require-hashes` |
| images/ | container images for `docker load`: the node's, and the base images of the applications; for a class, those with the packages of its hub and its desks, and the network plugin |
| bin/ | kind, or minikube |
| minikube/ | files for the cache of exactly that minikube: its base image, other images, binaries, and a kubectl |
| sbom.cdx.json | what all these contain, with versions and checksums, for scanners: see `workbook.publish.sbom` |
| handout/ | the handout, if `make handout` was run before |

The keys of manifest.json:

| key | value |
|---|---|
| format | the version of the format; a workbook reads only the version that it writes |
| machine | the `system`, `architecture` and `python` that wheels and programs are for; other machines refuse the bundle |
| workbook | the version of the workbook that made the bundle |
| wants | name → what the workbook requires under that name, for a class only if the bundle was made for one; a workbook with other requirements refuses the bundle |
| provider | `kind` or `minikube` |
| images | purpose → `tag` and `file`; for the node's image also `official`: whether it is kind's own |
| files | path → `sha256` and `size` in bytes of each file, except the manifest and its checksum |

Anyone may have written a manifest. It is refused unless each key and each type is the expected one, each path is one of
the above, and each image's archive is one of the bundle's: see `read`. Links, pipes and unknown files are refused, too.

The base image for Python contains the wheels of the applications, and an /etc/pip.conf that names them. This way, the
Dockerfiles build without a network, and without a change. Images have tags of their own, `workbook-PURPOSE:bundle-…`:
nothing uses them without a bundle, and `make clean` removes them.

The modules of this package use only the standard library, because they run before any package is installed.
"""
