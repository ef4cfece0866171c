"""The exam's requirements: an empty namespace meets none, the solution's manifests meet all, and each mistake fails one."""

import copy
import re

import nbformat
import pandas as pd
import pytest
import yaml

import workbook
from workbook.base.errors import WorkbookError
from workbook.base.notebooks import find
from workbook.lessons import exam
from workbook.lessons.exam import REQUIREMENTS, RESOURCES, Application
from workbook.lessons.kubectl import MANIFESTS
from workbook.lessons.page import Page

SOLUTION = MANIFESTS / "solutions/14-clock"
NAMES = [*REQUIREMENTS]


def manifests():
    """The solution's objects, by the names of their files."""
    return {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in SOLUTION.iterdir()}


def created(found):
    """What the cluster has after these manifests were applied: the objects with UIDs, and what controllers add to them."""
    objects = {resource: [] for resource in RESOURCES}
    for item in copy.deepcopy([*found.values()]):
        resource = f"{item['kind'].lower()}s"
        item["metadata"]["uid"] = f"{resource}/{item['metadata']['name']}"
        objects[resource].append(item)
        spec = item["spec"]
        if resource == "services":
            spec.setdefault("type", "ClusterIP")
            spec.setdefault("clusterIP", "10.96.0.1")
            continue
        for number in range(spec["replicas"]):
            ordinal = f"-{number}" if resource == "statefulsets" else f"-555df568bd-{number}"
            name = item["metadata"]["name"] + ordinal
            status = {"conditions": [{"type": "Ready", "status": "True"}], "podIP": f"address of {name}"}
            metadata = {"name": name, "labels": spec["template"]["metadata"]["labels"]}
            objects["pods"].append({"metadata": metadata, "status": status, "spec": spec["template"]["spec"]})
    for service in objects["services"]:
        if selector := service["spec"].get("selector"):
            matching = [pod for pod in objects["pods"] if selector.items() <= pod["metadata"]["labels"].items()]
            endpoints = [
                {"targetRef": {"name": pod["metadata"]["name"]}, "conditions": {"ready": True}} for pod in matching
            ]
            labels = {"kubernetes.io/service-name": service["metadata"]["name"]}
            objects["endpointslices"].append({"metadata": {"name": "a", "labels": labels}, "endpoints": endpoints})
    old = yaml.safe_load((MANIFESTS / "solutions/14-time-deployment-v1.yaml").read_text(encoding="utf-8"))
    for deployment in [old, *objects["deployments"]]:
        owner = {"uid": f"deployments/{deployment['metadata']['name']}"}
        spec = {"template": deployment["spec"]["template"]}
        objects["replicasets"].append({"metadata": {"name": "a", "ownerReferences": [owner]}, "spec": spec})
    return Application(objects)


@pytest.fixture(autouse=True)
def behavior(monkeypatch):
    """All requests are answered, and the name service knows the archive's Pods."""
    answers = {
        "http://clock-page": "Welcome user! current time is 12:00",
        "http://clock-time": "Welcome user! current time is 12:00",
        "http://clock-archive-0.clock-archive:5000": "Welcome!",
    }

    def page(url, *, inside, until, timeout):
        assert until in answers[url]
        return Page(url, 200, answers[url])

    addresses = [f"address of clock-archive-{number}" for number in range(2)]
    records = pd.DataFrame({"TYPE": ["A", "A"], "VALUE": addresses})
    monkeypatch.setattr(exam, "page", page)
    monkeypatch.setattr(exam, "dns_lookup", lambda name, target: records)
    monkeypatch.setattr(exam, "diagnose", list)
    monkeypatch.setattr(exam, "PATIENCE", 0.01)
    monkeypatch.setattr(exam, "SETTLING", 0.01)


def missed(found):
    """The numbers of the requirements that an application does not meet."""
    return [number for number, holds in enumerate(REQUIREMENTS.values(), start=1) if not holds(found)]


def number(words):
    (found,) = [place for place, name in enumerate(NAMES, start=1) if words in name]
    return found


