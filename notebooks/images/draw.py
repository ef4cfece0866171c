"""Draw the notebooks' pictures: `python notebooks/images/draw.py` writes the SVG files next to this one.

workbook/lessons/picture.py has the boxes and arrows. A static test compares the files with this source.
"""

from collections.abc import Callable
from pathlib import Path

from workbook.lessons.picture import Picture

HERE = Path(__file__).parent


def control_loop() -> Picture:
    picture = Picture(286, "The control loop")
    picture.box(16, 16, 206, 62, "desired state", "~you declared: 3 Pods")
    picture.box(258, 16, 206, 62, "actual state", "~the cluster runs: 2 Pods")
    picture.box(120, 116, 240, 54, "a controller compares", "~3 is not 2")
    picture.box(120, 208, 240, 62, "and acts", "~it creates one Pod", style="second")
    picture.arrow((119, 78), (190, 114))
    picture.arrow((361, 78), (290, 114))
    picture.arrow((240, 170), (240, 206))
    picture.arrow((360, 239), (440, 239), (440, 80))
    return picture


def architecture() -> Picture:
    picture = Picture(592, "The parts of Kubernetes")
    picture.box(150, 14, 180, 46, "kubectl", "~and other clients")
    picture.frame(80, 196, "control plane")
    picture.box(140, 112, 200, 46, "API server")
    picture.box(24, 204, 116, 56, "etcd", "~stores objects")
    picture.arrow((150, 158), (90, 202))  # the API server is etcd's client
    for x, end, name, note in ((182, 240, "scheduler", "~picks a node"), (340, 322, "controllers", "~close gaps")):
        picture.box(x, 204, 116, 56, name, note)
        picture.arrow((x + 58, 204), (end, 160))
    picture.arrow((240, 60), (240, 110))
    picture.frame(300, 280, "each node")
    picture.box(76, 336, 150, 52, "kubelet", "~runs Pods")
    picture.box(254, 336, 150, 52, "kube-proxy", "~watches Services")
    picture.arrow((161, 336), (161, 160))
    picture.arrow((319, 336), (319, 160))
    picture.box(76, 424, 150, 52, "container", "runtime")
    picture.box(254, 424, 150, 52, "network rules", "~in the kernel")
    picture.arrow((151, 388), (151, 422))
    picture.arrow((329, 388), (329, 422))
    picture.box(32, 512, 110, 50, "Pod", "~containers", style="second")
    picture.box(160, 512, 110, 50, "Pod", "~containers", style="second")
    picture.arrow((120, 476), (94, 510))
    picture.arrow((182, 476), (208, 510))
    return picture


def image_to_node() -> Picture:
    picture = Picture(470, "From a Dockerfile to a container")
    picture.frame(12, 92, "files on your machine")
    for x, width, name in ((28, 110, "`Dockerfile"), (154, 172, "`requirements.txt"), (342, 110, "`app.py")):
        picture.box(x, 46, width, 42, name)
    picture.text(256, 134, "docker build", "code", "start")
    picture.arrow((240, 104), (240, 154))
    picture.frame(156, 126, "image web-app:1.0, in layers")
    for number, layer in enumerate(("your program", "Flask", "Python")):
        picture.box(110, 186 + 30 * number, 260, 28, layer)
    picture.text(254, 312, "built there, or copied there", "note", "start")
    picture.arrow((240, 282), (240, 332))
    picture.frame(334, 124, "node")
    picture.box(28, 372, 160, 62, "image store", "`web-app:1.0")
    picture.box(292, 372, 160, 62, "Pod", "~container", style="second")
    picture.arrow((188, 403), (290, 403))
    picture.text(239, 393, "kubelet", "note")
    return picture


