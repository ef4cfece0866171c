"""Lookups through a Pod's programs, which run here with a test name server."""

import io
import socket
import sys
from contextlib import redirect_stdout

import dns.flags
import dns.message
import dns.rrset
import pytest

from workbook.lessons import dns_lookup as module
from workbook.lessons.dns_lookup import dns_lookup

CONFIGURATION = "nameserver 192.0.2.53\nsearch workbook.svc.cluster.local cluster.local\noptions ndots:5\n"
"""A Pod's /etc/resolv.conf."""
SERVICE = "webservice.workbook.svc.cluster.local"
EXTERNAL = "db1.workbook.svc.cluster.local"
RECORDS = {
    f"{SERVICE}.": [dns.rrset.from_text(f"{SERVICE}.", 30, "IN", "A", "10.96.0.1")],
    f"{EXTERNAL}.": [
        dns.rrset.from_text(f"{EXTERNAL}.", 30, "IN", "CNAME", "db.example.com."),
        dns.rrset.from_text("db.example.com.", 30, "IN", "A", "192.0.2.7"),
    ],
}


class Network:
    """A socket to a name server that knows two names and loses the first answers; `names` has the requested names."""

    def __init__(self, lost):
        self.lost, self.names = lost, []

    def __call__(self, family, kind):
        return self

    def settimeout(self, seconds):
        assert seconds == 5

    def sendto(self, data, server):
        assert server == ("192.0.2.53", 53)
        self.query = dns.message.from_wire(data)
        assert self.query.flags & dns.flags.RD, "CoreDNS forwards only what is asked recursively"
        self.names.append(self.query.question[0].name.to_text())

    def recv(self, size):
        if len(self.names) <= self.lost:
            raise TimeoutError
        response = dns.message.make_response(self.query)
        response.answer = RECORDS.get(self.names[-1], [])
        return response.to_wire()


@pytest.fixture
def look_up(monkeypatch):
    """Look up a name; return the rows, and the names that were requested from the server."""

    def look_up(name, lost=0, **options):
        network = Network(lost)
        monkeypatch.setattr(socket, "socket", network)

        def run(*args):
            assert args[: args.index("--")] == ("exec", "--namespace", "other", "deployment/webapp")
            program, *arguments = args[args.index("-c") + 1 :]
            monkeypatch.setattr(sys, "argv", ["-c", *arguments])
            with redirect_stdout(io.StringIO()) as printed:
                exec(program, {"open": lambda path: {"/etc/resolv.conf": io.StringIO(CONFIGURATION)}[path]})
            return printed.getvalue().strip()

        monkeypatch.setattr(module, "kubectl_output", run)
        table = dns_lookup(name, target="deployment/webapp", namespace="other", **options)
        assert list(table.columns) == ["TYPE", "VALUE"] and table.columns.name == "NAME"
        return [list(row) for row in table.itertuples()], network.names

    return look_up


def test_the_search_list_is_followed(look_up):
    assert look_up("webservice") == ([[SERVICE, "A", "10.96.0.1"]], [f"{SERVICE}."])
    assert look_up("webservice.workbook.svc") == (
        [[SERVICE, "A", "10.96.0.1"]],
        ["webservice.workbook.svc.workbook.svc.cluster.local.", f"{SERVICE}."],
    )


def test_a_name_that_no_entry_of_the_search_list_completes_is_asked_for_unchanged_at_last(look_up):
    assert look_up("nowhere") == ([], ["nowhere.workbook.svc.cluster.local.", "nowhere.cluster.local.", "nowhere."])


def test_a_name_with_a_dot_at_its_end_is_asked_for_unchanged(look_up):
    assert look_up("webservice.") == ([], ["webservice."])


def test_all_records_of_an_answer_are_rows(look_up):
    assert look_up("db1", kind="CNAME")[0] == [
        [EXTERNAL, "CNAME", "db.example.com"],
        ["db.example.com", "A", "192.0.2.7"],
    ]


def test_a_lost_answer_is_asked_for_again(look_up):
    assert look_up("webservice", lost=1) == ([[SERVICE, "A", "10.96.0.1"]], [f"{SERVICE}."] * 2)


def test_a_name_server_that_does_not_answer_is_named(look_up):
    with pytest.raises(SystemExit, match=r"The cluster's name server 192\.0\.2\.53 does not answer\."):
        look_up("webservice", lost=9)
