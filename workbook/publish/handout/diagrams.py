"""Mermaid's diagrams as pictures: JupyterLab draws them, as a reader sees them, so no other JavaScript is needed."""

import json
import os
import re
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from workbook.base.errors import WorkbookError

if TYPE_CHECKING:
    from playwright.sync_api import Browser

FENCE = re.compile(r"^```mermaid\n(.*?)\n```$", re.MULTILINE | re.DOTALL)
PATIENCE = 60
"""Seconds until JupyterLab has started, and then until it has drawn."""
PREVIEW = {"@jupyterlab/docmanager-extension:plugin": {"defaultViewers": {"markdown": "Markdown Preview"}}}
NO_NEWS = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}}
DRAWN = ".jp-RenderedMermaid img"


def sources(texts: Iterable[str]) -> list[str]:
    """The Mermaid sources in Markdown texts, each once."""
    return list(dict.fromkeys(source.strip() for text in texts for source in FENCE.findall(text)))


def draw(diagrams: list[str], chromium: "Browser") -> dict[str, str]:
    """Draws Mermaid sources.

    Args:
        diagrams: the sources, from `sources`.
        chromium: a browser that runs.

    Returns:
        For each source the address of its picture, an SVG in a `data:` URL.

    Raises:
        WorkbookError: JupyterLab does not start, or cannot draw one of them.

    Documentation: https://jupyterlab.readthedocs.io/en/stable/user/file_formats.html#mermaid-diagrams
    """
    if not diagrams:
        return {}
    with TemporaryDirectory() as folder, _lab(Path(folder)) as address:
        page = chromium.new_page()
        try:
            (Path(folder) / "diagrams.md").write_text("\n\n".join(f"```mermaid\n{source}\n```" for source in diagrams))
            page.add_init_script("Math.random = () => 0.5")  # Mermaid's curves: the same source, the same picture
            page.goto(address("diagrams.md"))
            count = f"document.querySelectorAll('{DRAWN}').length === {len(diagrams)}"
            page.wait_for_function(count, timeout=PATIENCE * 1000)
            pictures = page.eval_on_selector_all(DRAWN, "images => images.map(image => image.src)")
        except Exception as error:
            told = page.locator(".jp-RenderedMermaid").all_inner_texts()
            raise WorkbookError(
                "JupyterLab has not drawn the diagrams.",
                "\n".join(filter(None, told)) or str(error).splitlines()[0],
                "Open the notebooks that have them with `make lab`, and correct what is shown as an error.",
            ) from None
        finally:
            page.close()
    # JupyterLab counts them in the order in which their drawing began, which is by chance.
    return {
        source: re.sub(r"jp-mermaid-\d+", "diagram", picture)
        for source, picture in zip(diagrams, pictures, strict=True)
    }


@contextmanager
def _lab(folder: Path) -> Iterator:
    """JupyterLab on `folder`, with settings of its own; the block gets a function from a file to its address."""
    settings = folder / ".jupyter"
    settings.mkdir()
    (settings / "overrides.json").write_text(json.dumps(PREVIEW | NO_NEWS))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_urlsafe(24)
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={folder}", "--ServerApp.ip=127.0.0.1"]
    command += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0", f"--LabApp.app_settings_dir={settings}"]
    command += ["--LabApp.extension_manager=readonly", "--no-browser", "--allow-root", "--log-level=ERROR"]
    own = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")
    own += ("JUPYTERLAB_SETTINGS_DIR", "JUPYTERLAB_WORKSPACES_DIR")
    env = os.environ | dict.fromkeys(own, str(settings)) | {"JUPYTER_TOKEN": token}
    with (settings / "log").open("w") as log, subprocess.Popen(command, env=env, stdout=log, stderr=log) as server:
        try:
            deadline = time.monotonic() + PATIENCE
            while not _listens(port):
                if server.poll() is not None or time.monotonic() > deadline:
                    raise WorkbookError("JupyterLab has not started.", (settings / "log").read_text()[-1000:])
                time.sleep(0.1)  # a program that begins to listen tells nobody
            yield lambda file: f"http://127.0.0.1:{port}/lab/tree/{file}?token={token}"
        finally:
            server.terminate()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
