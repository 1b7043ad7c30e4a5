"""Gates: stages that wait for a person. Each is a row, never a build held open.

Every function works in the caller's transaction. What a person may do is decided here, once, for
every way in.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from slipway.ledger.gate_tables import Approval, Freeze, Gate
from slipway.ledger.tables import Run, StageResult
from slipway.model.access import Person, gate_refusal, may_open
from slipway.model.errors import Forbidden, WrongInput
from slipway.model.stage import Stage
from slipway.model.window import is_open, next_opening

#: A gate in one of these is not decided yet.
UNDECIDED = ("open", "asked", "approved")


@dataclass(frozen=True)
class Request:
    """What a person asks of a gate."""

    token: str
    values: Mapping[str, Any] = field(default_factory=dict)
    """The checked answers to its parameters, without secrets."""
    secret_names: tuple[str, ...] = ()
    comment: str = ""


def attach(session: Session, run: Run, result: StageResult, stage: Stage, now: float) -> Gate:
    """Give an attempt its gate: the one that was asked for early, or a new one."""
    early = session.scalar(
        select(Gate).where(
            Gate.run_id == run.id,
            Gate.stage == result.name,
            Gate.stage_id.is_(None),
            Gate.state.in_(UNDECIDED),
        )
    )
    if early is None:
        return make(session, run, result.name, stage, now, result.id)
    early.stage_id = result.id
    session.flush()
    return early


def make(
    session: Session,
    run: Run,
    name: str,
    stage: Stage,
    now: float,
    stage_id: int | None = None,
) -> Gate:
    """Write down a gate that nobody has asked anything of yet.

    Args:
        session: The transaction.
        run: The run.
        name: The stage.
        stage: What pipeline.toml says of it.
        now: Seconds since 1970.
        stage_id: The attempt it lets go. None: its needs have not passed yet.
    """
    gate = Gate(
        run=run,
        stage_id=stage_id,
        stage=name,
        token=secrets.token_urlsafe(16),
        state="open",
        made_at=now,
        expires_at=now + stage.expires if stage.expires else None,
        values={},
        secret_names=[],
    )
    session.add(gate)
    session.flush()
    return gate


def of_stage(session: Session, result: StageResult) -> Gate | None:
    """Return the gate of an attempt."""
    return session.scalar(select(Gate).where(Gate.stage_id == result.id))


def move(session: Session, last: StageResult, result: StageResult) -> None:
    """Let an attempt that is made by itself stand behind the gate of the one before."""
    gate = of_stage(session, last)
    if gate is not None:
        gate.stage_id = result.id
        session.flush()


def withdraw(session: Session, result: StageResult) -> None:
    """Close the gate of an attempt that counts no more."""
    gate = of_stage(session, result)
    if gate is not None and gate.state in UNDECIDED:
        gate.state = "expired"


def ask(
    session: Session, gate: Gate, stage: Stage, person: Person, request: Request, now: float
) -> bool:
    """Open a gate, or ask others to approve that it opens.

    Returns:
        False where this very request has been taken already (a second click).

    Raises:
        Forbidden: The person has none of the roles that may.
        WrongInput: The gate is not open any more, the token is another, or the project is frozen.
    """
    _permit(gate, stage, person)
    again = gate.token == request.token and gate.person == person.name
    if again and gate.state in {"asked", "approved", "passed"}:
        return False
    if gate.state != "open":
        raise WrongInput(_told(gate))
    if gate.token != request.token:
        msg = f"{_name(gate)}: the token is of another attempt; look at the gate again"
        raise WrongInput(msg)
    _not_frozen(session, gate)
    gate.values, gate.secret_names = dict(request.values), list(request.secret_names)
    gate.person, gate.comment, gate.asked_at = person.name, request.comment, now
    gate.state = "asked"
    if stage.requester_counts and stage.approvals:
        _say(gate, person, "approve", "", now)
    _count(gate, stage)
    session.flush()
    return True


def approve(
    session: Session, gate: Gate, stage: Stage, person: Person, comment: str, now: float
) -> None:
    """Approve what somebody asked of a gate.

    Raises:
        Forbidden: The person has none of the roles that may, or asked for it themselves.
        WrongInput: There is nothing to approve, they have approved already, or it is frozen.
    """
    _permit(gate, stage, person)
    if gate.state == "open":
        msg = f"{_name(gate)}: nobody has asked for it yet; open it with its parameters"
        raise WrongInput(msg)
    if gate.state != "asked":
        raise WrongInput(_told(gate))
    if person.name == gate.person and not stage.requester_counts:
        msg = f"{_name(gate)}: {person.name} asked for it; another person must approve it"
        raise Forbidden(msg)
    if any(one.person == person.name for one in gate.approvals):
        msg = f"{_name(gate)}: {person.name} has approved it already; another person must"
        raise WrongInput(msg)
    _not_frozen(session, gate)
    _say(gate, person, "approve", comment, now)
    _count(gate, stage)
    session.flush()


def reject(
    session: Session, gate: Gate, stage: Stage, person: Person, comment: str, now: float
) -> None:
    """Say no: the stage does not run, and what waits for it never starts.

    Raises:
        Forbidden: The person has none of the roles that may.
        WrongInput: It is decided already, or the comment is missing.
    """
    _permit(gate, stage, person)
    if gate.state not in UNDECIDED:
        raise WrongInput(_told(gate))
    if not comment.strip():
        msg = f"{_name(gate)}: say why it is rejected, in the comment"
        raise WrongInput(msg)
    said = next((one for one in gate.approvals if one.person == person.name), None)
    if said is not None:
        said.decision, said.comment, said.at = "reject", comment, now
    else:
        _say(gate, person, "reject", comment, now)
    close(session, gate, "rejected", f"rejected by {person.name}: {comment}", now)


def close(session: Session, gate: Gate, state: str, why: str, now: float) -> None:
    """End a gate that lets nothing through, and the attempt that waited for it."""
    gate.state, gate.ended_at = state, now
    result = session.get(StageResult, gate.stage_id) if gate.stage_id else None
    if result is not None and result.state == "gate":
        result.state, result.summary, result.finished_at = state, why, now
        result.started_at = result.started_at or now
    session.flush()


def reopen(gate: Gate) -> None:
    """Ask anew: what was given for it is lost."""
    gate.state, gate.person, gate.asked_at = "open", "", None
    gate.values, gate.secret_names = {}, []
    gate.approvals.clear()


def let_go(session: Session, gate: Gate, stage: Stage, now: float) -> StageResult | None:
    """Queue the attempt behind an approved gate; None where it must wait on.

    It waits for its needs, for the end of a freeze, and for its window.
    """
    if gate.state != "approved" or gate.stage_id is None:
        return None
    result = session.get_one(StageResult, gate.stage_id)
    inside = is_open(stage.window, datetime.fromtimestamp(now, UTC))
    if result.state != "gate" or not inside or frozen(session, gate.run.project) is not None:
        return None
    result.state, result.owner, result.queued_at = "queued", gate.person, now
    gate.state, gate.ended_at = "passed", now
    session.flush()
    return result


def undecided(session: Session, project: str, run_id: int | None = None) -> list[Gate]:
    """Return the gates of a project, or of one of its runs, that are not decided yet."""
    query = select(Gate).join(Run).where(Run.project == project, Gate.state.in_(UNDECIDED))
    if run_id is not None:
        query = query.where(Gate.run_id == run_id)
    return list(session.scalars(query.order_by(Gate.id)))


def timed(session: Session, project: str) -> list[Gate]:
    """Return the undecided gates of a project to which something may happen by itself."""
    query = select(Gate).join(Run).where(Run.project == project, Gate.state.in_(UNDECIDED))
    query = query.where((Gate.state == "approved") | Gate.expires_at.is_not(None))
    return list(session.scalars(query.order_by(Gate.id)))


def due_at(session: Session, gate: Gate, stage: Stage, now: float) -> float | None:
    """Return when something happens to a gate by itself: its window opens, or it expires."""
    dues = [] if gate.expires_at is None else [gate.expires_at]
    if gate.state == "approved" and gate.stage_id and not frozen(session, gate.run.project):
        at = datetime.fromtimestamp(now, UTC)
        opening = next_opening(stage.window, at)
        # Where it is open now, it is not time that the gate waits for.
        dues += [] if opening is None or opening <= at else [opening.timestamp()]
    return min(dues, default=None)


def frozen(session: Session, project: str) -> Freeze | None:
    """Return the freeze of a project, where there is one."""
    return session.get(Freeze, project)


def _permit(gate: Gate, stage: Stage, person: Person) -> None:
    if person.anonymous or not may_open(person, stage.allowed):
        msg = f"{_name(gate)}: {gate_refusal(person, stage.allowed)}"
        raise Forbidden(msg)


def _not_frozen(session: Session, gate: Gate) -> None:
    freeze = frozen(session, gate.run.project)
    if freeze is not None:
        msg = f"{gate.run.project} is frozen by {freeze.person}: {freeze.reason}; no gate opens"
        raise WrongInput(msg)


def _say(gate: Gate, person: Person, decision: str, comment: str, now: float) -> None:
    gate.approvals.append(Approval(person=person.name, decision=decision, comment=comment, at=now))


def _count(gate: Gate, stage: Stage) -> None:
    if sum(one.decision == "approve" for one in gate.approvals) >= stage.approvals:
        gate.state = "approved"


def _name(gate: Gate) -> str:
    return f"{gate.stage} of {gate.run.project} run {gate.run.number}"


def _told(gate: Gate) -> str:
    by = f" by {gate.person}" if gate.person else ""
    told = {
        "asked": f"has been asked for{by} and waits for approvals",
        "approved": f"has been asked for{by} and approved",
        "passed": f"has been opened{by}",
        "rejected": "has been rejected; run the stage again to ask anew",
        "expired": "is closed; run the stage again to ask anew",
    }
    return f"{_name(gate)} {told[gate.state]}"
