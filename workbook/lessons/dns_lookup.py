"""DNS lookups from inside the cluster: names as a Pod sees them."""

import io

import dns.message
import dns.name
import dns.resolver
import pandas as pd

from workbook.lessons.kubectl import kubectl_output
from workbook.lessons.tables import headed

CONFIGURATION = "print(open('/etc/resolv.conf').read())"
"""Program for a Pod: print its name server and its search list."""
# A datagram may be lost: two attempts, five seconds each, are the C library's defaults.
# https://man7.org/linux/man-pages/man5/resolv.conf.5.html (attempts, timeout)
RELAY = """
import socket, sys
server, query = sys.argv[1:]
channel = socket.socket(socket.AF_INET6 if ":" in server else socket.AF_INET, socket.SOCK_DGRAM)
channel.settimeout(5)
for attempt in range(2):
    channel.sendto(bytes.fromhex(query), (server, 53))
    try:
        print(channel.recv(4096).hex())
        break
    except TimeoutError:
        pass
else:
    sys.exit(f"The cluster's name server {server} does not answer.")
"""
"""Program for a Pod: send a query to a name server and print the answer, both in hexadecimal digits.

Arguments are the server's address and the query. The Pod's image has Python's standard library, which has no DNS client.
"""


def dns_lookup(name: str, *, target: str, kind: str = "A", namespace: str = "") -> pd.DataFrame:
    """Look up `name` in the cluster's DNS from inside a Pod, through the Pod's search list, as its programs do.

    Args:
        name: the name, such as `"webservice"`, or a full name with a dot at its end.
        target: the Pod that asks, as `"deployment/NAME"` or `"pod/NAME"`. Its image must have Python.
        kind: the type of record, such as `"A"` or `"CNAME"`.
        namespace: the namespace of `target`; the workbook's own when empty.

    Returns:
        One row per record, with the index NAME and the columns TYPE and VALUE. It has no rows when there is no such name.

    Raises:
        KubectlError: the Pod does not exist or cannot run Python, or its name server does not answer.

    Documentation: https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/
    """
    options = ["--namespace", namespace] if namespace else []

    def run(*program: str) -> str:
        return kubectl_output("exec", *options, target, "--", "python", "-c", *program)

    resolver = dns.resolver.Resolver(configure=False)
    resolver.read_resolv_conf(io.StringIO(run(CONFIGURATION)))
    wanted = dns.name.from_text(name, origin=None)
    suffixes = [*resolver.search, dns.name.root]
    rows: list[list[str]] = []
    for candidate in [wanted] if wanted.is_absolute() else map(wanted.concatenate, suffixes):
        query = dns.message.make_query(candidate, kind).to_wire().hex()
        answer = dns.message.from_wire(bytes.fromhex(run(RELAY, str(resolver.nameservers[0]), query)))
        records = [line.split(maxsplit=4) for record in answer.answer for line in str(record).splitlines()]
        if rows := [[owner.rstrip("."), type_, value.rstrip(".")] for owner, _, _, type_, value in records]:
            break
    return headed(pd.DataFrame(rows, columns=["NAME", "TYPE", "VALUE"]))
