"""Forwarding a port to a Pod on a cluster."""

import os
import socket

import pytest

import workbook
from tests import sessions
from workbook.base.errors import WorkbookError

pytestmark = pytest.mark.cluster


@pytest.fixture
def webapp():
    """The web application's Deployment, which no test of this module changes."""
    workbook.begin(4)


def test_a_taken_port_is_replaced_and_that_is_said(webapp, capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with workbook.port_forward("deployment/webapp-deployment", f"{port}:5000") as forward:
            assert forward.port != port
            assert workbook.page(forward.url).text == "Welcome!"
    assert f"Port {port} of this machine is taken" in capsys.readouterr().out


def test_it_listens_on_loopback_only_and_ends_with_its_block(webapp):
    with workbook.port_forward("deployment/webapp-deployment", "0:5000") as forward:
        assert sessions.listening(os.getpid(), forward.port) == {("127.0.0.1", forward.port)}
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", forward.port), timeout=1)


def test_it_reaches_the_successor_of_a_pod_that_was_deleted(webapp):
    with workbook.port_forward("deployment/webapp-deployment", "0:5000") as forward:
        assert workbook.page(forward.url).status == 200
        workbook.delete("pod", workbook.pods(wide=True).index[0])
        workbook.pods_ready("app=webapp", 1)
        assert workbook.page(forward.url).status == 200


def test_nothing_to_forward_to(state):
    with pytest.raises(WorkbookError, match=r"no deployment 'webapp-deployment'"):
        workbook.port_forward("deployment/webapp-deployment", "0:5000").__enter__()
