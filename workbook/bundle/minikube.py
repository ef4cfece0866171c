"""minikube's cache: what `minikube start` finds there, it does not download."""

import os
from pathlib import Path

KEPT_OUT = (".lock", ".part")


def cache() -> Path:
    """minikube's folder of downloads: `$MINIKUBE_HOME/.minikube/cache`, in the user's home where that is not set.

    `MINIKUBE_HOME` may also name the folder `.minikube` itself.

    Documentation: https://minikube.sigs.k8s.io/docs/handbook/offline/
    """
    home = Path(os.environ.get("MINIKUBE_HOME") or Path.home())
    return (home if home.name == ".minikube" else home / ".minikube") / "cache"


def download(home: Path, words: list[str]) -> dict[str, Path]:
    """Has minikube download all that its start needs into an empty home, which therefore has exactly that, and no more.

    That is how this knows no file names of any minikube: base image, images and binaries have moved within the cache
    from version to version.

    Args:
        home: an empty folder.
        words: `minikube`, and the arguments of the very start that is to work without a network.

    Returns:
        Path within the cache → the file.

    Documentation: https://minikube.sigs.k8s.io/docs/commands/start/
    """
    from workbook.base.processes import run
    from workbook.base.steps import step

    environment = {"MINIKUBE_HOME": str(home), "KUBECONFIG": str(home / "kubeconfig"), "MINIKUBE_IN_STYLE": "false"}
    with step("Have minikube download what its cluster is made of") as running:
        run([*words, "--download-only"], env=environment, show=True, timeout=3600, on_line=running.update)
    filled = home / ".minikube" / "cache"
    return {
        path.relative_to(filled).as_posix(): path
        for path in sorted(filled.rglob("*"))
        if path.is_file() and path.suffix not in KEPT_OUT
    }
