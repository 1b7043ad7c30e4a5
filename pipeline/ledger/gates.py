"""Gates: stages that wait for a person, each a row and never a blocked build.

Buildbot has no step that waits for a person (https://github.com/buildbot/buildbot/issues/5141).
Every function works in the caller's transaction. Permissions are checked here, for the web UI, the
API and the command line alike. An illegal change of state raises
`slipway.ledger.transitions.IllegalRow`.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from slipway.ledger import deployments, freezes, gate_requests
from slipway.ledger.gate_requests import Request
from slipway.ledger.releases import blocks
from slipway.ledger.tables.gates import Gate
from slipway.ledger.tables.runs import Run, StageResult
from slipway.ledger.transitions import transition
from slipway.model.access import Person, gate_refusal, may_open
from slipway.model.errors import Forbidden, WrongInput
from slipway.model.kinds.stage import Stage
from slipway.model.kinds.time_window import is_open, next_opening
from slipway.model.states import UNDECIDED, Decision, GateState, StageState

__all__ = [
    "approve",
    "ask",
    "attach",
    "brings_back",
    "close",
    "due_at",
    "has_expired",
    "make",
    "may_ask",
    "move",
    "name_of",
    "of_stage",
    "permit",
    "queue_approved",
    "reject",
    "reopen",
    "timed",
    "undecided",
    "withdraw",
]


def attach(session: Session, run: Run, result: StageResult, stage: Stage, now: float) -> Gate:
    """Attach a gate to an attempt: the one requested early, or a new one."""
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
    *,
    token: str = "",
    rollback: bool = False,
) -> Gate:
    """Insert a gate that has no request yet.

    Args:
        session: The transaction.
        run: The run.
        name: The stage.
        stage: The stage's configuration in pipeline.toml.
        now: Seconds since 1970.
        stage_id: The attempt that it releases. None: its needs have not passed yet.
        token: The token that was displayed with the gate. Empty: a new one.
        rollback: True for the rollback to an older release.
    """
    gate = Gate(
        run=run,
        stage_id=stage_id,
        stage=name,
        token=token or _new_token(),
        rollback=rollback,
        made_at=now,
        expires_at=now + stage.expires if stage.expires else None,
        values={},
        secret_names=[],
    )
    session.add(gate)
    session.flush()
    return gate


def _new_token() -> str:
    """Return a new random token."""
    return secrets.token_urlsafe(16)


def of_stage(session: Session, result: StageResult) -> Gate | None:
    """Return the gate of an attempt; None if there is none."""
    return session.scalar(select(Gate).where(Gate.stage_id == result.id))


def move(session: Session, last: StageResult, result: StageResult) -> None:
    """Move the gate of an attempt to its automatic retry."""
    gate = of_stage(session, last)
    if gate is not None:
        gate.stage_id = result.id
        session.flush()


def withdraw(session: Session, result: StageResult, stage: Stage, why: str, now: float) -> None:
    """Cancel the undecided gate of an attempt that is stale."""
    gate = of_stage(session, result)
    if gate is not None and gate.state in UNDECIDED:
        close(session, gate, stage, GateState.CANCELLED, f"withdrawn: {why}", now)


def ask(
    session: Session, gate: Gate, stage: Stage, person: Person, request: Request, now: float
) -> bool:
    """Request that a gate opens; it opens at once if no approvals are needed.

    A request that is not approved yet can be replaced with other values: `request.token` is then
    the name of the asking to replace.

    Returns:
        False if this same request was recorded before (a repeated click).

    Raises:
        Forbidden: The person has none of the allowed roles.
        WrongInput: The gate is not open any more, the token differs, it has expired, the project is
            frozen, or the release blocked.
    """
    if not may_ask(session, gate, stage, person, request.token, now):
        differences = "; ".join(
            gate_requests.differences(gate.values, {**gate.values, **request.values})
        )
        if differences:
            state = _state_sentence(gate)
            msg = f"{state}, with other answers: {differences}; look at the gate again"
            raise WrongInput(msg)
        return False
    blocks.check_deployable(session, gate.run, stage, request.values)
    gate_requests.take(session, gate, person, request, now)
    if stage.requester_counts and stage.approvals:
        gate_requests.decide(gate, person, Decision.APPROVE, "", now)
    _count(gate, stage, now)
    session.flush()
    return True


def may_ask(
    session: Session, gate: Gate, stage: Stage, person: Person, token: str, now: float
) -> bool:
    """Return whether a request is new, as far as this is known without its values.

    Returns:
        False if this same request was recorded before.

    Raises:
        Forbidden: The person has none of the allowed roles.
        WrongInput: As `ask` does.
    """
    permit(name_of(gate), stage, person)
    again = gate.token == token and gate.person == person.name
    if again and gate.state in {GateState.ASKED, GateState.APPROVED, GateState.OPENED}:
        return False
    anew = gate.state == GateState.ASKED and gate.asking == token
    if gate.state != GateState.OPEN and not anew:
        raise WrongInput(_state_sentence(gate))
    if gate.token != token and not anew:
        msg = f"{name_of(gate)}: the token is of another attempt; look at the gate again"
        raise WrongInput(msg)
    _not_expired(gate, now)
    freezes.check_not_frozen(session, gate.run.project)
    return True


def approve(
    session: Session,
    gate: Gate,
    stage: Stage,
    person: Person,
    asking: str,
    comment: str,
    now: float,
) -> None:
    """Approve the current request of a gate.

    Args:
        session: The transaction.
        gate: The gate.
        stage: Its stage.
        person: The approver.
        asking: The name of the request that they were shown (`Gate.asking`).
        comment: Free text.
        now: Seconds since 1970.

    Raises:
        Forbidden: The person has none of the allowed roles, or made the request themselves.
        WrongInput: There is nothing to approve, the request has been replaced, they have approved
            already, it has expired, or it is frozen, or its release blocked.
    """
    permit(name_of(gate), stage, person)
    if gate.state not in {GateState.ASKED, GateState.OPEN}:
        raise WrongInput(_state_sentence(gate))
    gate_requests.check_seen(session, gate, asking, name_of(gate))
    if person.name == gate.person and not stage.requester_counts:
        msg = f"{name_of(gate)}: {person.name} asked for it; another person must approve it"
        raise Forbidden(msg)
    if any(one.person == person.name for one in gate.approvals):
        msg = f"{name_of(gate)}: {person.name} has approved it already; another person must"
        raise WrongInput(msg)
    _not_expired(gate, now)
    freezes.check_not_frozen(session, gate.run.project)
    blocks.check_deployable(session, gate.run, stage, gate.values)
    gate_requests.decide(gate, person, Decision.APPROVE, comment, now)
    _count(gate, stage, now)
    session.flush()


def reject(
    session: Session, gate: Gate, stage: Stage, person: Person, comment: str, now: float
) -> None:
    """Reject a gate: the stage does not run, and stages that need it never start.

    Raises:
        Forbidden: The person has none of the allowed roles.
        WrongInput: It is decided already, or the comment is missing.
    """
    permit(name_of(gate), stage, person)
    if gate.state not in UNDECIDED:
        raise WrongInput(_state_sentence(gate))
    if not comment.strip():
        msg = f"{name_of(gate)}: say why it is rejected, in the comment"
        raise WrongInput(msg)
    approval = next((one for one in gate.approvals if one.person == person.name), None)
    if approval is not None:
        approval.decision, approval.comment, approval.at = Decision.REJECT, comment, now
    else:
        gate_requests.decide(gate, person, Decision.REJECT, comment, now)
    close(session, gate, stage, GateState.REJECTED, f"rejected by {person.name}: {comment}", now)


def close(
    session: Session, gate: Gate, stage: Stage | None, state: GateState, why: str, now: float
) -> None:
    """Close a gate without opening it, and end the attempt that waits for it.

    Args:
        session: The transaction.
        gate: The gate.
        stage: Its stage; None if it was removed from pipeline.toml.
        state: rejected, expired or cancelled.
        why: The reason, a few words; becomes the attempt's summary.
        now: Seconds since 1970.
    """
    _decide(session, gate, stage, state, why, now)
    result = session.get(StageResult, gate.stage_id) if gate.stage_id else None
    if result is not None and result.state == StageState.GATE:
        # The attempt ends in the state of the same name: rejected, expired or cancelled.
        transition(result, StageState(state), why, now)
        result.summary = why
    session.flush()


def reopen(session: Session, gate: Gate, why: str, now: float) -> None:
    """Reset a gate to "open" without a request: the given secrets are lost."""
    transition(gate, GateState.OPEN, why, now)
    gate.person, gate.asked_at = "", None
    gate.token, gate.asking, gate.comment = _new_token(), "", why
    gate.values, gate.secret_names = {}, []
    gate_requests.void_approvals(session, gate)


def queue_approved(session: Session, gate: Gate, stage: Stage, now: float) -> StageResult | None:
    """Queue the attempt behind an approved gate; return None if it must still wait.

    It waits for its needs, the end of a freeze or of its release's block, and its time window.
    """
    if gate.state != GateState.APPROVED or gate.stage_id is None or has_expired(gate, now):
        return None
    result = session.get_one(StageResult, gate.stage_id)
    inside = is_open(stage.window, datetime.fromtimestamp(now, UTC))
    held = not inside or freezes.find_freeze(session, gate.run.project) is not None
    held = held or blocks.holds_back(session, gate.run, stage, gate.values)
    if held or result.state != StageState.GATE:
        return None
    transition(result, StageState.QUEUED, "its gate was opened", now)
    result.owner = gate.person
    _decide(session, gate, stage, GateState.OPENED, "nothing is in its way", now)
    session.flush()
    return result


def _decide(
    session: Session, gate: Gate, stage: Stage | None, state: GateState, why: str, now: float
) -> None:
    """End a gate; record the environment's current deployment, which changes later."""
    transition(gate, state, why, now)
    if stage is not None and stage.deploys_to is not None:
        before = deployments.current(session, gate.run.project, stage.deploys_to)
        gate.previous_id = before.id if before is not None else None


