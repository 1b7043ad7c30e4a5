"""A stage's claim asks the database as often for fifty needs as for two."""

import pytest
from sqlalchemy import event

from slipway.model.site import Project
from tests.master.scheduling.engine import Engine, make_ledger


def statements(width):
    """Return how many statements the claim of a stage with so many needs takes."""
    ledger, seen = make_ledger(), []
    needs = tuple(f"n{number}" for number in range(width))
    stages = {name: {"uses": "command", "argv": ("true",)} for name in needs}
    stages["join"] = {"uses": "command", "argv": ("true",), "needs": needs}
    project = Project.model_validate({"repository": "x", "stages": stages})
    engine = Engine(ledger, "demo", project)
    engine.start()
    for request in engine.waiting():
        assert engine.begin(request)
    for request in engine.working():
        engine.say(request, 0)
        engine.end(request, 0)
    (join,) = engine.waiting()
    event.listen(ledger, "before_cursor_execute", lambda *_: seen.append(_[2]))
    assert engine.begin(join)
    ledger.dispose()
    return len(seen)


@pytest.mark.slow
def test_a_claim_costs_the_same_for_any_number_of_needs():
    assert statements(50) == statements(2)
