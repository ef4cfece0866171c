"""minikube's cache: `minikube start` does not download what it finds in this folder."""

import os
from pathlib import Path


def cache() -> Path:
    """Return minikube's folder of downloads: `.minikube/cache` in `$MINIKUBE_HOME`, or in the user's home.

    `MINIKUBE_HOME` may also name the folder `.minikube` itself.

    Documentation: https://minikube.sigs.k8s.io/docs/handbook/offline/
    """
    home = Path(os.environ.get("MINIKUBE_HOME") or Path.home())
    return (home if home.name == ".minikube" else home / ".minikube") / "cache"