def brings_back(session: Session, gate: Gate) -> bool:
    """Return whether a gate releases a rollback, which does not count in the run's state."""
    result = session.get(StageResult, gate.stage_id) if gate.stage_id else None
    return result is not None and result.rollback


def undecided(session: Session, project: str, run_id: int | None = None) -> list[Gate]:
    """Return the undecided gates of a project, or of one of its runs."""
    query = select(Gate).join(Run).where(Run.project == project, Gate.state.in_(UNDECIDED))
    if run_id is not None:
        query = query.where(Gate.run_id == run_id)
    return list(session.scalars(query.order_by(Gate.id)))


def timed(session: Session, project: str) -> list[Gate]:
    """Return the undecided gates of a project that a timer may change: approved or expiring."""
    query = select(Gate).join(Run).where(Run.project == project, Gate.state.in_(UNDECIDED))
    query = query.where((Gate.state == GateState.APPROVED) | Gate.expires_at.is_not(None))
    return list(session.scalars(query.order_by(Gate.id)))


def due_at(session: Session, gate: Gate, stage: Stage, now: float) -> float | None:
    """Return when a timer must act on a gate: its window opens, or it expires. None: never."""
    dues = [] if gate.expires_at is None else [gate.expires_at]
    if (
        gate.state == GateState.APPROVED
        and gate.stage_id
        and not freezes.find_freeze(session, gate.run.project)
    ):
        at = datetime.fromtimestamp(now, UTC)
        opening = next_opening(stage.window, at)
        # If the window is open now, the gate waits for something else than time.
        dues += [] if opening is None or opening <= at else [opening.timestamp()]
    return min(dues, default=None)


