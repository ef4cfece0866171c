"""The program that asks a name server, run here with a network that is made up."""

import json
import socket
import struct
import sys

import pytest

from workbook.lessons.dns_lookup import PROGRAM

FILE = ["nameserver 192.0.2.53\n", "search workbook.svc.cluster.local cluster.local\n"]
"""A Pod's /etc/resolv.conf."""
FULL = "webservice.workbook.svc.cluster.local"


class Network:
    """A socket to a name server that knows one name, and loses the first answers."""

    def __init__(self, lost):
        self.lost, self.asked = lost, []

    def __call__(self, family, kind):
        return self

    def settimeout(self, seconds):
        pass

    def sendto(self, question, server):
        assert server == ("192.0.2.53", 53)
        self.asked.append(question)

    def recv(self, size):
        if len(self.asked) <= self.lost:
            raise TimeoutError
        question = self.asked[-1]
        known = b"".join(bytes([len(label)]) + label.encode() for label in FULL.split(".")) in question
        header = struct.pack("!6H", 7, 0x8180, 1, int(known), 0, 0)
        answer = struct.pack("!HHHIH", 0xC00C, 1, 1, 30, 4) + socket.inet_aton("10.96.0.1")  # 0xC00C: the name above
        return header + question[12:] + answer * known


@pytest.fixture
def look_up(monkeypatch, capsys):
    def run(name, lost=0):
        network = Network(lost)
        monkeypatch.setattr(socket, "socket", network)
        monkeypatch.setattr(sys, "argv", ["-c", name, "A"])
        exec(PROGRAM, {"open": lambda path: FILE})
        return json.loads(capsys.readouterr().out), len(network.asked)

    return run


def test_the_search_list_is_gone_along(look_up):
    assert look_up("webservice") == ([[FULL, "A", "10.96.0.1"]], 1)
    assert look_up("webservice.workbook.svc") == ([[FULL, "A", "10.96.0.1"]], 2)


def test_a_name_with_a_dot_at_its_end_is_asked_for_as_it_is(look_up):
    assert look_up("webservice.") == ([], 1)


def test_a_lost_answer_is_asked_for_again(look_up):
    assert look_up("webservice", lost=1) == ([[FULL, "A", "10.96.0.1"]], 2)


def test_a_name_server_that_does_not_answer_is_named(look_up):
    with pytest.raises(SystemExit, match=r"name server 192\.0\.2\.53 does not answer"):
        look_up("webservice", lost=9)
