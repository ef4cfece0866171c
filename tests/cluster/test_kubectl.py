"""kubectl and its verbs, on a cluster."""

import pytest

from workbook.lessons.kubectl import MANIFESTS, KubectlError, kubectl

pytestmark = pytest.mark.cluster
MANIFEST = MANIFESTS / "1-03-webapp-deployment.yaml"


REFUSED = MANIFESTS / "replicationcontroller-set-based.yaml"
"""Notebook 06 shows that the API server refuses this one."""


@pytest.mark.parametrize("path", sorted({*MANIFESTS.glob("*.yaml")} - {REFUSED}), ids=lambda path: path.name)
def test_the_api_server_accepts_each_manifest_strictly(path):
    assert "(server dry run)" in kubectl("apply", "--dry-run=server", "--validate=strict", "-f", str(path))


def test_a_selector_that_does_not_match_is_refused(tmp_path):
    before, after = "matchLabels:\n      app: webapp", "matchLabels:\n      app: other"
    text = MANIFEST.read_text(encoding="utf-8")
    assert before in text
    path = tmp_path / "changed.yaml"
    path.write_text(text.replace(before, after), encoding="utf-8")
    with pytest.raises(KubectlError, match=r"`selector` does not match template `labels`"):
        kubectl("apply", "-f", str(path))
