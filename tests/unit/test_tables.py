"""Names without what Kubernetes generates in them."""

import pytest

from workbook.lessons.tables import name

HASH = {"pod-template-hash": "555df568bd"}


@pytest.mark.parametrize(
    ("metadata", "shown"),
    [
        ({"name": "web-555df568bd-4xpwm", "generateName": "web-555df568bd-", "labels": HASH}, "web-*"),
        ({"name": "web-555df568bd", "labels": HASH}, "web-*"),
        ({"name": "kube-proxy-klndq", "generateName": "kube-proxy-"}, "kube-proxy-*"),
        ({"name": "etcd-node-1", "ownerReferences": [{"kind": "Node", "name": "node-1"}]}, "etcd-*"),
        ({"name": "web-0", "generateName": ""}, "web-0"),
        ({"name": "web"}, "web"),
    ],
)
def test_name(metadata, shown):
    assert name(metadata) == shown
    assert name(metadata, full=True) == metadata["name"]
