"""The Kubernetes objects of a class in a browser: from the manifests in classroom/hub, and the Secrets."""

import base64
import hashlib
import json
from collections.abc import Mapping
from string import Template

import yaml

from workbook.classroom.hub.images import FOLDER
from workbook.kube.objects import Object

NAMESPACE = "workbook-class"
DESK = "-desk"
"""The end of the name of a desk's namespace; the rest is the learner's name."""
CLASS, DESKS = "workbook=class", "workbook=desk"
"""The labels of what `workbook class` creates, in addition to what `workbook classroom` creates."""


def manifest(name: str, **values: str) -> list[Object]:
    """Return the objects in a file of classroom/hub, with these values for the words in `${…}`."""
    text = Template((FOLDER / name).read_text(encoding="utf-8")).substitute(values)
    return [document for document in yaml.safe_load_all(text) if document]


def desk(learner: str) -> list[Object]:
    """Return the objects of a learner's desk, except the Secret `access`."""
    return manifest("desk.yaml", LEARNER=learner)


def secret(name: str, namespace: str, content: Mapping[str, str]) -> Object:
    """Return a Secret."""
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": dict(content)}


def decoded(found: Object) -> dict[str, str]:
    """Return the content of a Secret from the API server."""
    return {key: base64.b64decode(value).decode() for key, value in found.get("data", {}).items()}


def htpasswd(passwords: Mapping[str, str]) -> str:
    """Return passwords in the form that nginx reads. They are random, so a plain SHA-1 does not weaken them.

    Documentation: https://nginx.org/en/docs/http/ngx_http_auth_basic_module.html#auth_basic_user_file
    """

    def line(name: str, password: str) -> str:
        return f"{name}:{{SHA}}{base64.b64encode(hashlib.sha1(password.encode()).digest()).decode()}\n"

    return "".join(line(*entry) for entry in passwords.items())


def logins(registry: str, learner: str, password: str) -> str:
    """Return a Docker configuration with a learner's login to the registry."""
    auth = base64.b64encode(f"{learner}:{password}".encode()).decode()
    return json.dumps({"auths": {registry: {"auth": auth}}})


def inside(text: str, address: str, authority: str) -> dict[str, str]:
    """Return a learner's kubeconfig for use in a Pod, as the files `kubeconfig` and `token`.

    Kernels and terminals read the second one again, so they go on after the token is renewed.

    Args:
        text: the kubeconfig for outside.
        address: the IP address of the Service `kubernetes`. With its name, a busy DNS server could delay each request.
        authority: the certificate of the cluster's certificate authority.
    """
    config = yaml.safe_load(text)
    encoded = base64.b64encode(authority.encode()).decode()
    host = f"[{address}]" if ":" in address else address
    config["clusters"][0]["cluster"] = {"server": f"https://{host}", "certificate-authority-data": encoded}
    token = config["users"][0]["user"].pop("token")
    config["users"][0]["user"]["tokenFile"] = "token"  # next to the kubeconfig
    return {"kubeconfig": yaml.safe_dump(config), "token": token}
