"""Gate openings: requests for a gate that waits already, or that the request creates.

No gate waits when a stage is opened before its needs have passed, or when an older release is
rolled back. Such a gate is displayed without a row; the row is inserted in the transaction of the
request, after all checks. Every function works in the caller's transaction.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from slipway.ledger import deployments, gates, run_state, runs
from slipway.ledger.releases import blocks
from slipway.ledger.tables.gates import Gate
from slipway.ledger.tables.runs import Run, StageResult
from slipway.model import run_state as rules
from slipway.model.access import Person
from slipway.model.errors import WrongInput
from slipway.model.kinds.stage import Stage
from slipway.model.site import Project
from slipway.model.states import OPEN_RUN, OPEN_STAGE

__all__ = ["Opening", "asked_with", "back", "early", "of_gate", "working"]

#: Length of a token, in hexadecimal digits.
_LETTERS = 32


@dataclass(frozen=True)
class Opening:
    """A gate that can be requested."""

    run: Run
    name: str
    """The name of the stage."""
    stage: Stage
    gate: Gate | None
    """None: the request creates the gate."""
    token: str
    rollback: bool = False

    def title(self) -> str:
        """Return the gate's title for sentences."""
        return f"{self.name} of {self.run.project} run {self.run.number}"

    def shown(self, now: float) -> Gate:
        """Return the gate, or a transient one (id 0, in no session) if it has no row yet."""
        return self.gate or Gate(
            id=0,
            run=self.run,
            stage=self.name,
            # A non-null attempt: the needs of a rollback passed long ago.
            stage_id=0 if self.rollback else None,
            token=self.token,
            asking="",
            rollback=self.rollback,
            values={},
            secret_names=[],
            comment="",
            person="",
            made_at=now,
            approvals=[],
        )

    def make(self, session: Session, person: Person, now: float) -> Gate:
        """Return the gate; insert it if it has no row yet."""
        if self.gate is not None:
            return self.gate
        attempt = None
        if self.rollback:
            made = runs.bring_back(session, self.run, self.name, self.stage, now, person.name)
            attempt = made.id
        return gates.make(
            session,
            self.run,
            self.name,
            self.stage,
            now,
            attempt,
            token=self.token,
            rollback=self.rollback,
        )


def of_gate(gate: Gate, stage: Stage) -> Opening:
    """Return the opening of an existing gate."""
    return Opening(gate.run, gate.stage, stage, gate, gate.token, gate.rollback)


def early(session: Session, project: str, pipeline: Project, number: int, name: str) -> Opening:
    """Return the opening of a stage whose needs have not passed yet.

    Raises:
        WrongInput: There is no such run, it has ended, or the stage has been tried already.
    """
    run, stage = _run_of(session, project, number), pipeline.stages[name]
    waiting = _waiting(session, run, name, rollback=False)
    if waiting is not None:
        return of_gate(waiting, stage)
    if rules.state_of(run_state.counting(run), name):
        msg = f"{name} of run {number} has been tried already; run it again to ask anew"
        raise WrongInput(msg)
    if run.state not in OPEN_RUN:
        msg = f"run {number} of {project} has {run.state}; {name} will not become ready"
        raise WrongInput(msg)
    return Opening(run, name, stage, None, _token(session, run, name, "early"))


def back(session: Session, project: str, pipeline: Project, number: int, name: str) -> Opening:
    """Return the opening that rolls back to an older run's release, beside the run's own gate.

    Raises:
        WrongInput: That run has no release, or a pruned or blocked one, it was never deployed
            there, its needs have not passed, or the stage is active.
    """
    run, stage = _run_of(session, project, number), pipeline.stages[name]
    made = deployments.release_of(session, run)
    if made is None:
        msg = f"run {number} of {project} has made no release"
        raise WrongInput(msg)
    if run.pruned_at is not None:
        msg = f"the release of run {number} of {project} was pruned; its files are gone"
        raise WrongInput(msg)
    blocks.check_not_blocked(session, made)
    environment = deployments.environment_of(pipeline, name)
    if environment is not None and not deployments.was_at(session, made, environment):
        msg = (
            f"the release of run {number} of {project} was never deployed to {environment}: "
            f"nothing to bring back; deploy it with `slipway deploy {environment} --run {number}`"
        )
        raise WrongInput(msg)
    waiting = _waiting(session, run, name, rollback=True)
    if waiting is not None:
        return of_gate(waiting, stage)
    unmet = run_state.unmet(run, stage, pipeline.stages)
    if unmet:
        msg = f"run {number} cannot be deployed there: {', '.join(unmet)} has not passed in it"
        raise WrongInput(msg)
    at_work = working(run, name)
    if at_work:
        msg = f"{name} of run {number} is {at_work[0].state} already"
        raise WrongInput(msg)
    return Opening(run, name, stage, None, _token(session, run, name, "rollback"), rollback=True)


def asked_with(session: Session, project: str, number: int, name: str, token: str) -> Gate | None:
    """Return the gate that was already requested with a token (a repeated click)."""
    query = select(Gate).join(Run).where(Run.project == project, Run.number == number)
    return session.scalar(query.where(Gate.stage == name, Gate.token == token))


def working(run: Run, name: str) -> list[StageResult]:
    """Return the queued, running and stopping attempts at a stage, rollbacks included."""
    return [
        one
        for one in run.stages
        if one.name == name and (one.state in OPEN_STAGE or runs.is_stopping(one))
    ]


def _run_of(session: Session, project: str, number: int) -> Run:
    run = session.scalar(select(Run).where(Run.project == project, Run.number == number))
    if run is None:
        msg = f"{project} has no run {number}"
        raise WrongInput(msg)
    return run


def _waiting(session: Session, run: Run, name: str, *, rollback: bool) -> Gate | None:
    """Return the undecided gate of a stage: the run's own, or the one of a rollback."""
    found = gates.undecided(session, run.project, run.id)
    wanted = (name, rollback)
    return next((gate for gate in found if (gate.stage, gate.rollback) == wanted), None)


def _token(session: Session, run: Run, name: str, why: str) -> str:
    """Return a token that is stable until something happens to this stage of the run."""
    attempt = max((one.id for one in run.stages if one.name == name), default=0)
    of_stage = select(func.max(Gate.id)).where(Gate.run_id == run.id, Gate.stage == name)
    facts = [why, run.id, name, attempt, session.scalar(of_stage) or 0]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:_LETTERS]
