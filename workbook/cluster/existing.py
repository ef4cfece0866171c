"""A cluster that already runs: the workbook uses only one of its namespaces.

`WORKBOOK_CONTEXT` names the context in the reader's kubeconfig, which is not changed. `WORKBOOK_NAMESPACE` names the
namespace (default `workbook`), and `WORKBOOK_REGISTRY` the image registry that both this machine and the nodes can reach.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from urllib3.exceptions import SSLError

from workbook.base import labels
from workbook.base.errors import NotPossible, WorkbookError
from workbook.base.processes import CommandFailed, read, run, typed
from workbook.base.steps import step
from workbook.cluster import ready
from workbook.cluster.choose import Provider
from workbook.cluster.protocol import Cluster, State
from workbook.engine.catalog import catalog
from workbook.kube import credentials, kubeconfig
from workbook.kube.client import Api, message, node_port
from workbook.kube.credentials import LOG_IN
from workbook.kube.kubectl import require_kubectl, server_minor

RIGHTS = [
    f"{verb} {what}"
    for what in ("pods", "services", "configmaps", "deployments")
    for verb in ("list", "create", "delete")
]
"""A sample of what the notebooks do in their Namespace: if one of these rights is missing, others usually are, too."""

FULL = re.compile("no space left on device|500 Internal Server Error|507 Insufficient Storage", re.IGNORECASE)
"""Messages of engines about a registry that cannot store an image. Most registries don't say why: they answer 500."""


