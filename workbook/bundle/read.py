"""Read manifest.json. Anyone may have written it, so its form and each name in it are checked before they are used."""

import json
import re
import stat
from pathlib import Path
from typing import Any, cast, get_args, get_origin, get_type_hints, is_typeddict

from workbook.base.errors import WorkbookError
from workbook.bundle.manifest import FORMAT, NAME, Manifest

COPY_AGAIN = "Verify the original bundle with `make verify BUNDLE=…`, then copy it again."
OTHER_WORKBOOK = "Use the workbook in the bundle (workbook.tar.gz), or make a new bundle: `make bundle`."
LARGEST = 2**22
"""The largest manifest in bytes; a usual one has about 20,000."""
# Plain on each system: no `..`, no drive, no stream, and no device, which Windows opens in any folder.
# https://learn.microsoft.com/windows/win32/fileio/naming-a-file
_PART = r"(?!(?i:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:[./]|$))[A-Za-z0-9_][A-Za-z0-9_.+@!~-]{0,199}(?<!\.)"
_PLACES = (
    r"workbook\.tar\.gz|sbom\.cdx\.json",
    rf"wheels/{_PART}\.whl|images/{_PART}\.tar\.gz|handout/{_PART}|minikube(?:/{_PART}){{1,8}}",
    r"bin/(?:kind|minikube)(?:\.exe)?",
)
PATH = re.compile("|".join(_PLACES))
"""The files that a bundle may have. The length of a name and the numbers in it are limited."""
_TYPES = {dict: "an object", str: "a text", int: "a whole number", bool: "true or false"}


def text(folder: Path, name: str = NAME) -> bytes:
    """Return the content of the bundle's manifest, or of its checksum.

    Raises:
        WorkbookError: it is missing, is not a plain file, or is too large.
    """
    path = folder / name
    try:
        status = path.lstat()  # a link is not followed; opening a pipe would wait for its writer
        if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST:
            raise refused(f"{name} is not a plain file of at most {LARGEST} bytes.")
        return path.read_bytes()
    except OSError as error:
        raise WorkbookError(
            f"There is no bundle in {folder}.",
            f"It has no readable {name}, which `make bundle` writes last: {error.strerror}.",
            "Set BUNDLE to the folder that `make bundle` wrote. If you have an archive of it, unpack the archive first.",
        ) from None


def parse(content: bytes) -> Manifest:
    """Return the manifest in the content of manifest.json.

    Raises:
        WorkbookError: it has another format, or is not what `make bundle` writes.
    """
    try:
        found: Any = json.loads(content.decode(), object_pairs_hook=_unique, parse_constant=_not_a_number)
        if isinstance(found, dict) and type(number := found.get("format")) is int and number != FORMAT:
            what = f"The bundle has format {str(number)[:20]}, but this workbook reads format {FORMAT}."
            raise WorkbookError(what, fix=OTHER_WORKBOOK)
        _check_type(found, Manifest, "it")
        _check_values(cast(Manifest, found))
    except RecursionError:
        raise refused("It is nested too deeply.") from None
    except ValueError as error:  # also from JSON and UTF-8
        raise refused(f"{error}.") from None
    return cast(Manifest, found)


def read(folder: Path) -> Manifest:
    """Return the manifest of the bundle in `folder`; errors are those of `text` and `parse`."""
    return parse(text(folder))


def refused(why: str) -> WorkbookError:
    """Return the error for a manifest that `make bundle` did not write."""
    return WorkbookError(f"The bundle's {NAME} is damaged, or was not written by `make bundle`.", why, COPY_AGAIN)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Build a JSON object, in which no key may occur twice."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"{_shown(key)} occurs twice")
        found[key] = value
    return found


def _not_a_number(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _check_type(value: Any, form: Any, place: str) -> None:
    """Raise a ValueError unless `value` has the type `form`: a TypedDict, a dict with keys of str, str, int, or bool."""
    plain = dict if is_typeddict(form) or get_origin(form) is dict else form
    if type(value) is not plain:
        raise ValueError(f"{place} is not {_TYPES[plain]}")
    if plain is str and not all(character.isprintable() or character == "\n" for character in value):
        raise ValueError(f"{place} contains control characters")
    if plain is not dict:
        return
    types = get_type_hints(form) if is_typeddict(form) else dict.fromkeys(value, get_args(form)[1])
    required = form.__required_keys__ if is_typeddict(form) else set()
    if wrong := sorted((required - value.keys()) | (value.keys() - types.keys())):
        raise ValueError(f"{place} must have the keys {', '.join(types)}; see {_shown(wrong[0])}")
    for key, each in value.items():
        _check_type(key, str, f"a key of {place}")
        _check_type(each, types[key], _shown(key))


def _check_values(manifest: Manifest) -> None:
    """Raise a ValueError unless each name is plain, and each image is in an archive of the bundle."""
    for key, value in manifest["machine"].items():
        if not re.fullmatch(r"3\.[0-9]{1,3}" if key == "python" else r"[A-Za-z0-9_.-]{0,50}", str(value)):
            raise ValueError(f"{_shown(str(value))} is not a machine's {key}")
    if manifest["provider"] not in ("kind", "minikube"):
        raise ValueError(f"{_shown(manifest['provider'])} is not a provider")
    files = manifest["files"]
    for name, file in files.items():
        if not PATH.fullmatch(name):
            raise ValueError(f"{_shown(name)} is not a file that a bundle has")
        if not re.fullmatch(r"[0-9a-f]{64}", file["sha256"]) or file["size"] < 0:
            raise ValueError(f"{name} has no sha256 of 64 digits, or no size")
    if len({name.lower() for name in files}) < len(files):
        raise ValueError("the names of two files differ only in capitals")
    if manifest["provider"] == "kind" and "node" not in manifest["images"]:
        raise ValueError("it has no image for the node")
    for purpose, image in manifest["images"].items():
        if not re.fullmatch(r"[a-z]{1,20}", purpose):
            raise ValueError(f"{_shown(purpose)} is not a purpose of an image")
        if not re.fullmatch(rf"workbook-{purpose}:bundle-[0-9a-f]{{1,64}}", image["tag"]):
            raise ValueError(f"{_shown(image['tag'])} is not a tag of an image for {purpose}")
        if image["file"] not in files or not image["file"].startswith("images/"):
            raise ValueError(f"{_shown(image['file'])} is not among its images")


def _shown(name: str) -> str:
    """Shorten a name from the manifest, and escape control characters, which could move a terminal's cursor."""
    return ascii(name[:80])
