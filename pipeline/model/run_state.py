"""Rules of a run's state and of the stages that may start, for the ledger and `slipway run`.

All of them look at the newest attempt at each cell that counts; a stage without one was never
tried.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from slipway.model.errors import MissingTool
from slipway.model.kinds.stage import Stage
from slipway.model.states import CLOSED, OPEN_STAGE, RunState, StageState

__all__ = [
    "GOOD",
    "WEIGHT",
    "Attempt",
    "Attempts",
    "may_be_tried_again",
    "met",
    "startable",
    "state_of",
    "unmet",
    "verdict",
]

#: The precedence of states: a stage has the first of these that any of its cells has.
WEIGHT = (
    *(StageState.RUNNING, StageState.QUEUED, StageState.GATE),
    *(StageState.FAILED, StageState.CANCELLED, StageState.REJECTED, StageState.EXPIRED),
    *(StageState.PASSED, StageState.UNCHANGED, StageState.SKIPPED),
)


#: States in which a stage has done what others need it for.
GOOD = (StageState.PASSED, StageState.UNCHANGED, StageState.SKIPPED)


class Attempt(Protocol):
    """An attempt at a cell, whoever stores it."""

    @property
    def state(self) -> StageState | None:
        """The state of the attempt; None: never tried, so it does not count."""


#: The attempts that count, by stage and cell.
Attempts = Mapping[tuple[str, str], Attempt]


def state_of(have: Attempts, name: str) -> StageState | None:
    """Return the state of a stage, derived from its cells; None if it was never tried."""
    states = {attempt.state for (stage, _), attempt in have.items() if stage == name}
    return next((state for state in WEIGHT if state in states), None)


def met(have: Attempts, name: str, stages: Mapping[str, Stage]) -> bool:
    """Return whether a need is met: passed, unchanged, skipped, or failed with `allow-failure`."""
    state = state_of(have, name)
    forgiven = state == StageState.FAILED and name in stages and stages[name].allow_failure
    return state in GOOD or forgiven


def unmet(have: Attempts, stage: Stage, stages: Mapping[str, Stage]) -> list[str]:
    """Return the needs of a stage that are not met."""
    return [need for need in stage.needs if not met(have, need, stages)]


def startable(have: Attempts, stages: Mapping[str, Stage]) -> list[str]:
    """Return the stages that may start: never tried, with all needs and conditions met."""
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
    """Return a run's state: running while a stage is active or may start.

    Args:
        have: The attempts.
        stages: The stages of the run.
        superseded: True: a newer run prevents this one from starting more stages.
    """
    may_start = startable(have, stages)
    if any(one.state in OPEN_STAGE for one in have.values()) or (may_start and not superseded):
        return RunState.RUNNING
    # Stages with `on-failure` do not affect the run's state.
    names = [name for name, stage in stages.items() if not stage.on_failure]
    states = {state_of(have, name) for name in names if not met(have, name, stages)}
    if StageState.FAILED in states:
        return RunState.FAILED
    # The second condition: a newer run prevented stages from starting.
    if states & {*CLOSED} or may_start:
        return RunState.CANCELLED
    return RunState.WAITING if StageState.GATE in states else RunState.PASSED


def may_be_tried_again(stage: Stage, exit_code: int | None, tries: int) -> bool:
    """Return whether a failed attempt is retried automatically, after a machine's failure only.

    Args:
        stage: The stage.
        exit_code: The script's exit code.
        tries: Number of earlier retries.
    """
    return exit_code == MissingTool.exit_code and tries < stage.machine_retries
