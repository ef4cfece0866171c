"""The links by which learners log in. Each contains a token, so it works like a password."""

import csv
import io
import secrets
from collections.abc import Iterable, Mapping
from urllib.parse import urlencode

from workbook.base.paths import ROOT
from workbook.kube import kubeconfig

FILE = ROOT / "build" / "classroom" / "links.csv"


def tokens(names: Iterable[str], existing: Mapping[str, str]) -> dict[str, str]:
    """Return a secret for each name, sorted: the existing ones, and new ones for the names that have none."""
    return {name: existing.get(name) or secrets.token_urlsafe(24) for name in sorted({*names, *existing})}


def links(address: str, tokens: Mapping[str, str]) -> dict[str, str]:
    """Return each learner's link.

    Args:
        address: the address of the class, such as `http://127.0.0.1:8000`.
        tokens: each learner's token.
    """
    return {name: f"{address}/hub/link?{urlencode({'token': token})}" for name, token in tokens.items()}


def write(links: Mapping[str, str]) -> None:
    """Write the links to build/classroom/links.csv, which only the owner may read."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["name", "link"])
    rows.writerows(links.items())
    kubeconfig.replace(FILE, text.getvalue().encode())
