"""The real kubectl, on the workbook's cluster: `%kubectl …` in a notebook, and functions for some of its commands."""

import re
import shlex
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from workbook.base.errors import WorkbookError
from workbook.base.paths import ROOT
from workbook.base.processes import CommandFailed, Printed, read, run
from workbook.cluster.choose import Provider, Settings
from workbook.cluster.current import api, current, open_cluster
from workbook.cluster.protocol import Cluster
from workbook.diagnosis.names import NAME_SERVICE
from workbook.engine.catalog import catalog
from workbook.kube.credentials import EXPIRED, LOG_IN

MANIFESTS = ROOT / "manifests"
FIXES = {
    "unable to listen on any of the requested ports": "Another program on this machine uses that port. Use another port "
    "before the colon; `port_forward(…)` picks a free one automatically.",
    "provided port is already allocated": "Another Service uses that node port. Use another, or leave out `nodePort` to "
    "get a free one.",
    "The cluster's name server": f"Check whether the cluster's name service is ready: {NAME_SERVICE}.",
    "You must be logged in to the server": f"{EXPIRED} {LOG_IN}",
    "the server has asked for the client to provide credentials": f"{EXPIRED} {LOG_IN}",
    "getting credentials: exec": LOG_IN,
}
"""Part of an error message → what to do about it."""
STRICT = re.compile('^Warning: would violate PodSecurity "restricted.*\n?', re.MULTILINE)
"""The warning that a class's cluster sends about each Pod of the chapter: see classroom/learner.yaml. A terminal shows it."""


class KubectlError(CommandFailed):
    """kubectl ended with an error; the message is what it printed, and a fix where one is known."""

    def __str__(self) -> str:
        return self.output.strip() + (f"\nDo:  {self.fix}" if self.fix else "")


def kubectl(*args: str, timeout: float = 120, how: Callable[..., str] = run) -> Printed:
    """Run kubectl on the workbook's cluster and namespace, and return what it printed.

    It runs in the repository's root, so a manifest is `manifests/NAME`, as in a terminal opened there.

    Args:
        args: its arguments, one word each: `kubectl("get", "pods")`.
        timeout: seconds.
        how: `run` returns standard output and standard error in their order, `read` standard output alone.

    Raises:
        KubectlError: kubectl ended with an error; its message is kubectl's own.
        WorkbookError: the workbook is not connected to a cluster.

    Documentation: https://kubernetes.io/docs/reference/kubectl/
    """
    api()  # refuses a kubeconfig that is not the workbook's
    cluster = current()
    try:
        program = _program(cluster.provider, cluster.settings)
        with _localized(cluster, args) as (words, folder):
            printed = how([*program, *words], env=cluster.environment(), timeout=timeout, cwd=folder)
        return Printed(STRICT.sub("", printed).strip())
    except CommandFailed as error:
        fix = next((fix for text, fix in FIXES.items() if text in error.output), "")
        raise KubectlError(["kubectl", *args], error.code, error.output, fix) from None


def kubectl_output(*args: str) -> str:
    """Run kubectl, and return only its standard output, without warnings, for parsing. Raises what `kubectl` raises."""
    return kubectl(*args, how=read)


def print_command(*args: str) -> None:
    """Print, in a gray that can be read on light and dark, the kubectl command that does the same as a function, for use in a terminal."""
    print(f"\N{ESC}[38;5;243m$ {shlex.join(['kubectl', *args])}\N{ESC}[39m")


@cache
def _program(provider: Provider, settings: Settings) -> list[str]:
    """The command of the cluster's kubectl, searched for once per process."""
    return open_cluster(provider, settings).kubectl()


@contextmanager
def _localized(cluster: Cluster, args: Sequence[str]) -> Iterator[tuple[list[str], Path]]:
    """The arguments and the working folder, with each of our images under the name by which Pods of this cluster pull it."""
    if cluster.provider is not Provider.EXISTING:  # the other providers' nodes pull nothing from a registry
        yield list(args), ROOT
        return
    words = list(args)
    for at, option, image in _values(args, "--image"):
        if image in catalog():
            words[at] = option + cluster.reference(image)
            for place, policy, _ in _values(args, "--image-pull-policy"):
                words[place] = f"{policy}Always"
    # A copy of a manifest has the same path in another folder, so that kubectl prints the same text.
    with tempfile.TemporaryDirectory() as folder:
        copies = [_copy(cluster, Path(name), Path(folder)) for _, _, name in _values(args, "-f", "--filename")]
        yield words, Path(folder) if any(copies) else ROOT