class Existing(Cluster):
    """One namespace of a cluster that already exists."""

    provider = Provider.EXISTING

    @property
    def context(self) -> str:
        """The context that the settings name, or that was used before."""
        used = kubeconfig.current(self.kubeconfig)
        context = self.settings.context or (used[0] if used else "")
        return _required(context, "WORKBOOK_CONTEXT", "a context that `kubectl config get-contexts` lists")

    @property
    def namespace(self) -> str:
        """The namespace that the settings name, or that was used before."""
        used = kubeconfig.current(self.kubeconfig)
        return self.settings.namespace or (used[1] if used else "workbook")

    def describe(self) -> str:
        return f"an existing cluster, context {self.context!r}: the workbook uses only its Namespace {self.namespace!r}"

    def status(self) -> State:
        if not kubeconfig.is_valid(self):
            return State.ABSENT
        return State.RUNNING if ready.reach(self) else State.STOPPED

    def start(self) -> Api:
        if api := ready.reach(self):
            return api
        with step(f"Connect to {self.context!r}"):
            config = users_part(self.context, self.environment(), show=True)
            _, user = kubeconfig.used(config, self.context)
            if program := credentials.login(user):
                print(f"Its kubeconfig logs in with a program on this machine: `{program}`", flush=True)
            kubeconfig.write(self.kubeconfig, yaml.safe_dump(config), self.context, self.namespace)
            api = Api(self)
            self._require(api)
            ready.provide_kubectl(self)
            return api

    def _require(self, api: Api) -> None:
        """Refuse a cluster that does not answer, or that does not allow what the notebooks do.

        It does not wait: the workbook cannot start this cluster.

        Raises:
            WorkbookError: says which of these it is, and what to do.
        """
        # Imported here, because the Kubernetes client loads slowly.
        from kubernetes.client.exceptions import ApiException

        whose = f"the cluster behind {self.context!r}"
        try:
            missing = [right for right in ("list nodes", "list namespaces") if not self._may(api, right)]
            if not missing and not api.find("namespaces", self.namespace) and not self._may(api, "create namespaces"):
                missing = ["create namespaces"]
            if within := [right for right in RIGHTS if not self._may(api, right, self.namespace)]:
                missing.append(f"{', '.join(within)} in the Namespace {self.namespace!r}")
            ready_node = bool(missing) or ready.usable(self, api.objects("nodes"))
        except ApiException as error:
            why = f"It answers: {message(error)}. Your access has probably expired."
            raise WorkbookError(f"{whose.capitalize()} does not accept your login.", why, LOG_IN) from error
        except WorkbookError as error:
            if isinstance(error.__cause__, SSLError):
                what = f"The certificate authority in the kubeconfig did not sign the certificate of {whose}."
                fix = "Write the kubeconfig again: the cluster may be new. Or a proxy in between presents its own certificate."
                raise WorkbookError(what, error.why, fix) from error
            fix = (
                "Start it, or connect to its network (VPN), until `kubectl --context {} get pods` works in a terminal."
            )
            raise WorkbookError(error.what, error.why, f"{fix.format(self.context)} Then run this again.") from error
        if missing:
            raise WorkbookError(
                f"Your user does not have the rights on {whose} that the notebooks need.",
                f"Not allowed: {', '.join(missing)}.",
                "Ask the cluster's administrator for these rights: the roles in classroom/ are enough. "
                f"`kubectl --context {self.context} auth can-i --list -n {self.namespace}` shows the rights you have.",
            )
        if not ready_node:
            raise WorkbookError(f"{whose.capitalize()} has no Ready node.", fix="Ask the cluster's administrator.")

    def _may(self, api: Api, right: str, namespace: str = "") -> bool:
        """Whether the reader has a right, such as `create pods`.

        Documentation: https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access
        """
        verb, resource = right.split()
        group = "apps" if resource == "deployments" else ""
        attributes = {"verb": verb, "resource": resource, "group": group, "namespace": namespace}
        body = {"spec": {"resourceAttributes": attributes}}
        answer = api.request("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", body=body, timeout=5)
        return bool(json.loads(answer.data)["status"]["allowed"])

    def stop(self) -> None:
        print(f"The cluster behind {self.context!r} keeps running: the workbook only stops clusters that it started.")

    def delete(self) -> None:
        if not kubeconfig.current(self.kubeconfig):
            return
        if not ready.reach(self):
            print(
                f"The cluster behind {self.context!r} does not answer, so its Namespace {self.namespace!r} is not deleted."
            )
        else:
            with step(f"Delete the Namespace {self.namespace!r} of {self.context!r}") as running:
                mine = ["--selector", labels.SELECTOR, "--field-selector", f"metadata.name={self.namespace}"]
                try:
                    run([*self.kubectl(), "delete", "namespace", *mine], env=self.environment(), show=True)
                except CommandFailed as error:
                    if "(Forbidden)" not in error.output:
                        raise
                    running.result = "not deleted, because your user may not do that; ask its administrator"
        kubeconfig.forget(self.kubeconfig)

    def stop_node(self, name: str) -> None:
        raise NotPossible(
            f"The node {name!r} is neither stopped nor started.",
            f"The cluster behind {self.context!r} keeps its nodes: the workbook only stops nodes that it started.",
            "Read the rest of this notebook with its recorded outputs, or run it on a machine with minikube or kind.",
        )

    start_node = stop_node

    def kubectl(self) -> list[str]:
        return [require_kubectl(server_minor(self) if kubeconfig.is_valid(self) else None)]

    @property
    def _registry(self) -> str:
        meaning = "a registry that this machine can push to and the nodes can pull from"
        return _required(self.settings.registry, "WORKBOOK_REGISTRY", meaning)

    def load(self, *images: str) -> None:
        """Push the images to the registry, from which the nodes pull them."""
        pushed = self._pushed()
        for image in images:
            identity = str(self.engine.images.get(image).id)
            if pushed.get(image) != identity or not self._in_registry(image):
                self._push(image)
                self._remember(self._pushed() | {image: identity})

    def _push(self, image: str) -> None:
        target = self.reference(image)
        repository, _, tag = target.rpartition(":")
        with step(f"Push {target}") as running:
            self.engine.images.get(image).tag(repository, tag)
            for message in self.engine.api.push(repository, tag, stream=True, decode=True):
                if "error" in message:
                    raise self._not_pushed(target, message["error"])
                running.update(message.get("status", ""))
        self.engine.images.remove(target)  # only the name that the push needed

    def _not_pushed(self, target: str, problem: str) -> WorkbookError:
        """The error for an image that could not be pushed."""
        if FULL.search(problem):
            return WorkbookError(
                f"The registry could not store {target}: its disk is probably full.",
                problem,
                "Nothing of yours is lost: you keep your files and the image. In a class, tell your instructor that the registry "
                "of the class is full; otherwise, tell the registry's administrator. When it has space again, run this again.",
            )
        return WorkbookError(
            f"Docker could not push {target}: {problem}",
            self._login_problem,
            f"Run `docker login {self._registry}`, or correct WORKBOOK_REGISTRY.",
        )

    @property
    def _login_problem(self) -> str:
        """The fault of the registry's credential helper; empty if it works."""
        # Imported here, because the Docker SDK loads slowly.
        from workbook.engine.login import problem

        return problem(self.engine, self._registry.partition("/")[0])

    def images(self) -> list[str]:
        return [image for image in sorted(self._pushed()) if self._in_registry(image)]

    def _in_registry(self, image: str) -> bool:
        """Whether the registry has the image."""
        # Imported here, because the Docker SDK loads slowly.
        from docker.errors import APIError

        from workbook.engine import registry  # as slow

        try:
            return registry.has(self.engine, self.reference(image))
        except APIError as error:
            raise WorkbookError(
                f"{self._registry} does not answer like an image registry.",
                "\n".join(filter(None, [str(error), self._login_problem])),
                f"Start the registry, correct WORKBOOK_REGISTRY, or run `docker login {self._registry}`.",
            ) from error

    @property
    def _note(self) -> Path:
        return self.folder / "pushed"

    def _pushed(self) -> dict[str, str]:
        """The images that were pushed, and their identities in the engine."""
        lines = self._note.read_text(encoding="utf-8").splitlines() if self._note.exists() else []
        return dict(line.split() for line in lines)

    def _remember(self, pushed: dict[str, str]) -> None:
        self._note.write_text("".join(f"{image} {identity}\n" for image, identity in pushed.items()), encoding="utf-8")

    def remove(self, image: str) -> None:
        """Forget the image. It stays in the registry, where the workbook deletes nothing; the next push replaces it."""
        self._remember({name: identity for name, identity in self._pushed().items() if name != image})

    def reference(self, image: str) -> str:
        return f"{self._registry}/{image}"

    def localize(self, manifest: str) -> str:
        """Return a manifest that pulls the workbook's images from the registry, with a pull policy that allows it.

        A manifest that is not valid is not refused here: kubectl explains its mistakes.
        """
        try:
            documents = [found for found in yaml.safe_load_all(manifest) if found is not None]  # as after a last `---`
        except yaml.YAMLError:
            return manifest
        images = catalog()
        for container in _containers(documents):
            if (image := str(container.get("image"))) in images:
                container |= {"image": self.reference(image), "imagePullPolicy": "Always"}
        return str(yaml.safe_dump_all(documents))

    def url(self, service: str) -> str:
        api = Api(self)
        addresses = api.objects("nodes")[0]["status"]["addresses"]
        address = next(entry["address"] for entry in addresses if entry["type"] == "InternalIP")
        return f"http://{address}:{node_port(api, service)}"


