"""What a learner of a class could try against others: a manifest for each attack, and what refuses it.

An attack is real only if the same manifest is accepted without the class's bounds. So test_attacks.py also sends each of them as
an administrator, to a namespace that has none.
"""

from dataclasses import dataclass
from typing import Any

Object = dict[str, Any]


@dataclass(frozen=True)
class Attack:
    """One attack.

    Args:
        what: the attack, for the table.
        manifest: the object that the learner creates; its namespace is filled in.
        by: what refuses it.
        message: what the API server says then.
        second: whether the attack is on the learner's second namespace.
    """

    what: str
    manifest: Object
    by: str
    message: str
    second: bool = False


CONTAINER: Object = {"name": "program", "image": "web-app:1.0", "imagePullPolicy": "Never"}
RESOURCES = {"Ingress": "ingresses", "NetworkPolicy": "networkpolicies"}
"""The resource of a type whose plural is irregular."""
POLICY, STANDARD, RANGE, QUOTA = "admission policy", "Pod Security `baseline`", "LimitRange", "ResourceQuota"


def path(manifest: Object, namespace: str) -> str:
    """Return the API path of the objects of a manifest's kind in a namespace."""
    version, kind = manifest["apiVersion"], manifest["kind"]
    resource = RESOURCES.get(kind, f"{kind.lower()}s")
    return f"/{'apis' if '/' in version else 'api'}/{version}/namespaces/{namespace}/{resource}"


def pod(
    container: Object | None = None, name: str = "visitor", annotations: Object | None = None, **spec: Any
) -> Object:
    """A Pod with one container.

    Args:
        container: what its container has in addition.
        name: its name.
        annotations: its annotations.
        spec: what the Pod has in addition.
    """
    metadata = {"name": name} | ({"annotations": annotations} if annotations else {})
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {"containers": [CONTAINER | (container or {})], **spec},
    }


def service(name: str = "webservice", **spec: Any) -> Object:
    """A Service with port 80, and what it has in addition."""
    whole = {"ports": [{"port": 80}], "selector": {"app": "webapp"}, **spec}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": whole}


def deployment(replicas: int = 1, **spec: Any) -> Object:
    """A Deployment called `attack`.

    Args:
        replicas: the number of its Pods.
        spec: what its Pods have in addition.
    """
    labels = {"app": "attack"}
    template = {"metadata": {"labels": labels}, "spec": pod(**spec)["spec"]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "attack", "labels": labels},
        "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template},
    }


def needs(**limits: str) -> Object:
    """The resources of a container whose requests are as high as its limits. The name of a resource has `_` for `-`."""
    return {"resources": {"limits": {name.replace("_", "-"): value for name, value in limits.items()}}}


def plain(kind: str, version: str = "v1", name: str = "attack", **rest: Any) -> Object:
    """An object with any value of the field `kind`."""
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, **rest}


PRIORITY = {"priorityClassName": "system-node-critical"}
UNCONFINED = {"securityContext": {"seccompProfile": {"type": "Unconfined"}}}
SELINUX = {"securityContext": {"seLinuxOptions": {"type": "spc_t"}}}
SYSCTL = {"securityContext": {"sysctls": [{"name": "kernel.shm_rmid_forced", "value": "1"}]}}
HOST_PORT = {"ports": [{"containerPort": 5000, "hostPort": 5000}]}
HOST_PATH = {"volumes": [{"name": "all", "hostPath": {"path": "/"}}]}
EVERYWHERE = {"tolerations": [{"operator": "Exists"}]}
APPARMOR = {"container.apparmor.security.beta.kubernetes.io/program": "unconfined"}
CLAIM = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "100Gi"}}}
TOKEN = {"kubernetes.io/service-account.name": "default"}
JOB = {"template": {"spec": {"restartPolicy": "Never", "containers": [CONTAINER]}}, "suspend": True}