def test_the_specification_has_the_same_words_and_numbers():
    (path,) = find(("14",))
    source = "\n".join(cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "markdown")
    rows = re.findall(r"^\| (\d+) \| (.+?)\.(?: .*)? \|$", source.replace("`", ""), re.MULTILINE)
    assert rows == [(str(number), name) for number, name in enumerate(NAMES, start=1)]


def test_there_are_twenty_or_more_with_different_words():
    assert len(NAMES) >= 20


def test_an_empty_namespace_meets_none():
    assert missed(Application({resource: [] for resource in RESOURCES})) == [*range(1, len(NAMES) + 1)]


def test_the_solution_meets_all():
    assert created(manifests()).is_settled()
    assert missed(created(manifests())) == []


def container(found, part):
    kind = "statefulset" if part == "archive" else "deployment"
    return found[f"{part}-{kind}"]["spec"]["template"]["spec"]["containers"][0]


def template(found, part):
    kind = "statefulset" if part == "archive" else "deployment"
    return found[f"{part}-{kind}"]["spec"]["template"]


def set_at(*path):
    """A mistake: the last of `path` becomes the value of the field before it, in the manifest that the first one names."""

    def change(found):
        item = found[path[0]]
        for key in path[1:-2]:
            item = item[key]
        item[path[-2]] = path[-1]

    return change


def limits(surge, unavailable):
    """A change of the limits of the part time's updates."""
    return set_at(
        "time-deployment", "spec", "strategy", "rollingUpdate", {"maxSurge": surge, "maxUnavailable": unavailable}
    )


@pytest.mark.parametrize(
    ("mistake", "words"),
    [
        (lambda found: template(found, "time")["metadata"]["labels"].pop("app"), "has the label app"),
        (lambda found: container(found, "time").pop("resources"), "requests CPU"),
        (lambda found: container(found, "page")["resources"]["limits"].update(memory="1Gi"), "requests CPU"),
        (lambda found: container(found, "page")["resources"]["requests"].pop("cpu"), "requests CPU"),
        (lambda found: found["page-service"]["spec"]["selector"].pop("part"), "of its own part"),
        (lambda found: container(found, "page").update(image="frontend-app:2.0"), "runs the image frontend-app"),
        (set_at("page-deployment", "spec", "replicas", 1), "The page has two"),
        (lambda found: container(found, "page").pop("env"), "WEBAPP_URL"),
        (lambda found: container(found, "page").pop("readinessProbe"), "path /health"),
        (lambda found: container(found, "page").pop("livenessProbe"), "is restarted"),
        (lambda found: found["page-service"]["spec"].pop("type"), "port of each node"),
        (lambda found: found["page-service"]["spec"]["ports"][0].update(port=8080), "leads to both"),
        (lambda found: container(found, "time").update(image="web-app:1.0"), "runs the image web-app:2.0"),
        (set_at("time-deployment", "spec", "replicas", 4), "The part time has three"),
        (set_at("time-deployment", "spec", "strategy", {"type": "Recreate"}), "An update of the part time"),
        (limits(2, 0), "An update of the part time"),
        (limits(1, 1), "An update of the part time"),
        (limits("50%", 0), "An update of the part time"),
        (limits(1, "34%"), "An update of the part time"),
        (limits("0%", "25%"), "An update of the part time"),  # both are 0, so that Kubernetes takes one Pod away
        (lambda found: found.pop("time-deployment"), "An update of the part time"),
        (lambda found: container(found, "time")["readinessProbe"]["httpGet"].update(port=80), "path / answers"),
        (lambda found: container(found, "time").pop("readinessProbe"), "path / answers"),
        (lambda found: container(found, "time").update(readinessProbe={"tcpSocket": {"port": 5000}}), "path / answers"),
        (lambda found: container(found, "time")["readinessProbe"].pop("periodSeconds"), "every two seconds"),
        (set_at("time-service", "spec", "type", "LoadBalancer"), "only be reached from inside"),
        (lambda found: found["time-service"]["spec"]["selector"].update(part="times"), "leads to the three Pods"),
        (lambda found: container(found, "archive").update(image="web-app:2.0"), "runs the image web-app:1.0"),
        (set_at("archive-statefulset", "spec", "replicas", 1), "clock-archive-1"),
        (set_at("archive-statefulset", "spec", "serviceName", "archive"), "is headless"),
        (lambda found: found["archive-service"]["spec"].pop("clusterIP"), "is headless"),
        (set_at("weather-service", "spec", "externalName", "weather.example.org"), "stands for"),
    ],
)
def test_a_mistake_is_found(mistake, words):
    found = manifests()
    mistake(found)
    assert number(words) in missed(created(found))