def users_part(context: str, environment: Mapping[str, str], *, show: bool) -> kubeconfig.Section:
    """Return the part of the reader's kubeconfig that a context uses, complete and with absolute paths.

    Args:
        context: the context.
        environment: variables for kubectl, except KUBECONFIG.
        show: whether to print the command.

    Raises:
        CommandFailed: there is no such context.

    Documentation: https://kubernetes.io/docs/reference/kubectl/generated/kubectl_config/kubectl_config_view/
    """
    # Any kubectl will do: the previous kubeconfig may not allow asking for the cluster's version any more.
    command = [require_kubectl(), "config", "view", "--minify", "--flatten", "--context", context, "-o", "yaml"]
    if show:
        print(f"$ {typed(command)}", flush=True)
    fix = "Set WORKBOOK_CONTEXT to a context that `kubectl config get-contexts` lists."
    config: kubeconfig.Section = yaml.safe_load(
        read(command, env={**environment, "KUBECONFIG": kubeconfig.users()}, fix=fix)
    )
    _, user = kubeconfig.used(config, context)
    _, whole = kubeconfig.users_own(context)  # the command prints relative paths as in the file
    user |= {key: whole[key] for key in ("exec", "tokenFile") if key in user and key in whole}
    return config


def _containers(part: object) -> Iterator[dict[str, Any]]:
    """Find the containers in a part of a manifest, at any depth: the structure may have mistakes."""
    if isinstance(part, list):
        for item in part:
            yield from _containers(item)
    if isinstance(part, dict):
        for name, value in part.items():
            if name in ("initContainers", "containers") and isinstance(value, list):
                yield from (item for item in value if isinstance(item, dict))
            else:
                yield from _containers(value)


def _required(value: str, name: str, meaning: str) -> str:
    """Return a setting that this provider needs, or raise an error if it is empty."""
    if value:
        return value
    raise WorkbookError(
        f"{name} is not set, and WORKBOOK_CLUSTER=existing needs it.",
        f"{name} names {meaning}.",
        f"Set {name}, then run this again.",
    )