def permit(name: str, stage: Stage, person: Person) -> None:
    """Check that a person may open a gate.

    Raises:
        Forbidden: They have none of the allowed roles.
    """
    if person.anonymous or not may_open(person, stage.allowed):
        msg = f"{name}: {gate_refusal(person, stage.allowed)}"
        raise Forbidden(msg)


def has_expired(gate: Gate, now: float) -> bool:
    """Return whether a gate's expiry time has passed, even if its state is not "expired" yet."""
    return gate.expires_at is not None and gate.expires_at <= now


def _not_expired(gate: Gate, now: float) -> None:
    if has_expired(gate, now):
        msg = f"{name_of(gate)} has expired; run the stage again to ask anew"
        raise WrongInput(msg)


def _count(gate: Gate, stage: Stage, now: float) -> None:
    if sum(one.decision == Decision.APPROVE for one in gate.approvals) >= stage.approvals:
        transition(gate, GateState.APPROVED, "it has its approvals", now)


def name_of(gate: Gate) -> str:
    """Return a gate's title for sentences."""
    return f"{gate.stage} of {gate.run.project} run {gate.run.number}"


def _state_sentence(gate: Gate) -> str:
    by = f" by {gate.person}" if gate.person else ""
    sentences = {
        GateState.ASKED: f"has been asked for{by} and waits for approvals",
        GateState.APPROVED: f"has been asked for{by} and approved",
        GateState.OPENED: f"has been opened{by}",
        GateState.REJECTED: "has been rejected; run the stage again to ask anew",
        GateState.EXPIRED: "is closed; run the stage again to ask anew",
        GateState.CANCELLED: "was cancelled; run the stage again to ask anew",
    }
    return f"{name_of(gate)} {sentences[gate.state]}"
