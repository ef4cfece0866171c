"""Record every packet that would leave an isolated network.

Run as root in a network namespace, with the file to write to as the argument. It creates the device `outside`, and
routes all packets to it that no address in the namespace takes. It is also the name server for the containers in the
namespace: it records every question, and answers as if there were no network.
"""

import fcntl
import ipaddress
import os
import select
import socket
import struct
import subprocess
import sys
from pathlib import Path

NAMESERVER = "198.51.100.53"
"""An address of the loopback device in the namespace, from a network that is reserved for documentation (RFC 5737)."""
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
"""See https://docs.kernel.org/networking/tuntap.html"""
SERVFAIL = 0x8182
"""The second field of the answer of a name server that reaches no other."""
PROTOCOLS = {1: "icmp", 6: "tcp", 17: "udp", 58: "icmp6"}
FROM_KERNEL = {"0 ff02::16"}
"""The kernel announces the device to routers, without being asked: https://www.rfc-editor.org/rfc/rfc3810"""


def main(path: str) -> None:
    """Create the device, then record packets and questions in the file at `path` until this process is ended."""
    device = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH", b"outside", IFF_TUN | IFF_NO_PI))
    for words in (
        "link set lo up",
        f"address add {NAMESERVER}/32 dev lo",
        "link set outside addrgenmode none",  # otherwise the kernel itself looks for routers
        "link set outside up",
        "address add 192.0.2.1/32 dev outside",
        "route add default dev outside",
        "-6 route add default dev outside",
    ):
        subprocess.run(["ip", *words.split()], check=True)
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((NAMESERVER, 53))
    with Path(path).open("w", buffering=1, encoding="utf-8") as log:
        print("ready", file=log)
        while True:
            for readable in select.select([device, server], [], [])[0]:
                if readable is server:
                    question, sender = server.recvfrom(4096)
                    print("name", name(question), file=log)
                    server.sendto(question[:2] + struct.pack("!H", SERVFAIL) + question[4:], sender)
                elif (target := destination(os.read(device, 65536))) not in FROM_KERNEL:
                    print("packet", target, file=log)


def destination(packet: bytes) -> str:
    """The destination of a packet, such as `tcp 203.0.113.7:443`; for a question to a name server, also the name."""
    if packet[0] >> 4 == 4:
        protocol, target, payload = packet[9], packet[16:20], packet[(packet[0] & 15) * 4 :]
    else:
        protocol, target, payload = packet[6], packet[24:40], packet[40:]
    text = f"{PROTOCOLS.get(protocol, protocol)} {ipaddress.ip_address(target)}"
    if protocol in (6, 17):
        port = int.from_bytes(payload[2:4], "big")
        text += f":{port}" + (f" {name(payload[8:])}" if (protocol, port) == (17, 53) else "")
    return text


def name(question: bytes) -> str:
    """The name in a question to a name server. Not by dnspython, which refuses a malformed packet: here each is recorded.

    Documentation: https://www.rfc-editor.org/rfc/rfc1035#section-4.1.2
    """
    labels, position = [], 12
    while position < len(question) and (size := question[position]):
        labels.append(question[position + 1 : position + 1 + size].decode(errors="replace"))
        position += size + 1
    return ".".join(labels)


if __name__ == "__main__":
    main(sys.argv[1])
