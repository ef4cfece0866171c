"""The way out of a network that leads nowhere: every packet that would leave it ends here, and is written down.

Run in a network namespace, as root, with the file to write into. There it makes the device `outside` and sends all by
it that is for no address of the namespace's own. And it is the name server for the containers in there, one that knows
no name, as on a machine without a network. Nothing but the standard library is used.
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
"""An address of the loopback device in the namespace; of a network that is nobody's (RFC 5737)."""
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
"""See https://docs.kernel.org/networking/tuntap.html"""
PROTOCOLS = {1: "icmp", 6: "tcp", 17: "udp", 58: "icmp6"}
SERVFAIL = 0x8182
OF_THE_KERNEL = {"0 ff02::16"}
"""Its word to routers about the device itself, which no program has asked for: https://www.rfc-editor.org/rfc/rfc3810"""


def main(path: str) -> None:
    device = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH", b"outside", IFF_TUN | IFF_NO_PI))
    for words in (
        "link set lo up",
        f"address add {NAMESERVER}/32 dev lo",
        "link set outside addrgenmode none",  # else the kernel itself looks for routers
        "link set outside up",
        "address add 192.0.2.1/32 dev outside",
        "route add default dev outside",
        "-6 route add default dev outside",
    ):
        subprocess.run(["ip", *words.split()], check=True)
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((NAMESERVER, 53))
    with Path(path).open("w", buffering=1) as log:
        print("ready", file=log)
        while True:
            for readable in select.select([device, server], [], [])[0]:
                if readable is server:
                    question, sender = server.recvfrom(4096)
                    print("name", name(question), file=log)
                    server.sendto(question[:2] + struct.pack("!H", SERVFAIL) + question[4:], sender)
                elif (told := destination(os.read(device, 65536))) not in OF_THE_KERNEL:
                    print("packet", told, file=log)


def destination(packet: bytes) -> str:
    """Where a packet was to go: `tcp 203.0.113.7:443`; of a question to a name server, also which name."""
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
    """The name that is asked for: https://www.rfc-editor.org/rfc/rfc1035#section-4.1.2"""
    labels, at = [], 12
    while at < len(question) and (size := question[at]):
        labels.append(question[at + 1 : at + 1 + size].decode(errors="replace"))
        at += size + 1
    return ".".join(labels)


if __name__ == "__main__":
    main(sys.argv[1])