def ownership() -> Picture:
    picture = Picture(420, "A Deployment, its ReplicaSet and its Pod")
    picture.box(70, 16, 340, 66, "Deployment", "`webapp-deployment", "~you created it")
    picture.text(256, 112, "creates one for each template", "note", "start")
    picture.arrow((240, 82), (240, 126))
    picture.box(
        70, 128, 340, 66, "ReplicaSet", "`webapp-deployment-555df568bd", "~its name ends in the template's hash"
    )
    picture.text(256, 224, "creates as many as you want", "note", "start")
    picture.arrow((240, 194), (240, 238))
    picture.box(
        70, 240, 340, 66, "Pod", "`webapp-deployment-555df568bd-n7mr8", "~and five random characters", style="second"
    )
    picture.box(70, 346, 340, 60, "labels of the Pod", "`app: webapp", style="frame")
    picture.text(240, 335, "selected by its labels", "note")
    picture.arrow((70, 376), (36, 376), (36, 161), (68, 161), dashed=True)
    picture.arrow((36, 161), (36, 49), (68, 49), dashed=True)
    return picture


def service() -> Picture:
    picture = Picture(452, "How a Service finds its Pods")
    picture.box(100, 14, 280, 66, "Service webservice", "`selector: app=webapp", "~port 80, to port 5000 of the Pods")
    picture.text(256, 112, "which Pods have this label?", "note", "start")
    picture.arrow((240, 80), (240, 128))
    for x, ip, label, style in (
        (16, "10.244.0.6", "`app: webapp", "box"),
        (174, "10.244.0.7", "`app: webapp", "box"),
        (332, "10.244.0.9", "`app: frontend", "second"),
    ):
        picture.box(x, 130, 132, 76, "Pod", f"~{ip}", label, style=style)
    picture.text(398, 226, "no match", "note")
    picture.text(82, 226, "ready", "note")
    picture.text(240, 226, "not ready yet", "note")
    picture.arrow((82, 234), (130, 278))
    picture.arrow((240, 234), (240, 278))
    picture.box(60, 280, 360, 86, "EndpointSlice", "`10.244.0.6:5000  ready: true", "`10.244.0.7:5000  ready: false")
    picture.arrow((240, 366), (240, 400))
    picture.box(60, 402, 360, 38, "requests go to the ready endpoints only")
    return picture


def request_path() -> Picture:
    picture = Picture(430, "The way of a request")
    picture.box(28, 14, 190, 62, "client outside", "`node's IP:30080")
    picture.box(262, 14, 190, 62, "Pod in the cluster", "`webservice:80")
    picture.frame(112, 210, "node")
    picture.box(60, 146, 220, 72, "kernel", "~rewrites the address", "~to one ready Pod")
    picture.box(330, 146, 120, 72, "kube-proxy", "~writes the", "~kernel's rules", style="second")
    picture.arrow((330, 182), (282, 182), dashed=True)
    picture.arrow((123, 76), (140, 144))
    picture.arrow((357, 76), (210, 144))
    picture.box(28, 260, 140, 48, "Pod", "`10.244.0.6:5000")
    picture.box(190, 260, 140, 48, "Pod", "`10.244.0.7:5000")
    picture.arrow((150, 218), (110, 258))
    picture.arrow((195, 218), (250, 258), dashed=True)
    picture.text(240, 352, "A connection goes to one Pod. The next one may go to the other.", "note")
    picture.text(240, 380, "No request passes through kube-proxy: it only keeps", "note")
    picture.text(240, 399, "the kernel's rules up to date.", "note")
    return picture


def rolling_update() -> Picture:
    picture = Picture(404, "A rolling update of four Pods")
    rows = (
        ("before", "4 ready"),
        ("one removed, two started", "3 ready, 5 in all"),
        ("both are ready: go on", "3 ready, 5 in all"),
        ("after", "4 ready"),
    )
    states = ((4, 0, 0), (3, 0, 2), (1, 2, 2), (0, 4, 0))
    for number, ((name, note), (old, new, starting)) in enumerate(zip(rows, states, strict=True)):
        y = 18 + 84 * number
        picture.text(16, y + 14, f"{number + 1}. {name}", "title", "start")
        picture.text(464, y + 14, note, "note", "end")
        x = 16
        for count, words, style in ((old, "v1", "box"), (new, "v2", "second"), (starting, "v2 …", "frame")):
            for _ in range(count):
                picture.box(x, y + 24, 84, 38, words, style=style)
                x += 91
    picture.text(16, 366, "maxUnavailable 25 %: at least 3 of 4 are ready at any time.", "note", "start")
    picture.text(16, 386, "maxSurge 25 %: at most 5 exist. v2 … is starting, not ready.", "note", "start")
    return picture