ATTACKS = [
    Attack(
        "take an address away from the cluster (externalIPs)",
        service(externalIPs=["192.0.2.7"]),
        POLICY,
        "only accepts 70.34.1.23",
    ),
    Attack(
        "choose a load balancer's address",
        service(type="LoadBalancer", loadBalancerIP="192.0.2.7"),
        POLICY,
        "must not choose the address",
    ),
    Attack("a Pod with priority system-node-critical", pod(**PRIORITY), POLICY, "must not have a priority"),
    Attack(
        "a Pod with priority system-cluster-critical",
        pod(priorityClassName="system-cluster-critical"),
        POLICY,
        "must not have a priority",
    ),
    Attack("choose the node", pod(nodeName="workbook-control-plane"), POLICY, "Only the scheduler"),
    Attack("tolerate all taints", pod(**EVERYWHERE), POLICY, "must not tolerate"),
    Attack(
        "a Pod with the learner's own token",
        pod(serviceAccountName="workbook-learner"),
        POLICY,
        "must not use the ServiceAccount",
    ),
    Attack(
        "a token Secret without an end",
        plain("Secret", type="kubernetes.io/service-account-token")
        | {"metadata": {"name": "attack", "annotations": TOKEN}},
        POLICY,
        "a token without an end",
    ),
    Attack(
        "open the Pods to all (NetworkPolicy)",
        plain(
            "NetworkPolicy",
            "networking.k8s.io/v1",
            spec={"podSelector": {}, "policyTypes": ["Egress"], "egress": [{}]},
        ),
        POLICY,
        "belong to the instructor",
    ),
    Attack(
        "an object that can't be deleted (finalizer)",
        plain("ConfigMap") | {"metadata": {"name": "attack", "finalizers": ["example.com/never"]}},
        POLICY,
        "keep the object from being deleted",
    ),
    Attack("64 CPUs", pod(needs(cpu="64")), RANGE, "maximum cpu usage per Container"),
    Attack("100 GiB of memory", pod(needs(memory="100Gi")), RANGE, "maximum memory usage per Container"),
    Attack("100 GiB of the node's disk", pod(needs(ephemeral_storage="100Gi")), RANGE, "maximum ephemeral-storage"),
    Attack(
        "a volume of 100 GiB", plain("PersistentVolumeClaim", spec=CLAIM), RANGE, "maximum storage usage per Persistent"
    ),
    Attack(
        "claim a host name (Ingress)",
        plain(
            "Ingress",
            "networking.k8s.io/v1",
            spec={"defaultBackend": {"service": {"name": "webservice", "port": {"number": 80}}}},
        ),
        QUOTA,
        "exceeded quota",
    ),
    Attack("a privileged Pod", pod({"securityContext": {"privileged": True}}), STANDARD, "violates PodSecurity"),
    Attack("the node's files (hostPath)", pod(**HOST_PATH), STANDARD, "violates PodSecurity"),
    Attack("the node's network", pod(hostNetwork=True), STANDARD, "violates PodSecurity"),
    Attack("the node's processes", pod(hostPID=True), STANDARD, "violates PodSecurity"),
    Attack("a port of the node (hostPort)", pod(HOST_PORT), STANDARD, "violates PodSecurity"),
    Attack("no seccomp", pod(UNCONFINED), STANDARD, "violates PodSecurity"),
    Attack("another SELinux type", pod(**SELINUX), STANDARD, "violates PodSecurity"),
    *(
        Attack(f"second namespace: {what}", manifest, POLICY, message, second=True)
        for what, manifest, message in (
            ("a port of the node (hostPort)", pod(HOST_PORT), "the plain Pod"),
            ("no seccomp, for a container", pod(UNCONFINED), "the plain Pod"),
            ("no seccomp, for the Pod", pod(**UNCONFINED), "the plain Pod"),
            ("another SELinux type", pod(**SELINUX), "the plain Pod"),
            ("a kernel parameter (sysctls)", pod(**SYSCTL), "the plain Pod"),
            ("no AppArmor, by an annotation", pod(annotations=APPARMOR), "the plain Pod"),
            ("a privileged Pod", pod({"securityContext": {"privileged": True}}), "the plain Pod"),
            ("the node's files (hostPath)", pod(**HOST_PATH), "the plain Pod"),
            ("the node's network", pod(hostNetwork=True), "the plain Pod"),
            ("the node's processes", pod(hostPID=True), "the plain Pod"),
            ("a second container", pod(containers=[CONTAINER, CONTAINER | {"name": "more"}]), "the plain Pod"),
            ("an init container", pod(initContainers=[CONTAINER | {"name": "first"}]), "the plain Pod"),
            (
                "let the kubelet send requests (probe)",
                pod({"livenessProbe": {"httpGet": {"host": "192.0.2.7", "port": 80}}}),
                "the plain Pod",
            ),
            ("another Pod", pod(name="another"), "the plain Pod"),
            ("choose the node", pod(nodeName="workbook-control-plane"), "Only the scheduler"),
            ("priority system-node-critical", pod(**PRIORITY), "must not have a priority"),
            ("tolerate all taints", pod(**EVERYWHERE), "must not tolerate"),
            ("an external IP address", service(externalIPs=["192.0.2.7"]), "as an external IP address"),
            ("a node port", service(type="NodePort"), "the plain Service"),
            ("another Service", service(name="another"), "the plain Service"),
        )
    ),
    *(
        Attack(what, manifest, "RBAC", "cannot create", second=second)
        for what, manifest, second in (
            ("second namespace: a Deployment", deployment(), True),
            ("second namespace: a Secret", plain("Secret"), True),
            (
                "point a Service to another's Pod (EndpointSlice)",
                plain(
                    "EndpointSlice",
                    "discovery.k8s.io/v1",
                    addressType="IPv4",
                    endpoints=[{"addresses": ["10.244.0.7"]}],
                ),
                False,
            ),
            (
                "give oneself rights (RoleBinding)",
                plain(
                    "RoleBinding",
                    "rbac.authorization.k8s.io/v1",
                    roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
                    subjects=[{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "me"}],
                ),
                False,
            ),
            ("raise the quota", plain("ResourceQuota", spec={"hard": {"pods": 1000}}), False),
        )
    ),
]
"""Attacks by one object that the API server refuses at once."""

