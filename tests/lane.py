"""Whether this process runs the tests of one lane, for the plugins that then leave a part of their work to the first process."""

import pytest

LANE = "WORKBOOK_LANE"
"""The variable that the processes of a lane inherit: the folder that all lanes share, as they share the Docker engine."""
NO_LANES = 75
"""The exit status of a run that could not begin in lanes."""


def is_lane(config: pytest.Config) -> bool:
    """Whether this process runs the tests of one lane, as a worker of pytest-xdist."""
    return hasattr(config, "workerinput")


def has_lanes(config: pytest.Config) -> bool:
    """Whether this process starts the lanes, and collects their results."""
    return not is_lane(config) and bool(getattr(config.option, "numprocesses", 0))


def number(config: pytest.Config) -> int:
    """Return the number of this process's lane; 0 if it is not one, or the first."""
    return int(config.workerinput["workerid"].removeprefix("gw")) if is_lane(config) else 0
