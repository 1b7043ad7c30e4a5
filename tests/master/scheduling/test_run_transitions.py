"""Any graph, any order of events, kills in between: the ledger is what the plain model says."""

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .engine import make_ledger
from .world import World, graphs

_STEPS = 30
#: More of them, and others each time: SLIPWAY_EXAMPLES=2000.
_SEARCH = int(os.environ.get("SLIPWAY_EXAMPLES", "0"))


@pytest.fixture(scope="module")
def ledger():
    made = make_ledger()
    yield made
    made.dispose()


@pytest.mark.slow
@settings(
    max_examples=_SEARCH or 40,
    deadline=None,
    # The same examples each time: a suite that fails by chance tells nothing.
    derandomize=not _SEARCH,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(st.data(), graphs(), st.booleans(), st.booleans())
def test_the_ledger_is_what_the_model_says(ledger, data, graph, fail_fast, supersede):
    world = World(ledger, graph, data, fail_fast=fail_fast, supersede=supersede)
    world.do(world.start)
    for _ in range(data.draw(st.integers(5, _STEPS))):
        if data.draw(st.integers(0, 15)) == 0:
            world.stop()
        else:
            world.do(world.draw(world.steps()))
        world.check()
