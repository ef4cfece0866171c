"""Set up from a bundle without a network, and hold a class in a browser. `make offline` runs this, and makes a bundle first; `BUNDLE=…` uses another one.

The machine is a network namespace with a loopback device, its own engine without images, an empty home, and a Python
without packages: see nowhere.py. A program records packets to other addresses than those of its devices. One such packet
fails the test.

When a Pod asks for a name outside of the cluster, as in notebook 05, CoreDNS asks the machine's name server. That is a
process in the same namespace, which knows no name. The names are printed. The test allows the names in the manifests, the
name with which kind's node detects Docker Desktop, and the registry that puzzle 2 of notebook 13 uses on purpose. CoreDNS
also asks for a random number, to detect whether its questions come back to itself.

The addresses of Services and Pods are the cluster's own. A Pod that connects to a Service before kube-proxy knows that
Service sends packets to its gateway. This way, a few packets from the first Pods of kube-system to the API server's
Service are recorded, too. They are counted separately.
"""

import csv
import re
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager, suppress
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
import yaml
from docker.auth import INDEX_NAME

from tests.offline.nowhere import NETWORK, Nowhere
from workbook.base.paths import ROOT
from workbook.base.polling import poll
from workbook.bundle import choose as bundle
from workbook.bundle.manifest import CLASS
from workbook.bundle.read import read
from workbook.publish import bundle as making

pytestmark = pytest.mark.slow
GOAL_START, GOAL_SIZE, GOAL_ADDED = 180, 1.5e9, 1e9
"""The most seconds from `make lab` to the first table, bytes of a bundle, and bytes that are added for a class."""
ADDED = "what only a class needs"
CLUSTER = tuple(map(ip_network, ("10.96.0.0/16", "10.244.0.0/16")))
"""The addresses of Services and of Pods in a kind cluster: https://kind.sigs.k8s.io/docs/user/configuration/#networking"""
TESTED = "make test"
"""The only purpose with which a node may ask a registry: puzzle 2 of notebook 13 has `imagePullPolicy: Always`."""
DESKTOP = "host.docker.internal"
"""The name that kind's node resolves to detect Docker Desktop."""
UNKNOWN = {"kubernetes", "webservice.svc"}
"""The names in an exercise of notebook 04 that no Service has, and that a Pod's resolver also asks for without an ending."""
LOOP = re.compile(r"\d+\.\d+")
"""A name with which CoreDNS finds out whether its questions come back to itself: https://coredns.io/plugins/loop/"""
SEARCHED = (".svc.cluster.local", ".cluster.local")
"""What a Pod's resolver appends to a name. CoreDNS itself knows all such names that exist."""


@pytest.fixture(scope="module")
def folder():
    """The bundle to test: the one in `BUNDLE`, or a new one."""
    if not (chosen := bundle.chosen()):
        making.bundle(for_class=True)
    return chosen.folder if chosen else making.FOLDER


@pytest.fixture
def student(folder, record_property):
    """An empty machine without a network. At the end, the addresses that it tried to reach are checked."""
    with Nowhere(folder) as machine:
        yield machine
        assert not machine.called(), "programs were called that a student's machine may lack"
        foreign = Counter(packet for packet in machine.packets() if not is_own(packet))
        early = len(machine.packets()) - foreign.total()
        assert not foreign, f"packets would have left this machine: {dict(foreign)}"
        names = {name for name in machine.names() if not (name.endswith(SEARCHED) or LOOP.fullmatch(name))}
        registry = {name for name in names if name.endswith(INDEX_NAME)}
        assert names - registry <= expected(), "it asked for other names"
        assert not registry or machine.purpose == TESTED, "it asked a registry"
    assert not machine.folder.exists()
    record_property("figure", (f"{machine.purpose}: packets to other addresses", str(sum(foreign.values()))))
    record_property("figure", (f"{machine.purpose}: packets to a Service that kube-proxy did not know yet", str(early)))
    record_property("figure", (f"{machine.purpose}: names that it asked for", " ".join(sorted(names)) or "none"))


def is_own(packet):
    """Whether a packet was for an address of the cluster, such as `tcp 10.96.0.1:443`."""
    target = re.search(r" (\d+\.\d+\.\d+\.\d+)", packet)
    return target is not None and any(ip_address(target[1]) in network for network in CLUSTER)


def expected():
    """The names that the machine may ask for: those in manifests and exercises, and the one that kind's node asks for.

    Names of Services are among them: when a Service does not exist, a Pod's resolver also asks for the bare name.
    """
    documents = [
        document
        for path in ROOT.glob("manifests/*.yaml")
        for document in yaml.safe_load_all(path.read_text(encoding="utf-8"))
    ]
    services = [document for document in documents if document["kind"] == "Service"]
    names = {service["metadata"]["name"] for service in services}
    external = {service["spec"]["externalName"] for service in services if "externalName" in service["spec"]}
    return {DESKTOP, *UNKNOWN, *names, *external}


def steps(output):
    """The steps that the workbook has printed, each with its time."""
    return re.findall(r"^✓ (.+?) \(([\d.]+ s)\)$", output, re.MULTILINE)


@contextmanager
def running(student, *words, **streams):
    """What a student has typed, as a process that ends with the block. `Popen` alone would wait for its end, even after a failure."""
    with subprocess.Popen(student.verb(*words), cwd=student.workbook, env=student.environment, **streams) as process:
        try:
            yield process
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(60)
            process.kill()


