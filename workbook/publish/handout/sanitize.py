"""Remove everything from notebooks' markup that runs a program or loads a file: outputs contain a cluster's answers."""

import re

import nh3
from bs4 import BeautifulSoup

ATTRIBUTES = {**nh3.ALLOWED_ATTRIBUTES, "*": {"class", "id"}}
ADDRESSES = {"href": r"https?:|mailto:|[^:]*$", "src": "data:image/"}
"""Allowed beginnings of addresses: links may lead anywhere, with or without a scheme; pictures are part of the page."""
TERMINAL = re.compile(r"\x1b\].*?(\x07|\x1b\\)|[\x00-\x08\x0b-\x1f]", re.DOTALL)
"""Sequences for terminals only, such as the address of a link. Colors are already converted into markup."""


def sanitize(html: str) -> str:
    """Return the markup of a cell or an output with only harmless elements and attributes, and with all elements closed.

    The pages inside frames replace the frames, which have no height of their own on paper.

    Documentation: https://nh3.readthedocs.io/
    """
    soup = BeautifulSoup(html, "html.parser")
    for frame in soup.select("iframe[srcdoc]"):
        page = BeautifulSoup(str(frame["srcdoc"]), "html.parser")
        body = page.body or page
        for tag in body(["script", "style"]):
            tag.decompose()
        for tag in body(True):
            if tag.name in ("h1", "h2", "h3", "main", "header", "footer", "nav"):
                tag.name, tag["class"] = "div", "title" if tag.name.startswith("h") else "body"
            tag.attrs = {key: value for key, value in tag.attrs.items() if key == "class"}
        body.name = "div"
        frame.replace_with(body)
    schemes = {"http", "https", "mailto", "data"}
    return nh3.clean(str(soup), attributes=ATTRIBUTES, attribute_filter=_harmless, url_schemes=schemes, link_rel=None)


def _harmless(_tag: str, name: str, value: str) -> str | None:
    return value if re.match(ADDRESSES.get(name, ""), value, re.IGNORECASE) else None
