"""Following objects in the background, with an API server that answers with prepared lists and watches."""

import threading

import pytest
from kubernetes.client.exceptions import ApiException

from tests.api_server import Answer, Server, listed, pod, watched
from workbook.base.polling import poll
from workbook.lessons.follower import Follower


@pytest.fixture
def server():
    return Server()


@pytest.fixture
def noted():
    """The notes: resources, and the phases of their objects; then the errors."""
    return []


@pytest.fixture
def follower(server, noted):
    """A follower of Pods and ReplicaSets."""

    def note(resource):
        return lambda objects: noted.append((resource, {uid: item["status"]["phase"] for uid, item in objects.items()}))

    notes = {resource: note(resource) for resource in ("pods", "replicasets")}
    return Follower(server, notes, noted.append, selector="app=webapp", timeout=60)


def test_objects_are_noted_when_it_starts_after_each_change_and_when_it_stops(server, follower, noted):
    requests = server.serve(
        listed(10, pod("a", 5)), watched(("MODIFIED", pod("a", 11, "Running"))), listed(12, pod("a", 12, "Failed"))
    )
    server.serve(listed(10, pod("r", 5)), listed(10), resource="replicasets")
    follower.start()
    assert ("pods", {"a": "Pending"}) in noted and ("replicasets", {"r": "Pending"}) in noted
    poll(lambda: ("pods", {"a": "Running"}) in noted, timeout=30)
    follower.stop()
    assert noted[-2:] == [("pods", {"a": "Failed"}), ("replicasets", {})]
    assert requests[0]["label_selector"] == "app=webapp"


def test_its_threads_end_when_it_stops(server, follower):
    server.serve(listed(10), listed(10))
    server.serve(listed(10), listed(10), resource="replicasets")
    before = set(threading.enumerate())
    follower.start()
    threads = set(threading.enumerate()) - before
    assert len(threads) == 2 and all(thread.daemon for thread in threads)
    follower.stop()
    poll(lambda: not any(thread.is_alive() for thread in threads), timeout=30)


def test_it_stops_at_once_during_a_silent_watch_whose_later_changes_are_not_noted(server, follower, noted):
    later = threading.Event()
    late = watched(("MODIFIED", pod("a", 13, "Failed")), until=later)
    server.serve(listed(10, pod("a", 5)), late, listed(12, pod("a", 12, "Running")))
    refused = Answer(b"", then=ApiException(status=403, reason="Forbidden"), until=later)
    server.serve(listed(10), refused, listed(12), resource="replicasets")
    before = set(threading.enumerate())
    follower.start()
    threads = set(threading.enumerate()) - before
    safety = threading.Timer(20, later.set)
    safety.start()
    follower.stop()
    assert not later.is_set(), "it has waited for the watch"
    safety.cancel()
    later.set()
    for thread in threads:
        thread.join(30)
    assert noted[-2:] == [("pods", {"a": "Running"}), ("replicasets", {})]


def test_a_refusal_is_reported_and_ends_it(server, follower, noted):
    server.serve(ApiException(status=403, reason="Forbidden"))
    server.serve(listed(10), resource="replicasets")
    follower.start()
    follower.stop()
    assert noted[1:] == [("replicasets", {})] and "403" in noted[0], "it was asked again, or noted something else"