def probes() -> Picture:
    picture = Picture(424, "Which probe decides what")
    rows = (
        (
            "startup probe",
            "Has it started?",
            "the other probes wait",
            "failed too often:",
            "restart the container",
        ),
        (
            "readiness probe",
            "Can it serve now?",
            "for the container's whole life",
            "while it fails:",
            "no requests by Services",
        ),
        (
            "liveness probe",
            "Does it hang?",
            "for the container's whole life",
            "3 failures in a row:",
            "restart the container",
        ),
    )
    for number, (name, question, when, *result) in enumerate(rows):
        y = 16 + 136 * number
        picture.box(16, y, 216, 84, name, question, f"~{when}")
        picture.arrow((232, y + 42), (264, y + 42))
        picture.box(266, y, 198, 84, *result, style="second")
        if number < 2:
            picture.text(124, y + 114, ("once it has succeeded:", "at the same time:")[number], "note")
    return picture


def lost_node() -> Picture:
    picture = Picture(424, "What happens after a node is lost")
    rows = (
        ("0 s", ("The node is silent.", "~Its Pod is still", "~a ready endpoint."), ("requests", "partly fail")),
        ("50 s", ("It's NotReady.", "~Its Pod is no longer", "~a ready endpoint."), ("requests", "succeed again")),
        ("50 s +", ("The Pod is given up.", "~A new Pod starts", "~on another node."), ("all replicas", "are back")),
        ("later", ("The node is back.", "~The old Pod is deleted,", "~the new one stays."), ("no change",)),
    )
    for number, (when, happens, result) in enumerate(rows):
        y = 16 + 102 * number
        picture.text(72, y + 43, when, "title", "end")
        picture.box(88, y, 220, 78, *happens)
        picture.arrow((308, y + 39), (336, y + 39))
        picture.box(338, y, 126, 78, *result, style="second")
        if number < 3:
            picture.arrow((198, y + 78), (198, y + 100))
    picture.text(72, 16 + 204 + 61, "toleration", "note", "end")
    return picture


def diagnosis() -> Picture:
    picture = Picture(640, "What to look at when a Pod does not work")
    picture.box(110, 14, 260, 46, "`kubectl get pods", "~what is its STATUS?")
    rows = (
        (("Pending",), ("`kubectl describe pod", "~no node fits: requests, selectors")),
        (("Container-", "Creating"), ("`kubectl describe pod", "~a volume or Secret is missing")),
        (("ErrImage…", "ImagePullBackOff"), ("`kubectl describe pod", "~name, tag, policy of the image")),
        (("Error", "CrashLoopBackOff"), ("`kubectl logs [--previous]", "~why did the program end?")),
        (("Running, 0/1",), ("`kubectl describe pod", "~what does the probe report?")),
        (
            ("Running, 1/1,", "~but no answer"),
            ("`kubectl get endpointslices", "~none: compare selector, labels", "~some: compare the ports"),
        ),
    )
    picture.arrow((24, 37), (24, 84 + 90 * 5 + 32), head=False)
    picture.arrow((110, 37), (24, 37), head=False)
    for number, (status, action) in enumerate(rows):
        y = 80 + 90 * number
        picture.box(48, y, 158, 70, *status)
        picture.arrow((24, y + 35), (46, y + 35))
        picture.arrow((206, y + 35), (228, y + 35))
        picture.box(230, y, 238, 70, *action, style="second")
    return picture


PICTURES: tuple[Callable[[], Picture], ...] = (
    control_loop,
    architecture,
    image_to_node,
    ownership,
    service,
    request_path,
    rolling_update,
    probes,
    lost_node,
    diagnosis,
)


def drawn() -> dict[Path, str]:
    """Return the text of each picture, by its file."""
    return {HERE / f"{draw.__name__.replace('_', '-')}.svg": draw().svg() for draw in PICTURES}


if __name__ == "__main__":
    for path, text in drawn().items():
        path.write_text(text, encoding="utf-8")
