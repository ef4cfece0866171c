"""The Deployment of the web application with changes, for tests on a cluster. Its Pods end at once when they are deleted."""

from typing import Any

import yaml

from workbook.lessons.kubectl import MANIFESTS

Fields = dict[str, Any]


def changed(container: Fields, pod: Fields | None = None, name: str = "") -> str:
    """Return the manifest of notebook 03 with these fields of its container and of its Pod changed.

    Args:
        container: the fields of the container.
        pod: the fields of the Pod.
        name: the name of the Deployment, and the value of its label `app`; as in the notebook when empty. Deployments with
            different names can fail at the same time, each of which takes seconds.
    """
    document = yaml.safe_load((MANIFESTS / "1-03-webapp-deployment.yaml").read_text(encoding="utf-8"))
    spec = document["spec"]
    # A program that has just started may miss the signal to end, and a Namespace waits for half of this time or longer.
    spec["template"]["spec"].update({"terminationGracePeriodSeconds": 1, **(pod or {})})
    spec["template"]["spec"]["containers"][0].update(container)
    if name:
        document["metadata"]["name"] = name
        for labels in (spec["selector"]["matchLabels"], spec["template"]["metadata"]["labels"]):
            labels["app"] = name
    return yaml.safe_dump(document, explicit_start=True)
