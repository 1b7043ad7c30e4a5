"""What `slipway show` says of a run whose release was brought back later."""

import re

from slipway.cli.commands.runs import show


def attempt(number, state, *, rollback=False, summary=""):
    return {
        "attempt": number,
        "state": state,
        "rollback": rollback,
        "summary": summary,
        "seconds": 14.0,
        "worker": "local",
    }


def rows(*attempts):
    """The newest first, as the master tells them."""
    stage = {
        "name": "staging",
        "needs": [],
        "state": "passed",
        "waits": "",
        "gate": {"id": 7, "state": "opened", "waits_for": []},
        "results": [{"cell": "", "attempts": list(attempts)}],
    }
    found = show._rows({"stages": [stage]})
    return [[re.sub(r"\[[^]]*\]", "", cell).strip() for cell in row] for row in found]


def test_a_rollback_is_beside_the_runs_own_attempt():
    own, back = rows(
        attempt(3, "failed", rollback=True, summary="staging: 0.3.0+4 was not deployed"),
        attempt(2, "passed", summary="0.3.0+4 is deployed"),
        attempt(1, "failed"),
    )
    assert own[0].endswith("staging")
    assert own[1:] == ["passed", "14s", "local", "attempt 2", "0.3.0+4 is deployed"]
    assert back[0].endswith("staging (rollback)")
    assert back[1] == "failed"
    assert back[-1] == "staging: 0.3.0+4 was not deployed"


def test_a_rollback_that_waits_is_not_at_the_runs_own_gate():
    _, back = rows(attempt(2, "gate", rollback=True), attempt(1, "passed"))
    assert back[1] == "waits for a person"
    assert "gate 7" not in " ".join(back)
