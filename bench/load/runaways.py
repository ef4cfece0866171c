"""What a runaway learner does, as source code for a kernel. Each ends within a minute, and removes what it left."""

RUNAWAYS = {
    "fork loop: 3,000 busy processes asked for": """
import os, signal, time
children = []
try:
    for _ in range(3000):
        if not (child := os.fork()):
            while True:
                pass
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
time.sleep(20)
%kubectl get pods --selector app=runaway --no-headers -o name
%kubectl delete deployment runaway --wait
""",
    "full disk: 20 GB written to /tmp, 5 GB to the learner's files": """
import os, pathlib
for folder, size in ((pathlib.Path.home(), 5), (pathlib.Path("/tmp"), 20)):
    file = folder / "full"
    try:
        with file.open("wb") as sink:
            for _ in range(100 * size):
                sink.write(os.urandom(1_000_000) * 10)
    except OSError as error:
        print(error)
    finally:
        print(folder, file.stat().st_size)
        file.unlink()
""",
}
