"""Names as a Pod sees them: DNS queries from inside the cluster."""

import json

import pandas as pd

from workbook.lessons.kubectl import kubectl

# What the Pod runs: one question to its own name server, with Python's standard library, which has no DNS client.
# https://www.rfc-editor.org/rfc/rfc1035 (4.1: format of messages). A datagram may be lost, so it asks twice, five seconds each,
# as the C library does: https://man7.org/linux/man-pages/man5/resolv.conf.5.html (attempts, timeout)
PROGRAM = """
import json, socket, struct, sys
name, kind = sys.argv[1], {"A": 1, "CNAME": 5}[sys.argv[2]]
lines = [line.split() for line in open("/etc/resolv.conf") if line.strip()]
server = next(words[1] for words in lines if words[0] == "nameserver")
search = next((words[1:] for words in lines if words[0] == "search"), [])
def read(data, at):
    labels, jumped = [], None
    while data[at]:
        if data[at] >= 192:
            jumped, at = jumped or at + 2, struct.unpack("!H", data[at:at + 2])[0] & 0x3fff
            continue
        labels.append(data[at + 1:at + 1 + data[at]].decode())
        at += 1 + data[at]
    return ".".join(labels), jumped or at + 1
def ask(full):
    words = b"".join(bytes([len(label)]) + label.encode() for label in full.split("."))
    channel = socket.socket(socket.AF_INET6 if ":" in server else socket.AF_INET, socket.SOCK_DGRAM)
    channel.settimeout(5)
    for _ in range(2):
        channel.sendto(struct.pack("!6H", 7, 0x100, 1, 0, 0, 0) + words + struct.pack("!BHH", 0, kind, 1), (server, 53))
        try:
            data = channel.recv(4096)
            break
        except TimeoutError:
            pass
    else:
        sys.exit("The cluster's name server " + server + " does not answer.")
    found, at = [], read(data, 12)[1] + 4
    for _ in range(struct.unpack("!H", data[6:8])[0]):
        owner, at = read(data, at)
        sort, _, _, length = struct.unpack("!HHIH", data[at:at + 10])
        at += 10
        if sort == 1:
            found.append([owner, "A", socket.inet_ntoa(data[at:at + 4])])
        if sort == 5:
            found.append([owner, "CNAME", read(data, at)[0]])
        at += length
    return found
answers = []
for full in [name.rstrip(".")] if name.endswith(".") else [name + "." + end for end in search] + [name]:
    answers = ask(full)
    if answers:
        break
print(json.dumps(answers))
"""


def dns_lookup(name: str, *, target: str, kind: str = "A", namespace: str = "") -> pd.DataFrame:
    """Asks the cluster's DNS for `name`, from inside a Pod, as a program there would: along the Pod's search list.

    Args:
        name: the name, such as `"webservice"`, or a full one with a dot at its end.
        target: whose Pod asks: `"deployment/NAME"` or `"pod/NAME"`. Its image must have Python.
        kind: the kind of record, `"A"` or `"CNAME"`.
        namespace: the Namespace of `target`, unless it is the workbook's own.

    Returns:
        One row per record; the index is NAME, the columns are TYPE and VALUE. No rows: there is no such name.

    Raises:
        KubectlError: the Pod is not there, or cannot run Python, or its name server does not answer.

    Documentation: https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/
    """
    where = ["--namespace", namespace] if namespace else []
    printed = kubectl("exec", *where, target, "--", "python", "-c", PROGRAM, name, kind)
    frame = pd.DataFrame(json.loads(printed.splitlines()[-1]), columns=["NAME", "TYPE", "VALUE"])
    return frame.set_index("NAME").rename_axis(index=None, columns="NAME")
