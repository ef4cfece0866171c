"""A wait that cannot succeed ends at its deadline, with the reason and the fix."""

import re
from contextlib import suppress

import pytest

import workbook
from tests.webapp import changed
from workbook.base.errors import WorkbookError
from workbook.base.polling import poll
from workbook.lessons import kubectl
from workbook.lessons.wait import WaitTimeout

pytestmark = pytest.mark.cluster
CASES = {
    "an image that is not there": (
        {"image": "web-app:9.9"},
        r"-\S+: ErrImageNeverPull(.|\n)*not on the node(.|\n)*Do:  Build it and load it onto the node",
    ),
    "a probe at the wrong port": (
        {"readinessProbe": {"httpGet": {"path": "/", "port": 5001}, "periodSeconds": 1}},
        r"-\S+: Unhealthy\. (.|\n)*port 5001\) gets no answer(.|\n)*correct the probe",
    ),
    "a probe that is answered 404": (
        {"readinessProbe": {"httpGet": {"path": "/health", "port": 5000}, "periodSeconds": 1}},
        r"-\S+: Unhealthy\. (.|\n)*HTTP 404(.|\n)*correct the probe",
    ),
    "a program that ends at once": (
        # Without a probe it would count as ready for the moment in which it runs.
        {
            "command": ["python", "-c", "raise SystemExit(1)"],
            "readinessProbe": {"httpGet": {"port": 5000}, "initialDelaySeconds": 60},
        },
        r"-\S+: (CrashLoopBackOff|Error)(.|\n)*exits with code 1(.|\n)*Do:  Fix what the program",
    ),
    "a program that is not in the image": (
        {"command": ["no-such-program"]},
        r"-\S+: (StartError|RunContainerError|CrashLoopBackOff|CreateContainerError)(.|\n)*no-such-program",
    ),
    "more memory than there is": (
        {"resources": {"requests": {"memory": "9Ti"}}},
        r"-\S+: Unschedulable(.|\n)*enough memory(.|\n)*Do:  Lower `resources",
    ),
}


@pytest.fixture(scope="module")
def rollouts():
    """The Deployments of all cases, which are created at the same time: the name of each."""
    workbook.begin(3)
    names = {case: f"webapp-{number}" for number, case in enumerate(CASES)}
    workbook.apply("".join(changed(CASES[case][0], name=name) for case, name in names.items()))
    return names


@pytest.mark.parametrize("name", CASES)
def test_a_rollout_that_cannot_succeed_says_why(rollouts, name):
    said = f"Pod {rollouts[name]}{CASES[name][1]}"
    messages = []

    def is_said():
        with pytest.raises(WaitTimeout) as failed:
            workbook.rollout_status(rollouts[name], timeout=2)
        messages.append(str(failed.value))
        return re.search(said, messages[-1])

    with suppress(TimeoutError):
        poll(is_said, timeout=120)  # the first waits may end before the kubelet reports the reason
    assert re.search(said, messages[-1]), messages[-1]


def test_a_service_whose_selector_matches_nothing_shows_both_sides(state):
    workbook.apply("1-03-webapp-deployment.yaml")
    workbook.apply("1-04-webapp-service.yaml")
    workbook.rollout_status("webapp-deployment")
    kubectl.kubectl("set", "selector", "service", "webservice", "app=webap")
    said = r"there are 0(.|\n)*Its selector is app=webap, and no Pod matches it(.|\n)*The Pods' labels: app=webapp(.|\n)*`selector`"
    workbook.endpoints("webservice", 0)
    with pytest.raises(WaitTimeout, match=said):
        workbook.endpoints("webservice", 1, timeout=2)


def test_endpoints_of_no_service(state):
    with pytest.raises(WaitTimeout, match=r"no Service 'webservice'(.|\n)*Apply its manifest"):
        workbook.endpoints("webservice", 1, timeout=1)


def test_a_rollout_of_nothing(state):
    with pytest.raises(WorkbookError, match=r"no Deployment 'webapp-deployment'"):
        workbook.rollout_status("webapp-deployment")