@pytest.mark.parametrize("right", [(1, 0), (1, "0%"), ("25%", "25%"), ("33%", "33%"), ("1%", 0)])
def test_limits_of_an_update_are_rounded_as_kubernetes_does(right):
    found = manifests()
    limits(*right)(found)
    assert missed(created(found)) == []


def test_an_update_of_more_pods_may_miss_one():
    found = manifests()
    set_at("time-deployment", "spec", "replicas", 4)(found)
    limits("25%", "25%")(found)
    assert number("An update of the part time") not in missed(created(found))


def test_a_limit_is_a_request_too():
    found = manifests()
    container(found, "time")["resources"] = {"limits": {"cpu": "100m", "memory": "128Mi"}}
    assert missed(created(found)) == []


def test_the_url_may_come_from_a_config_map():
    found = manifests()
    (variable,) = container(found, "page")["env"]
    variable["valueFrom"] = {"configMapKeyRef": {"name": "settings", "key": "url"}}
    url, application = variable.pop("value"), created(found)
    assert missed(application) == [number("WEBAPP_URL")]
    application.objects["configmaps"].append({"metadata": {"name": "settings"}, "data": {"url": url}})
    assert missed(application) == []


def test_a_pod_that_is_being_deleted_does_not_count():
    found = created(manifests())
    metadata = {"name": "old", "labels": {"app": "clock", "part": "page"}, "deletionTimestamp": "2026-01-01T00:00:00Z"}
    found.objects["pods"].append({"metadata": metadata, "status": {}})
    assert missed(found) == []


def test_each_part_is_missed():
    for part in ("page", "time", "archive"):
        found = created({name: item for name, item in manifests().items() if not name.startswith(part)})
        assert {number("has the label app"), number("diagnose()")} <= {*missed(found)}


def test_the_first_version_must_have_run():
    found = created(manifests())
    found.objects["replicasets"].pop(0)
    assert number("updated from") in missed(found)


def test_a_pod_that_is_not_ready_counts_as_missing():
    found = created(manifests())
    for pod in found.objects["pods"]:
        pod["status"]["conditions"][0]["status"] = "False"
    wanted = {"The page has two", "The part time has three", "clock-archive-1", "shows the time", "Other Pods get"}
    assert {number(words) for words in wanted} <= {*missed(found)}


def test_without_an_answer_the_behavior_is_missed(monkeypatch):
    def silent(url, **options):
        raise WorkbookError("There is no answer.")

    monkeypatch.setattr(exam, "page", silent)
    monkeypatch.setattr(exam, "dns_lookup", silent)
    wanted = ("shows the time", "Other Pods get", "to the addresses of both", "reached alone")
    assert {number(words) for words in wanted} <= {*missed(created(manifests()))}


def test_a_problem_that_diagnose_finds_is_missed(monkeypatch):
    monkeypatch.setattr(exam, "diagnose", lambda: ["a finding"])
    assert number("diagnose()") in missed(created(manifests()))


@pytest.mark.parametrize(
    ("quantity", "size"),
    [("128Mi", 128 * 1024**2), ("1.5k", 1500), ("100", 100), ("many", 0), (None, 0)],
)
def test_quantities_of_memory(quantity, size):
    assert exam._bytes(quantity) == size


def test_probes_may_name_a_port():
    found = manifests()
    container(found, "time")["ports"][0]["name"] = "http"
    container(found, "time")["readinessProbe"]["httpGet"]["port"] = "http"
    assert number("path / answers") not in missed(created(found))


def test_it_waits_until_the_endpoints_have_followed():
    found = created(manifests())
    found.objects["endpointslices"][0]["endpoints"].pop()
    assert not found.is_settled()


def test_it_reads_the_cluster(api_server):
    found = workbook.requirements()
    assert [*found.values()] == [False] * len(NAMES)
    assert next(iter(found)).startswith("1. ")
