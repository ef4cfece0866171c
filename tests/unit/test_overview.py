"""The overview of a namespace: an indented list, and a picture that fits and is the same in every run."""

import re
from base64 import b64decode

import pytest
from bs4 import BeautifulSoup
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath

import workbook
from workbook.base.errors import WorkbookError
from workbook.lessons.overview import EDGE, RESOURCES, SERVICES, arranged
from workbook.publish.handout.sanitize import sanitize

HASH = "555df568bd"


def metadata(name, owner=None, **more):
    """The metadata of an object, whose UID is its name; `owner` is a type and a name."""
    references = [{"kind": owner[0], "name": owner[1], "uid": owner[1]}] if owner else []
    return {"name": name, "uid": name, "ownerReferences": references, "labels": {}, **more}


def workload(name, wanted=1, ready=1, image="web-app:1.0", **more):
    template = {"spec": {"containers": [{"image": image}]}}
    return {
        "metadata": metadata(name, **more),
        "spec": {"replicas": wanted, "template": template},
        "status": {"readyReplicas": ready},
    }


def replicaset(owner, wanted=1, ready=1, image="web-app:1.0", revision=1, hash=HASH):
    labels, annotations = {"pod-template-hash": hash}, {"deployment.kubernetes.io/revision": str(revision)}
    more = {"owner": ("Deployment", owner), "labels": labels, "annotations": annotations}
    return workload(f"{owner}-{hash}", wanted, ready, image, **more)


def pod(name, ready=True, app="webapp", owner=None, images=("web-app:1.0",), waiting="", **more):
    status = {"phase": "Running", "conditions": [{"type": "Ready", "status": str(ready)}]}
    if waiting:
        status["containerStatuses"] = [{"restartCount": 1, "state": {"waiting": {"reason": waiting}}}]
    spec = {"containers": [{"image": image} for image in images], "nodeName": "workbook-control-plane"}
    labels = {"app": app}
    if owner and owner[0] == "ReplicaSet":
        labels["pod-template-hash"] = HASH
        more["generateName"] = f"{owner[1]}-"
    return {"metadata": metadata(name, owner, labels=labels, **more), "spec": spec, "status": status}


def service(name, selector=None, type="ClusterIP", ports=(80,), **more):
    spec = {"type": type, "ports": [{"port": port} for port in ports], **more}
    return {"metadata": metadata(name), "spec": spec | ({"selector": selector} if selector else {})}


def overview(wide=False, **objects):
    return arranged({resource: objects.get(resource, []) for resource in RESOURCES}, wide=wide)


RS = ("ReplicaSet", f"webapp-deployment-{HASH}")
BUSY = {
    "services": [
        service("webservice", {"app": "webapp"}),
        service("frontendservice", {"app": "frontend"}, "LoadBalancer"),
        service("external-ip-service", {"app": "externalIpService", "part": "payments"}, ports=(80, 443)),
        service("db1", type="ExternalName", ports=(), externalName="mysql01.database.test.com"),
    ],
    "deployments": [workload("webapp-deployment", 2, 2), workload("frontend-deployment", 1, 0)],
    "replicasets": [
        replicaset("webapp-deployment", 2, 2, "web-app:2.0", revision=2),
        replicaset("webapp-deployment", 0, 0, hash="5dfb6d5f9c"),
        replicaset("frontend-deployment", 1, 0, "frontend:1.0"),
    ],
    "statefulsets": [workload("counter", 1, 1)],
    "pods": [
        pod(f"webapp-deployment-{HASH}-b2b2b", owner=RS),
        pod(f"webapp-deployment-{HASH}-a1a1a", owner=RS),
        pod(
            f"frontend-deployment-{HASH}-c3c3c",
            ready=False,
            app="frontend",
            owner=("ReplicaSet", f"frontend-deployment-{HASH}"),
            waiting="ErrImageNeverPull",
        ),
        pod("counter-0", app="counter", owner=("StatefulSet", "counter")),
        pod("webapp-not-ready", ready=False),
    ],
}
LIST = """\
Service db1: ExternalName, stands for mysql01.database.test.com
Service external-ip-service: ClusterIP, ports 80 443, selects app=externalIpService,part=payments: no Pods
Service frontendservice: LoadBalancer, port 80, selects app=frontend: 0 of 1 ready
Service webservice: ClusterIP, port 80, selects app=webapp: 2 of 3 ready
Deployment frontend-deployment: 0 of 1 ready
  ReplicaSet frontend-deployment-*: 0 of 1 ready, frontend:1.0
    Pod frontend-deployment-*: ErrImageNeverPull, selected by frontendservice
Deployment webapp-deployment: 2 of 2 ready
  ReplicaSet webapp-deployment-*: no Pods, web-app:1.0
  ReplicaSet webapp-deployment-*: 2 of 2 ready, web-app:2.0
    Pod webapp-deployment-*: ready, selected by webservice
    Pod webapp-deployment-*: ready, selected by webservice
StatefulSet counter: 1 of 1 ready, web-app:1.0
  Pod counter-0: ready
Pod webapp-not-ready: running, not ready, web-app:1.0, selected by webservice"""


