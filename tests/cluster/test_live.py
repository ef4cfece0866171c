"""The live view in a notebook: one output, which follows the cluster, and shows the last overview after its end."""

import nbformat
import pytest
from nbclient import NotebookClient

import workbook
from workbook.base.paths import ROOT

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("state")]


def test_one_overview_is_left():
    workbook.apply("1-03-webapp-deployment.yaml")
    workbook.rollout_status("webapp-deployment")
    cells = [
        "from workbook import *\nview = watch()",
        "scale('webapp-deployment', 3)\nrollout_status('webapp-deployment')",
        "view.stop()",
    ]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(book, timeout=120, resources={"metadata": {"path": str(ROOT)}}).execute()
    (output,) = book.cells[0].outputs
    text, html = output.data["text/plain"], output.data["text/html"]
    assert "Deployment webapp-deployment: 3 of 3 ready" in text and text.count("    Pod ") == 3
    assert 'src="data:image/svg+xml' in html and "as it was at the end" in html
