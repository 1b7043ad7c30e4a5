"""How a run stands and what may start in it: the graph's rules, for the ledger and `slipway run`.

All of them look at the newest attempt at each cell that counts; a stage without one was never
tried.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from slipway.model.errors import MissingTool
from slipway.model.stage import Stage

OPEN_RUN = ("running", "waiting")
#: A stage in one of these goes on by itself.
OPEN_STAGE = ("queued", "running")
#: A person has said no, none came in time, or it was called off.
CLOSED = ("rejected", "expired", "cancelled")
#: The precedence of states: a stage has the first of these that any of its cells has.
WEIGHT = (
    *("running", "queued", "gate", "failed", "cancelled", "rejected", "expired"),
    *("passed", "skipped"),
)


class Attempt(Protocol):
    """One attempt at a cell, whoever keeps it."""

    @property
    def state(self) -> str:
        """One of `WEIGHT`."""


#: The attempts that count, by stage and cell.
Attempts = Mapping[tuple[str, str], Attempt]


def state_of(have: Attempts, name: str) -> str:
    """Return the state of a stage from its cells; empty where it was never tried."""
    states = {attempt.state for (stage, _), attempt in have.items() if stage == name}
    return next((state for state in WEIGHT if state in states), "")


def met(have: Attempts, name: str, stages: Mapping[str, Stage]) -> bool:
    """Tell whether a need is met: passed, skipped, or failed where that is allowed."""
    state = state_of(have, name)
    forgiven = state == "failed" and name in stages and stages[name].allow_failure
    return state in {"passed", "skipped"} or forgiven


def unmet(have: Attempts, stage: Stage, stages: Mapping[str, Stage]) -> list[str]:
    """Return the needs of a stage that are not met."""
    return [need for need in stage.needs if not met(have, need, stages)]


def startable(have: Attempts, stages: Mapping[str, Stage]) -> list[str]:
    """Return the stages that may start now: never tried, and what they wait for has come."""
    tried = {name for name, _ in have}
    return [
        name
        for name, stage in stages.items()
        if name not in tried and _may_start(stage, have, stages)
    ]


def _may_start(stage: Stage, have: Attempts, stages: Mapping[str, Stage]) -> bool:
    if stage.on_failure and not any(state_of(have, name) == "failed" for name in stage.on_failure):
        return False
    return not unmet(have, stage, stages)


def verdict(have: Attempts, stages: Mapping[str, Stage], *, superseded: bool = False) -> str:
    """Return a run's state: running while one of its stages can go on by itself.

    Args:
        have: The attempts.
        stages: The stages of the run.
        superseded: A newer run keeps this one from starting anything more.
    """
    may_start = startable(have, stages)
    if any(one.state in OPEN_STAGE for one in have.values()) or (may_start and not superseded):
        return "running"
    # What runs because something failed says nothing of the run itself.
    names = [name for name, stage in stages.items() if not stage.on_failure]
    states = {state_of(have, name) for name in names if not met(have, name, stages)} - {""}
    if "failed" in states:
        return "failed"
    if states & {*CLOSED}:
        return "cancelled"
    # A newer run has kept it from beginning what it could.
    if may_start:
        return "cancelled"
    return "waiting" if "gate" in states else "passed"


def may_be_tried_again(stage: Stage, exit_code: int | None, tries: int) -> bool:
    """Tell whether a failed attempt is tried again by itself: only where a machine was to blame.

    Args:
        stage: The stage.
        exit_code: The script's.
        tries: How often it was tried again before.
    """
    return exit_code == MissingTool.exit_code and tries < stage.machine_retries