FLOODS = {
    "Pods": [pod(name=f"attack-{n}", nodeSelector={"no": "node"}) for n in range(30)],
    "Services": [service(name=f"attack-{n}") for n in range(15)],
    "node ports": [service(name=f"attack-{n}", type="NodePort") for n in range(5)],
    "ConfigMaps": [plain("ConfigMap", name=f"attack-{n}") for n in range(25)],
    "Secrets": [plain("Secret", name=f"attack-{n}") for n in range(15)],
    "ServiceAccounts": [plain("ServiceAccount", name=f"attack-{n}") for n in range(6)],
    "Deployments": [deployment(0) | {"metadata": {"name": f"attack-{n}"}} for n in range(30)],
    "Jobs": [plain("Job", "batch/v1", name=f"attack-{n}", spec=JOB) for n in range(8)],
    "CronJobs": [
        plain(
            "CronJob",
            "batch/v1",
            name=f"attack-{n}",
            spec={"schedule": "0 0 1 1 *", "suspend": True, "jobTemplate": {"spec": JOB}},
        )
        for n in range(5)
    ],
    "volumes": [
        plain(
            "PersistentVolumeClaim",
            name=f"attack-{n}",
            spec=CLAIM | {"resources": {"requests": {"storage": "100Mi"}}},
        )
        for n in range(7)
    ],
}
"""Many objects, each of which is allowed: the quota refuses those that are too many."""

THROUGH_A_DEPLOYMENT = {
    "priority system-node-critical": (deployment(**PRIORITY), "must not have a priority"),
    "the learner's own token": (deployment(serviceAccountName="workbook-learner"), "must not use the ServiceAccount"),
    "a privileged Pod": (
        deployment(container={"securityContext": {"privileged": True}}),
        "violates PodSecurity",
    ),
    "1,000 Pods": (deployment(1000, nodeSelector={"no": "node"}), "exceeded quota"),
    "100 GiB of memory": (deployment(container=needs(memory="100Gi")), "maximum memory usage per Container"),
}
"""Attacks by Pods that a controller creates for the learner."""
