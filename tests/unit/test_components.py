"""The components of Kubernetes, found in kube-system and on the node."""

import workbook


def test_components(api_server):
    [node] = api_server.objects["nodes"]
    node["status"]["nodeInfo"] = {"kubeletVersion": "v1.36.3", "containerRuntimeVersion": "containerd://2.2"}
    for name, labels, owner, ready in [
        ("etcd-node", {"component": "etcd"}, "Node", True),
        ("kube-proxy-1", {"k8s-app": "kube-proxy"}, "DaemonSet", True),
        ("coredns-1", {"k8s-app": "kube-dns"}, "ReplicaSet", True),
        ("coredns-2", {"k8s-app": "kube-dns"}, "ReplicaSet", False),
        ("kube-scheduler", {"component": "kube-scheduler"}, None, True),
    ]:
        status = {"conditions": [{"type": "Ready", "status": str(ready)}]}
        spec = {"containers": [{"image": f"registry:5000/{name}:v1"}]}
        pod = api_server.add("pods", name, labels=labels, spec=spec, status=status)
        pod["metadata"]["ownerReferences"] = [{"kind": owner}] if owner else []
    new = api_server.add("pods", "kube-controller-manager", labels={"component": "kube-controller-manager"})
    new["spec"] = {"containers": [{"image": "controller:v1"}]}  # the kubelet has not seen it: it has no status
    table = workbook.components(wide=True)
    assert list(table.columns) == ["RUNS AS", "READY", "VERSION"]
    assert {name: tuple(row) for name, *row in table.itertuples(name=None)} == {
        "kube-apiserver": ("not visible here", False, ""),
        "etcd": ("static Pod", True, "v1"),
        "kube-scheduler": ("Pod", True, "v1"),
        "kube-controller-manager": ("Pod", False, "v1"),
        "kube-proxy": ("Pod of a DaemonSet", True, "v1"),
        "CoreDNS": ("Pod of a Deployment", False, "v1"),
        "kubelet": ("program on the node", True, "v1.36.3"),
        "container runtime": ("program on the node", True, "containerd://2.2"),
    }
    assert list(workbook.components().columns) == ["RUNS AS", "READY"]
