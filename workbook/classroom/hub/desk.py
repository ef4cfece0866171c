"""The program in the Pod of a learner's desk: it brings the files, starts Podman in the background, and becomes JupyterLab.

Podman takes the place of the Docker engine. It builds without rights on the node, with its own user namespace.
"""

import os
import shutil
import subprocess
from pathlib import Path

from workbook.base.paths import ROOT, home
from workbook.machine.jupyterlab import options
from workbook.machine.session import for_kernels

FOLDER = Path.home() / "workbook"
"""The learner's copy of the workbook. It is in a volume, so it stays when the Pod ends."""
OURS = ("workbook", "node", "locks", "pyproject.toml", "Makefile")
"""What each start replaces by the image's version. Everything else may contain a learner's work, and is only added."""
FIRST = "notebooks/00_start-here.ipynb"
REGISTRY = "registry.workbook-class:5000"
STORAGE = """\
[storage]
driver = "{driver}"
graphroot = "/var/lib/containers/storage"
runroot = "/run/containers/storage"
"""
REGISTRIES = """\
unqualified-search-registries = ["docker.io"]
[[registry]]
location = "{registry}"
insecure = true
[[registry]]
location = "docker.io"
[[registry.mirror]]
location = "{registry}"
insecure = true
"""
"""Podman's settings: base images come from the registry of the class, if it has them.

Documentation: https://github.com/containers/image/blob/main/docs/containers-registries.conf.5.md
"""
MOUNT = "mkdir -p {0}/lower {0}/upper {0}/work {0}/all && mount -t overlay none -o lowerdir={0}/lower,upperdir={0}/upper,workdir={0}/work {0}/all"


def main() -> None:
    """Prepare the desk, then replace this process by JupyterHub's server for one user.

    Documentation: https://jupyterhub.readthedocs.io/en/stable/explanation/singleuser.html
    """
    furnish(ROOT, FOLDER)
    registry = os.environ["WORKBOOK_REGISTRY"].partition("/")[0]
    start_engine(registry)
    # JupyterLab opens what was open before; the first time, it is the first notebook.
    visited = any((home() / "jupyter" / "workspaces").glob("*"))
    command = ["jupyterhub-singleuser", *options(), f"--ServerApp.root_dir={FOLDER}"]
    page = {} if visited else {"JUPYTERHUB_DEFAULT_URL": f"/lab/tree/{FIRST}"}
    os.chdir(FOLDER)
    os.execvpe(command[0], command, os.environ | for_kernels() | page | {"PYTHONPATH": str(FOLDER)})


def furnish(source: Path, target: Path) -> None:
    """Copy the workbook's files to a learner's folder. A file that the learner may have changed stays as it is."""
    for path in sorted(source.rglob("*")):
        name = path.relative_to(source)
        ours = name.parts[0] in OURS
        if path.is_file() and "__pycache__" not in name.parts and (ours or not (target / name).exists()):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target / name)


def start_engine(registry: str) -> None:
    """Start Podman with the interface of a Docker engine, and a way to the registry of the class.

    Args:
        registry: the address by which the nodes know the registry, a port on their loopback interface.

    Documentation: https://docs.podman.io/en/latest/markdown/podman-system-service.1.html
    """
    settings = Path("/etc/containers")
    settings.mkdir(exist_ok=True)
    driver = "overlay" if _may_mount(Path("/var/lib/containers")) else "vfs"
    (settings / "storage.conf").write_text(STORAGE.format(driver=driver), encoding="utf-8")
    (settings / "registries.conf").write_text(REGISTRIES.format(registry=registry), encoding="utf-8")
    logins = Path(os.environ["DOCKER_CONFIG"], "config.json")
    env = os.environ | {"BUILDAH_ISOLATION": "chroot", "REGISTRY_AUTH_FILE": str(logins)}
    port = registry.rpartition(":")[2]
    socat = ["socat", f"TCP-LISTEN:{port},bind=127.0.0.1,reuseaddr,fork", f"TCP:{REGISTRY}"]
    podman = ["podman", "--log-level=error", "system", "service", "--time=0", os.environ["DOCKER_HOST"]]
    for command in (socat, podman):
        subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL)


def _may_mount(folder: Path) -> bool:
    """Whether Podman may mount images on top of each other. Otherwise it has to copy them, which takes longer."""
    trial = folder / "trial"
    command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", MOUNT.format(trial)]
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    shutil.rmtree(trial, ignore_errors=True)
    return done.returncode == 0


if __name__ == "__main__":
    main()