def test_the_list_shows_owners_selectors_and_readiness():
    assert overview(**BUSY).text == LIST
    assert repr(overview(**BUSY)) == f"$ kubectl get all\n{LIST}"


def test_the_order_of_the_objects_and_their_generated_names_change_nothing():
    pods = [*BUSY["pods"][::-1]]
    pods[-1] = pod(f"webapp-deployment-{HASH}-z9z9z", owner=RS)
    other = overview(**{**{resource: [*items[::-1]] for resource, items in BUSY.items()}, "pods": pods})
    assert (other.text, other.svg()) == (LIST, overview(**BUSY).svg())


def test_wide_adds_full_names_and_nodes():
    wide = overview(wide=True, **BUSY).text
    assert f"ReplicaSet webapp-deployment-{HASH}: 2 of 2 ready" in wide
    assert f"Pod webapp-deployment-{HASH}-a1a1a: ready, on workbook-control-plane, selected by webservice" in wide


def test_an_empty_namespace():
    assert overview().text == "no Services and no Pods"
    assert "no Services and no Pods</text>" in overview().svg()


@pytest.mark.parametrize(
    ("item", "line"),
    [
        (service("a", {"app": "webapp"}, clusterIP="None"), "headless, port 80, selects app=webapp: 1 of 2 ready"),
        (
            service("a", {"app": "webapp"}, publishNotReadyAddresses=True),
            "ClusterIP, port 80, selects app=webapp: 2 of 2 ready",
        ),
        (service("a", {"app": "webapp", "v": "2"}), "ClusterIP, port 80, selects app=webapp,v=2: no Pods"),
        (service("a"), "ClusterIP, port 80, no selector"),
    ],
)
def test_what_a_service_selects(item, line):
    ended = pod("c")
    ended["status"]["phase"] = "Succeeded"
    found = overview(services=[item], pods=[pod("a"), pod("b", ready=False), ended])
    assert found.text.splitlines()[0] == f"Service a: {line}"


def test_a_pod_that_is_being_deleted_gets_no_requests():
    leaving = pod("a", deletionTimestamp="2026-01-01T00:00:00Z")
    found = overview(services=[service("s", {"app": "webapp"})], pods=[leaving])
    assert found.text.splitlines() == [
        "Service s: ClusterIP, port 80, selects app=webapp: 0 of 1 ready",
        "Pod a: Terminating, web-app:1.0, selected by s",
    ]


def test_owners_of_other_types_and_those_that_are_gone():
    pods = [
        pod("proxy-x1", owner=("DaemonSet", "proxy"), generateName="proxy-"),
        pod("proxy-x2", ready=False, owner=("DaemonSet", "proxy"), generateName="proxy-"),
        pod("etcd-node-1", owner=("Node", "node-1")),
        pod(
            "orphan", owner=("Deployment", "deleted"), images=("registry.example.com/me/web-app:1.0", "b", "c@sha256:1")
        ),
    ]
    assert overview(pods=pods).text.splitlines() == [
        "Pod etcd-*: ready, web-app:1.0",
        "Pod orphan: ready, web-app:1.0 and 2 more",
        "DaemonSet proxy: 1 of 2 ready",
        "  Pod proxy-*: ready",
        "  Pod proxy-*: running, not ready",
    ]


def test_a_pod_that_owns_a_pod():
    pods = [pod("driver", app="spark"), pod("executor-1", owner=("Pod", "driver"))]
    found = overview(services=[service("s", {"app": "webapp"})], pods=pods)
    assert found.text.splitlines()[1:] == ["Pod driver: ready, web-app:1.0", "  Pod executor-1: ready, selected by s"]
    assert found.svg().count("● Pod") == 2


def test_a_pod_whose_owner_is_a_service_stands_alone():
    found = overview(services=[service("s", {"app": "webapp"})], pods=[pod("a", owner=("Service", "s"))])
    assert found.text.splitlines()[1:] == ["Pod a: ready, web-app:1.0, selected by s"]
    assert "● Pod" in found.svg()


