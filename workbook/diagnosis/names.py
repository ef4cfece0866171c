"""What programs print when a name does not resolve, and where to look then."""

import re

UNRESOLVED = re.compile(
    "Name or service not known|servname provided, or not known|name resolution|UnknownHost|no such host|ENOTFOUND"
)
"""How programs in C, Python, Java, Go and JavaScript report that a name does not exist."""
NAME_SERVICE = "`pods(namespace='kube-system', selector='k8s-app=kube-dns')`"
"""The command that errors about names recommend: it shows the Pods of the cluster's name service."""