def _values(args: Sequence[str], *options: str) -> Iterator[tuple[int, str, str]]:
    """Each value of these options: its place in the arguments, what precedes it in the same word, and the value."""
    for at, word in enumerate(args):
        option, equals, value = word.partition("=")
        if equals and option in options:
            yield at, f"{option}=", value
        elif at and args[at - 1] in options:
            yield at, "", word


def _copy(cluster: Cluster, name: Path, folder: Path) -> bool:
    """Copy a manifest of the repository, or those in one of its folders; return whether there are any.

    In the copies, images have the names by which Pods of this cluster pull them.
    """
    original = ROOT / name
    if name.is_absolute() or ".." in name.parts or not original.exists():  # such as `kubectl logs -f`
        return False
    manifests = [*original.glob("*.yaml")] if original.is_dir() else [original]
    for manifest in manifests:
        copy = folder / manifest.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(cluster.localize(manifest.read_text(encoding="utf-8")), encoding="utf-8")
    return bool(manifests)


def apply(manifest: str | Path) -> Printed:
    """Create or change objects so that they match a manifest (`kubectl apply -f`).

    Args:
        manifest: a file's name in manifests/, a path (from the repository's root, unless absolute), or the text of a
            manifest, such as `show(…).replace(…)`.

    Raises:
        KubectlError: the API server refuses it.
        WorkbookError: there is no such file.

    Documentation: https://kubernetes.io/docs/concepts/overview/working-with-objects/
    """
    text = str(manifest)
    if "\n" not in text:
        return kubectl("apply", "-f", find_manifest(manifest))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "manifest.yaml")
        path.write_text(current().localize(text), encoding="utf-8")
        return kubectl("apply", "-f", str(path))


def find_manifest(manifest: str | Path) -> str:
    """Return a manifest's path, relative to the repository's root if it is inside. Arguments and errors as for `apply`."""
    for path in (MANIFESTS / manifest, ROOT / manifest):
        if path.is_file():
            return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else str(path)
    names = ", ".join(sorted(path.name for path in MANIFESTS.glob("*.yaml")))
    raise WorkbookError(f"There is no manifest {str(manifest)!r}.", f"manifests/ has {names}.", "Correct the name.")


def delete(resource: str, name: str) -> Printed:
    """Delete an object, and wait until it and its dependents (ReplicaSets, Pods) are gone (`kubectl delete`).

    Args:
        resource: kubectl's word, such as `"deployment"`.
        name: the object's name; when it doesn't exist, the result is empty.

    Raises:
        WorkbookError: one of the two is not a valid name.

    Documentation: https://kubernetes.io/docs/concepts/architecture/garbage-collection/#cascading-deletion
    """
    return kubectl("delete", _word(resource), _word(name), "--ignore-not-found", "--cascade=foreground")


def scale(deployment: str, replicas: int) -> Printed:
    """Set a Deployment's number of replicas, without waiting for its Pods (`kubectl scale`).

    Raises:
        WorkbookError: the name is not valid.

    Documentation: https://kubernetes.io/docs/reference/kubectl/generated/kubectl_scale/
    """
    return kubectl("scale", f"--replicas={replicas:d}", "deployment", _word(deployment))


def _word(name: str) -> str:
    """Return the name if it is valid: a word that begins with a dash would be an option, such as `--all`."""
    if re.fullmatch(r"[a-z0-9]([-.a-z0-9]*[a-z0-9])?", name):
        return name
    raise WorkbookError(
        f"{name!r} is not a valid object name.",
        "Names consist of lowercase letters, digits, dashes and dots, and begin and end with a letter or digit.",
        "Correct the name.",
    )


def logs(selector: str, *, previous: bool = False) -> Printed:
    """Return what the containers of the matching Pods have printed (`kubectl logs`).

    Args:
        selector: a label selector such as `"app=webapp"`.
        previous: the log of the container before its last restart instead.

    Documentation: https://kubernetes.io/docs/concepts/cluster-administration/logging/
    """
    return kubectl("logs", "--selector", selector, "--tail=-1", *(["--previous"] if previous else []))


def magic(line: str) -> Printed:
    """Run `%kubectl ARGUMENTS`: show what kubectl prints, or assign it to a variable: `text = %kubectl …`.

    The arguments are split like in a shell. Raises what `kubectl` raises, and an error for `logs -f`, which would not end.
    """
    args = shlex.split(line)
    if args[:1] == ["logs"] and {"-f", "--follow"} & set(args):
        what = "`kubectl logs -f` follows the log until it is stopped, so this cell would never end."
        raise WorkbookError(what, fix="Leave out `-f` here; use it in a terminal.")
    return kubectl(*args)
