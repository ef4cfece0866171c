"""The page with the versions of Kubernetes on which the notebooks ran, and the versions that this repository promises."""

import re

import pytest
import yaml

from node.versions import OTHERS, VERSIONS
from tests import matrix, matrix_page
from tests.claims import listed
from workbook.base.paths import ROOT
from workbook.publish import claims

RESULTS = matrix_page.results()
WEEKLY = yaml.safe_load((ROOT / ".github/workflows/weekly.yml").read_text(encoding="utf-8"))["jobs"]


def minor(version: str) -> str:
    """The minor version: 1.32 for v1.32.2."""
    return ".".join(version.removeprefix("v").split(".")[:2])


def test_the_page_agrees_with_the_results_and_the_claims():
    assert matrix_page.PAGE.read_text(encoding="utf-8") == matrix_page.page(RESULTS), "run `make record`"


def test_the_page_names_each_claim():
    page = matrix_page.PAGE.read_text(encoding="utf-8")
    named = re.findall(r"^\| (\d+) \| (.+) \| (\w+) \|", page, re.MULTILINE)
    assert [int(number) for number, *_ in named] == [claim.number for claim in claims.claims()]
    assert {id_ for claim in claims.claims() for id_ in claim.ids} == listed().keys()


def test_the_documents_promise_the_versions_that_are_tried():
    contributing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert re.findall(r"Kubernetes (\d\.\d+) and newer", contributing) == [minor(matrix.KUBERNETES[0])]
    assert re.findall(r"Versions (\d+) to (\d+) are tested", contributing) == [(matrix.CLIENTS[0], matrix.CLIENTS[-1])]
    assert VERSIONS["kubernetes"] in matrix.KUBERNETES


def test_the_versions_were_tried():
    assert set(matrix.KUBERNETES) <= RESULTS[matrix_page.KUBERNETES].keys()
    assert {name.partition(".")[0] for name in RESULTS[matrix_page.CLIENTS]} == set(matrix.CLIENTS)


@pytest.mark.parametrize("version", RESULTS[matrix_page.KUBERNETES])
def test_notebooks_ran_on_the_image_of_the_version(version):
    row = RESULTS[matrix_page.KUBERNETES][version]
    assert f":v{version}" in row["image"]
    assert row["parts"].keys() <= {path.stem for path in matrix.find()}


def test_the_workflow_tries_each_official_image_and_each_client():
    images = [image.partition("@")[0].rpartition(":v")[2] for image in (*OTHERS, VERSIONS["official"])]
    assert WEEKLY["kubernetes"]["strategy"]["matrix"]["kubernetes"] == images
    assert [minor(image) for image in images] == [f"1.{number}" for number in range(32, 32 + len(images))]
    assert WEEKLY["clients"]["strategy"]["matrix"]["client"] == list(matrix.CLIENTS)
