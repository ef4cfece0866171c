"""Mermaid diagrams as pictures: JupyterLab draws them, as a reader sees them, so the handout needs no JavaScript."""

import json
import os
import re
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from workbook.base.errors import WorkbookError
from workbook.base.polling import poll

if TYPE_CHECKING:
    from playwright.sync_api import Browser

FENCE = re.compile(r"^```mermaid\n(.*?)\n```$", re.MULTILINE | re.DOTALL)
TIMEOUT = 60
"""Seconds until JupyterLab has started, and then until it has drawn."""
SETTINGS = {
    "@jupyterlab/docmanager-extension:plugin": {"defaultViewers": {"markdown": "Markdown Preview"}},
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
}
PAGE = "diagrams.md"
DRAWN = ".jp-RenderedMermaid img"
FOLDERS = (
    "JUPYTER_CONFIG_DIR",
    "JUPYTER_DATA_DIR",
    "JUPYTER_RUNTIME_DIR",
    "JUPYTERLAB_SETTINGS_DIR",
    "JUPYTERLAB_WORKSPACES_DIR",
)
"""The environment variables that name the folders where JupyterLab reads and leaves files."""


def sources(texts: Iterable[str]) -> list[str]:
    """Return the Mermaid sources in Markdown texts, without repetitions."""
    return list(dict.fromkeys(source.strip() for text in texts for source in FENCE.findall(text)))


def draw(diagrams: list[str], chromium: "Browser") -> dict[str, str]:
    """Draw Mermaid sources.

    Args:
        diagrams: the sources, from `sources`.
        chromium: a running browser.

    Returns:
        For each source the address of its picture, an SVG in a `data:` URL.

    Raises:
        WorkbookError: JupyterLab does not start, or cannot draw one of them.

    Documentation: https://jupyterlab.readthedocs.io/en/stable/user/file_formats.html#mermaid-diagrams
    """
    if not diagrams:
        return {}
    with TemporaryDirectory() as folder, _jupyterlab(Path(folder)) as address:
        page = chromium.new_page()
        try:
            fences = "\n\n".join(f"```mermaid\n{source}\n```" for source in diagrams)
            Path(folder, PAGE).write_text(fences, encoding="utf-8")
            page.add_init_script("Math.random = () => 0.5")  # Mermaid's curves: the same source, the same picture
            page.goto(address)
            count = f"document.querySelectorAll('{DRAWN}').length === {len(diagrams)}"
            page.wait_for_function(count, timeout=TIMEOUT * 1000)
            pictures = page.eval_on_selector_all(DRAWN, "images => images.map(image => image.src)")
        except Exception as error:
            messages = page.locator(".jp-RenderedMermaid").all_inner_texts()
            raise WorkbookError(
                "JupyterLab has not drawn the diagrams.",
                "\n".join(filter(None, messages)) or str(error).splitlines()[0],
                "Open the notebooks that have them with `make lab`, and correct what is shown as an error.",
            ) from None
        finally:
            page.close()
    # JupyterLab numbers them in the order in which it began to draw them, which varies.
    return {
        source: re.sub(r"jp-mermaid-\d+", "diagram", picture)
        for source, picture in zip(diagrams, pictures, strict=True)
    }


@contextmanager
def _jupyterlab(folder: Path) -> Iterator[str]:
    """Run JupyterLab on `folder`, with settings of its own; yield the address of `PAGE` in that folder."""
    settings = folder / ".jupyter"
    settings.mkdir()
    (settings / "overrides.json").write_text(json.dumps(SETTINGS), encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_urlsafe(24)
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={folder}", "--ServerApp.ip=127.0.0.1"]
    command += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0", f"--LabApp.app_settings_dir={settings}"]
    command += ["--LabApp.extension_manager=readonly", "--no-browser", "--allow-root", "--log-level=ERROR"]
    env = os.environ | dict.fromkeys(FOLDERS, str(settings)) | {"JUPYTER_TOKEN": token}
    log = settings / "log"
    with log.open("w") as output, subprocess.Popen(command, env=env, stdout=output, stderr=output) as server:
        try:
            with suppress(TimeoutError):
                poll(lambda: _listens(port) or server.poll() is not None, timeout=TIMEOUT)
            if not _listens(port):
                raise WorkbookError("JupyterLab has not started.", log.read_text()[-1000:])
            yield f"http://127.0.0.1:{port}/lab/tree/{PAGE}?token={token}"
        finally:
            server.terminate()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