def test_a_pod_of_a_job_that_has_completed_is_not_missing():
    ended = pod("import-x1", ready=False, owner=("Job", "import"), generateName="import-")
    ended["status"]["phase"] = "Succeeded"
    found = overview(pods=[ended])
    assert found.text.splitlines() == ["Job import: 1 of 1 ready or completed", "  Pod import-*: Succeeded"]
    assert found.entries[0].good
    found = overview(pods=[ended, pod("import-x2", ready=False, owner=("Job", "import"))])
    assert found.text.startswith("Job import: 1 of 2 ready or completed\n") and not found.entries[0].good


def boxes(svg):
    picture = BeautifulSoup(svg, "html.parser")
    found = [{key: float(rect[key]) for key in ("x", "y", "width", "height")} for rect in picture.select("rect[x]")]
    return picture, found


@pytest.mark.parametrize("wide", [False, True])
def test_boxes_do_not_overlap_and_the_words_in_them_fit(wide):
    picture, found = boxes(overview(wide, **BUSY).svg())
    for number, box in enumerate(found):
        right, bottom = box["x"] + box["width"], box["y"] + box["height"]
        assert (box["x"] >= 16 and right <= EDGE) or (box["x"] == SERVICES and right <= 464)
        assert bottom < float(picture.svg["viewbox"].split()[3])
        for other in found[number + 1 :]:
            apart = other["y"] >= bottom or box["y"] >= other["y"] + other["height"]
            assert apart or other["x"] >= right or box["x"] >= other["x"] + other["width"]
    for text in picture("text"):
        font = FontProperties(family="DejaVu Sans", weight="bold" if "title" in text["class"] else "normal")
        width = TextPath((0, 0), text.get_text(), size=14 if {"code", "note"} & {*text["class"]} else 15, prop=font)
        around = [box for box in found if 0 < float(text["y"]) - box["y"] < box["height"]]
        around = [box for box in around if box["x"] + box["width"] / 2 == float(text["x"])]
        assert around or text["text-anchor"] == "start"
        assert all(width.get_extents().width < box["width"] for box in around), text.get_text()


def test_arrows_lead_to_ready_pods_and_dashed_ones_to_the_others():
    picture, _ = boxes(overview(**BUSY).svg())
    from_services = [path for path in picture("path") if path["d"].startswith(f"M {SERVICES} ")]
    assert sorted("dashed" in path["class"] for path in from_services) == [False, False, True, True]
    assert "dashed arrow" in picture.get_text()
    without, _ = boxes(overview(pods=[pod("a")], services=[service("s", {"app": "webapp"})]).svg())
    assert "dashed arrow" not in without.get_text()


def test_readiness_does_not_rely_on_color():
    words = boxes(overview(**BUSY).svg())[0].get_text()
    assert words.count("● Pod") == 3 and words.count("○ Pod") == 2


def test_a_notebook_gets_an_image_with_its_description_and_the_handout_keeps_both():
    shown = overview(**BUSY)._repr_html_()
    image = BeautifulSoup(shown, "html.parser").img
    assert image["alt"] == f"Overview of the namespace.\n{LIST}"
    assert b64decode(image["src"].partition("base64,")[2]).decode() == overview(**BUSY).svg()
    kept = BeautifulSoup(sanitize(shown), "html.parser")
    assert (kept.img["alt"], kept.img["src"]) == (image["alt"], image["src"])
    assert "$ kubectl get all" in kept.get_text()


def test_names_with_markup_stay_text():
    hostile = "<script>alert(1)</script>\"'"
    shown = overview(pods=[pod(hostile, waiting=hostile)])
    assert "<script>" not in shown.svg() and "<script>" not in shown._repr_html_()


def test_it_reads_the_namespace(api_server):
    for resource, items in BUSY.items():
        api_server.objects[resource] = items
    assert workbook.overview().text == LIST
    assert {request.split("/")[-2] for request in api_server.requests if request.endswith("pods")} == {"shop"}
    shown = workbook.overview(namespace="kube-system")
    assert repr(shown).startswith("$ kubectl get all --namespace=kube-system\n")
    assert any(re.search("/namespaces/kube-system/pods", request) for request in api_server.requests)


def test_a_refusal_is_explained(api_server):
    api_server.refused.add("GET")
    with pytest.raises(WorkbookError, match="refuses to list services"):
        workbook.overview()
