"""The reader's proxies that a container can use. It cannot use a proxy on this machine's loopback interface."""

import os
import socket
from ipaddress import ip_address
from urllib.parse import urlsplit

# A build behind a proxy needs these variables; the builder knows them and keeps them out of the image.
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")


def proxies() -> dict[str, str]:
    """Return the environment variables that a container behind a proxy needs to reach the network.

    Documentation: https://docs.docker.com/engine/cli/proxy/
    """
    left_out = on_loopback()
    found = {name: os.environ[name] for name in PROXIES if name in os.environ and name not in left_out}
    return found if any(name.lower() != "no_proxy" for name in found) else {}


def on_loopback() -> list[str]:
    """Return the names of the variables in `PROXIES` with a proxy on this machine's loopback interface."""
    return [name for name in PROXIES if name.lower() != "no_proxy" and is_loopback(os.environ.get(name, ""))]


def is_loopback(address: str) -> bool:
    """Whether a proxy's address, with or without a scheme, is on this machine's loopback interface."""
    try:
        host = urlsplit(address if "://" in address else f"//{address}").hostname
        found = (
            [ip_address(str(entry[4][0]).partition("%")[0]) for entry in socket.getaddrinfo(host, None)] if host else []
        )
    except (OSError, ValueError):  # the name does not resolve, or the value is not an address
        return False
    plain = [getattr(ip, "ipv4_mapped", None) or ip for ip in found]
    return any(ip.is_loopback or ip.is_unspecified for ip in plain)
