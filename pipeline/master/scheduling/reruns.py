"""Select the attempts to repeat when a person reruns a stage, and refuse if that is unsafe."""

from __future__ import annotations

from collections.abc import Mapping

from slipway.ledger import gate_openings, run_state, runs
from slipway.ledger.tables.runs import Run, StageResult
from slipway.model import run_state as rules
from slipway.model.errors import WrongInput
from slipway.model.kinds.stage import Stage
from slipway.model.states import OPEN_STAGE, StageState

__all__ = ["to_try"]


def to_try(run: Run, name: str, cell: str, stages: Mapping[str, Stage]) -> list[StageResult]:
    """Return the attempts to repeat: a stage's failed cells, or all if none failed.

    Args:
        run: The run.
        name: The stage.
        cell: The only cell to repeat. Empty: as above.
        stages: The stages of the pipeline.

    Raises:
        WrongInput: There is no such cell, its needs have not passed, it or a dependent is active,
            or it waits for a person.
    """
    have = {key[1]: one for key, one in run_state.counting(run).items() if key[0] == name}
    subject = f"{name} of run {run.number}"
    if cell and cell not in have:
        msg = f'{subject} has no cell "{cell}"; it has {", ".join(sorted(have)) or "none yet"}'
        raise WrongInput(msg)
    chosen = [have[cell]] if cell else list(have.values())
    for one in chosen:
        if one.state in OPEN_STAGE:
            msg = f"{subject} is {one.state} already"
            raise WrongInput(msg)
        if runs.is_stopping(one):
            msg = f"{subject} is being stopped; try again when it has ended"
            raise WrongInput(msg)
        if one.state == StageState.GATE:
            msg = f"{subject} waits for a person; open its gate"
            raise WrongInput(msg)
    _not_in_use(run, name, stages)
    back = [one for one in gate_openings.working(run, name) if one.rollback]
    if back:
        msg = f"{subject} is {back[0].state} already: its release is being brought back"
        raise WrongInput(msg)
    unmet = run_state.unmet(run, stages[name], stages)
    if unmet:
        msg = f"{subject} waits for {', '.join(unmet)}"
        raise WrongInput(msg)
    bad = [one for one in chosen if one.state in {StageState.FAILED, StageState.CANCELLED}]
    return bad or chosen


def _not_in_use(run: Run, name: str, stages: Mapping[str, Stage]) -> None:
    """Check that no dependent is active: it would lose its inputs."""
    have = run_state.counting(run)
    for other, stage in stages.items():
        state = rules.state_of(have, other)
        if name in stage.needs and state in OPEN_STAGE:
            msg = f"{name} of run {run.number} is what {other} works on, which is {state}; "
            raise WrongInput(msg + f"wait for it, or cancel {other} first")
