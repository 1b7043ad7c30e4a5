"""What a worker answers is taken as text from a stranger."""

from __future__ import annotations

import json

import pytest

from slipway.workers.health.report import State
from slipway.www.actions.worker_check import taken


@pytest.mark.parametrize("time", [10**400, -(10**400), "now", None, float("inf")])
def test_a_time_that_is_none_is_a_wrong_clock(time):
    clock = taken(json.dumps({"lines": [], "time": time}), 1.0)[-1]
    assert (clock.check, clock.state) == ("clock", State.WRONG)


def test_the_clock_is_that_of_the_workers_machine():
    clock = taken(json.dumps({"lines": [], "time": 5000.0}), 1.0)[-1]
    assert "the clock of the worker's machine is" in clock.found
