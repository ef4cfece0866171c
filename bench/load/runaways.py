"""What a runaway learner does, as source code for a kernel. Each ends within two minutes, and removes what it left."""

RUNAWAYS = {
    "fork loop: 3,000 processes asked for, 10 of them busy": """
import os, signal, time
children, begun = [], time.monotonic()
try:
    while len(children) < 3000 and time.monotonic() < begun + 30:
        if not (child := os.fork()):
            while len(children) < 10:
                pass
            time.sleep(120)
            os._exit(0)
        children.append(child)
except OSError as error:
    print(error)
print(len(children))
time.sleep(20)
for child in children:
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
""",
    "memory hog: 16 GB asked for": """
hoard = [bytes(100_000_000).replace(bytes(1), b"x") for _ in range(160)]
""",
    "1,000 Pods asked for": """
%load_ext workbook
%kubectl create deployment runaway --image=web-app:1.0 --replicas=1000
import time
from workbook import pods
time.sleep(20)
print(len(pods(selector="app=runaway")), "Pods")
%kubectl delete deployment runaway --wait
""",
    "full disk: 20 GB written to /tmp, 5 GB to the learner's files": """
import os, pathlib, time
for folder, size in ((pathlib.Path.home(), 5), (pathlib.Path("/tmp"), 20)):
    file = folder / "full"
    try:
        with file.open("wb") as sink:
            for _ in range(100 * size):
                sink.write(os.urandom(1_000_000) * 10)
        time.sleep(5 if size < 20 else 60)  # the kubelet does not look all the time
    except OSError as error:
        print(error)
    finally:
        print(folder, file.stat().st_size)
        file.unlink()
""",
}
