"""How a run stands and what may start in it: the graph's rules, for the ledger and `slipway run`.

All of them look at the newest attempt at each cell that counts; a stage without one was never
tried.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from slipway.model.errors import MissingTool
from slipway.model.stage import Stage
from slipway.model.states import CLOSED, OPEN_STAGE, RunState, StageState

#: The precedence of states: a stage has the first of these that any of its cells has.
WEIGHT = (
    *(StageState.RUNNING, StageState.QUEUED, StageState.GATE),
    *(StageState.FAILED, StageState.CANCELLED, StageState.REJECTED, StageState.EXPIRED),
    *(StageState.PASSED, StageState.SKIPPED),
)


class Attempt(Protocol):
    """One attempt at a cell, whoever keeps it."""

    @property
    def state(self) -> StageState | None:
        """How it stands; None: it was never tried, and does not count."""


#: The attempts that count, by stage and cell.
Attempts = Mapping[tuple[str, str], Attempt]


def state_of(have: Attempts, name: str) -> StageState | None:
    """Return the state of a stage from its cells; None where it was never tried."""
    states = {attempt.state for (stage, _), attempt in have.items() if stage == name}
    return next((state for state in WEIGHT if state in states), None)


def met(have: Attempts, name: str, stages: Mapping[str, Stage]) -> bool:
    """Tell whether a need is met: passed, skipped, or failed where that is allowed."""
    state = state_of(have, name)
    forgiven = state == StageState.FAILED and name in stages and stages[name].allow_failure
    return state in {StageState.PASSED, StageState.SKIPPED} or forgiven


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
    watched = [state_of(have, name) for name in stage.on_failure]
    if watched and StageState.FAILED not in watched:
        return False
    return not unmet(have, stage, stages)


def verdict(have: Attempts, stages: Mapping[str, Stage], *, superseded: bool = False) -> RunState:
    """Return a run's state: running while one of its stages can go on by itself.

    Args:
        have: The attempts.
        stages: The stages of the run.
        superseded: A newer run keeps this one from starting anything more.
    """
    may_start = startable(have, stages)
    if any(one.state in OPEN_STAGE for one in have.values()) or (may_start and not superseded):
        return RunState.RUNNING
    # What runs because something failed says nothing of the run itself.
    names = [name for name, stage in stages.items() if not stage.on_failure]
    states = {state_of(have, name) for name in names if not met(have, name, stages)}
    if StageState.FAILED in states:
        return RunState.FAILED
    # In the second case a newer run has kept it from beginning what it could.
    if states & {*CLOSED} or may_start:
        return RunState.CANCELLED
    return RunState.WAITING if StageState.GATE in states else RunState.PASSED


def may_be_tried_again(stage: Stage, exit_code: int | None, tries: int) -> bool:
    """Tell whether a failed attempt is tried again by itself: only where a machine was to blame.

    Args:
        stage: The stage.
        exit_code: The script's.
        tries: How often it was tried again before.
    """
    return exit_code == MissingTool.exit_code and tries < stage.machine_retries
