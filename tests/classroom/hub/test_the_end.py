"""The end of a class in a browser. The tests of this file run last, since they end the class of the others."""

import os
import subprocess
import sys

import pytest

from tests.classroom.hub.conftest import ADA, BOB
from workbook.base.paths import ROOT
from workbook.base.polling import poll

pytestmark = [pytest.mark.cluster, pytest.mark.slow]


def test_a_clean_up_that_was_interrupted_continues(opened):
    kubectl = opened.kubectl
    kubectl("create", "namespace", "somebodys-desk")
    command = [sys.executable, "-m", "workbook", "class", "--delete"]
    with subprocess.Popen(command, cwd=ROOT, env=os.environ | {"KUBECONFIG": "", "WORKBOOK_CONTEXT": ""}) as first:
        poll(lambda: "Terminating" in kubectl("get", "namespaces"), timeout=120)
        first.kill()
    done = subprocess.run(command, cwd=ROOT, env=os.environ | {"KUBECONFIG": "", "WORKBOOK_CONTEXT": ""}, timeout=600)
    assert done.returncode == 0
    left = kubectl("get", "namespaces,clusterroles,clusterrolebindings", "-o", "name").split()
    assert not [name for name in left if ADA in name or BOB in name or "workbook-class" in name]
    assert "namespace/somebodys-desk" in left
    kubectl("delete", "namespace", "somebodys-desk")