def test_the_bundle_is_small_enough(folder, record_property):
    sizes, for_class = Counter(), of_class(folder)
    for name, file in read(folder)["files"].items():
        sizes[ADDED if name in for_class else name.partition("/")[0]] += file["size"]
    for part, size in sorted(sizes.items()):
        record_property("figure", (f"size of {part}", f"{size / 1e6:.0f} MB"))
    total = sizes.total() - sizes[ADDED]
    assert total <= GOAL_SIZE and sizes[ADDED] <= GOAL_ADDED
    record_property("figure", ("size of the bundle", f"{total / 1e6:.0f} MB (goal: {GOAL_SIZE / 1e6:.0f})"))


def of_class(folder):
    """The files with the images of a class, if the bundle was made for one."""
    packed = read(folder)["images"]
    return {packed[purpose]["file"] for purpose in (*CLASS, "network") if purpose in packed}


def test_from_nothing_to_the_first_table(student, record_property):
    student.purpose = "make lab"
    begun = time.monotonic()
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "encoding": "utf-8", "errors": "replace"}
    with running(student, "lab", **streams) as lab:
        output = ""
        for line in lab.stdout:
            output += line
            if address := re.search(r"JupyterLab: (\S+)", line):
                break
        else:
            pytest.fail(output)
        table = subprocess.run(
            student.inside(
                student.workbook / ".venv/bin/python",
                Path(__file__).with_name("first_table.py"),
                address[1],
                student.workbook / "notebooks/00_start-here.ipynb",
            ),
            env=student.environment,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=300,
        )
        seconds = time.monotonic() - begun
        lab.terminate()
        output += lab.communicate(timeout=60)[0]
    assert table.returncode == 0, table.stdout + table.stderr
    print(output, table.stdout)
    for step, time_taken in steps(output):
        record_property("figure", (f"make lab: {step}", time_taken))
    record_property("figure", ("make lab, from nothing to the first table", f"{seconds:.0f} s (goal: {GOAL_START})"))
    assert seconds <= GOAL_START


def test_all_notebooks_pass(student, record_property):
    student.purpose = TESTED
    begun = time.monotonic()
    log = making.FOLDER.parent / "offline.log"
    with log.open("w", encoding="utf-8") as out:
        done = subprocess.run(
            student.verb("test", "notebooks", "-p", "no:cacheprovider"),
            cwd=student.workbook,
            env=student.environment,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    output = log.read_text(encoding="utf-8")
    assert done.returncode == 0, output[-5000:]
    result = re.search(r"=+ (\d+ passed.*?) in ", output)[1]
    record_property("figure", ("make test, from nothing: all notebooks", f"{result}, {time.monotonic() - begun:.0f} s"))
    print(f"The whole log: {log.relative_to(ROOT)}")


def test_a_class_in_a_browser(student, folder, record_property):
    if not of_class(folder):
        pytest.skip("this bundle was made without `--class`")
    student.purpose = "make class"
    begun, log = time.monotonic(), making.FOLDER.parent / "offline-class.log"
    links = student.workbook / "build" / "classroom" / "links.csv"
    with (
        log.open("w", encoding="utf-8") as out,
        running(student, "class", "1", stdout=out, stderr=out) as opened,
    ):
        poll(lambda: links.exists() or opened.poll() is not None, timeout=900)
        assert opened.poll() is None, log.read_text(encoding="utf-8")[-5000:]
        seconds = time.monotonic() - begun
        ((name, link),) = list(csv.reader(links.read_text(encoding="utf-8").splitlines()))[1:]
        # As a browser does, the learner comes from outside of the class, and with packages of their own.
        learner = subprocess.run(
            student.inside(sys.executable, "-m", "tests.offline.learner", name, link),
            cwd=ROOT,
            env=student.environment,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=900,
        )
    assert learner.returncode == 0, learner.stdout + learner.stderr
    record_property("figure", ("make class, from nothing to the links", f"{seconds:.0f} s"))
    for step, time_taken in [*steps(log.read_text(encoding="utf-8")), *steps(learner.stdout)]:
        record_property("figure", (f"make class: {step}", time_taken))


TRIES = """
import socket
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("203.0.113.7", 9))
try:
    with socket.socket() as client:
        client.settimeout(1)
        client.connect(("203.0.113.8", 443))
except TimeoutError:
    pass
try:
    socket.gethostbyname("elsewhere.example")
except socket.gaierror:
    pass
"""


def test_packets_that_would_leave_are_recorded(folder):
    """These tests can fail: they detect attempts to reach the network, from the machine and from a container."""
    with Nowhere(folder) as machine:
        image = read(folder)["images"]["python"]
        for words in (
            ("docker", "load", "--quiet", "--input", folder / image["file"]),
            ("docker", "run", "--rm", "--entrypoint", "python", image["tag"], "-c", TRIES),
        ):
            subprocess.run(machine.inside(*words), check=True, env=machine.environment)
        assert {"udp 203.0.113.7:9", "tcp 203.0.113.8:443"} == set(machine.packets())
        assert machine.names() == ["elsewhere.example"]
        subprocess.run(machine.inside(machine.python, "-c", TRIES), check=True, env=machine.environment)
        assert len([packet for packet in machine.packets() if packet == "udp 203.0.113.7:9"]) == 2
        subprocess.run(machine.inside("git", "fetch"), env=machine.environment)
        assert machine.called() == ["git fetch"]
    assert not machine.folder.exists() and not Path("/run/netns", NETWORK).exists()
