"""Derive events from rows and the states they had: runs, stages, gates, deployments, blocks.

Only what is known in the transaction and costs at most a query of one row is read here: the sender
describes the rest later.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from slipway.ledger.tables.gates import Deployment, Gate
from slipway.ledger.tables.outbox import OutboxNotice
from slipway.ledger.tables.releases import ReleaseBlock
from slipway.ledger.tables.runs import Run, StageResult
from slipway.model.notices.events import Event
from slipway.model.states import (
    Decision,
    DeploymentState,
    GateState,
    RunState,
    StageState,
)

__all__ = ["Found", "of_block", "of_deployment", "of_gate", "of_run", "of_stage"]

_BAD = (Event.RUN_FAILED.value, Event.RUN_STILL_FAILING.value)
_RUN_EVENTS = (*_BAD, Event.RUN_PASSED.value, Event.RUN_FIXED.value)
_PUBLISH = "publish"


@dataclass(frozen=True)
class Found:
    """An event with what is known of it in its transaction."""

    event: Event
    key: str
    """`Notice.id`."""
    at: float
    project: str = ""
    subject: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


def of_run(session: Session, run: Run, before: RunState | None) -> Iterator[Found]:
    """Yield the event of a run that has ended."""
    if run.state == before or run.state not in {
        RunState.PASSED,
        RunState.FAILED,
        RunState.CANCELLED,
    }:
        return
    at = run.finished_at or 0.0
    if run.state == RunState.CANCELLED:
        event = Event.RUN_CANCELLED
    else:
        was_bad = _was_bad(session, run)
        passed = (Event.RUN_FIXED, Event.RUN_PASSED)
        failed = (Event.RUN_STILL_FAILING, Event.RUN_FAILED)
        event = (passed if run.state == RunState.PASSED else failed)[0 if was_bad else 1]
    # Each time it ends has an id of its own: a person may have it go on.
    key = f"run-{run.id}-{at:.3f}"
    facts = {"run_id": run.id, "person": run.owner}
    yield Found(event, key, at, run.project, f"run-{run.id}", facts)


def _was_bad(session: Session, run: Run) -> bool:
    """Return whether what was known last of this run, or of the one before it, was a failure."""
    told = select(OutboxNotice.event).where(
        OutboxNotice.project == run.project,
        OutboxNotice.subject == f"run-{run.id}",
        OutboxNotice.event.in_(_RUN_EVENTS),
    )
    last = session.scalar(told.order_by(OutboxNotice.id.desc()).limit(1))
    if last is not None:
        return last in _BAD
    ended = select(Run.state).where(
        Run.project == run.project,
        Run.branch == run.branch,
        Run.number < run.number,
        Run.state.in_((RunState.PASSED, RunState.FAILED)),
    )
    return session.scalar(ended.order_by(Run.number.desc()).limit(1)) == RunState.FAILED


def of_stage(_session: Session, result: StageResult, before: StageState | None) -> Iterator[Found]:
    """Yield what an attempt's new state means: its own event, and that of a publication."""
    if result.state == before or result.stale or result.rollback:
        return
    at = result.finished_at or result.started_at or result.queued_at
    subject = f"run-{result.run_id}"
    facts = {"run_id": result.run_id, "stage_id": result.id, "stage": result.name}
    changed = {
        "name": result.name,
        "cell": result.cell,
        "state": result.state.value,
        "attempt": result.attempt,
        "summary": result.summary[:1000],
    }
    key = f"stage-{result.id}-{result.state.value}-{at:.3f}"
    project = result.run.project
    yield Found(Event.STAGE_CHANGED, key, at, project, subject, facts | {"changed": changed})
    if result.uses == _PUBLISH and result.state in {StageState.PASSED, StageState.FAILED}:
        is_there = result.state == StageState.PASSED
        event = Event.PUBLISHED if is_there else Event.PUBLICATION_FAILED
        text = {} if is_there else {"text": result.summary[:1000]}
        person = {"person": result.owner or result.run.owner}
        key = f"publication-{result.id}-{result.state.value}"
        yield Found(event, key, at, project, subject, facts | text | person)


def of_gate(_session: Session, gate: Gate, before: GateState | None) -> Iterator[Found]:
    """Yield what happened to a gate: it waits, was asked for, approved, rejected, has expired."""
    project = gate.run.project
    facts = {
        "run_id": gate.run_id,
        "gate_id": gate.id,
        "stage": gate.stage,
        "asker": gate.person,
    }

    def found(event: Event, suffix: str, at: float | None, **more: Any) -> Found:
        key, subject = f"gate-{gate.id}-{suffix}", f"run-{gate.run_id}"
        return Found(event, key, at or 0.0, project, subject, facts | more)

    if gate.state == GateState.OPEN and gate.stage_id is not None:
        # The same each time that it is derived: a gate waits once, until it is asked for.
        yield found(Event.GATE_WAITS, f"waits-{_short(gate.token)}", gate.made_at)
    elif gate.state == GateState.ASKED:
        asking = _short(gate.asking)
        yield found(
            Event.APPROVAL_WAITS,
            f"asked-{asking}",
            gate.asked_at,
            person=gate.person,
            comment=gate.comment,
        )
    elif gate.state in {GateState.APPROVED, GateState.OPENED} and before in {
        GateState.OPEN,
        GateState.ASKED,
    }:
        others = [one for one in gate.approvals if one.person != gate.person]
        if others:
            last = others[-1]
            asking = f"approved-{_short(gate.asking)}"
            yield found(
                Event.GATE_APPROVED, asking, last.at, person=last.person, comment=last.comment
            )
    elif gate.state != before and gate.state == GateState.REJECTED:
        no = [one for one in gate.approvals if one.decision == Decision.REJECT]
        said = {"person": no[-1].person, "comment": no[-1].comment} if no else {}
        yield found(Event.GATE_REJECTED, f"rejected-{gate.ended_at:.3f}", gate.ended_at, **said)
    elif gate.state != before and gate.state == GateState.EXPIRED:
        yield found(Event.GATE_EXPIRED, f"expired-{gate.ended_at:.3f}", gate.ended_at)


def of_deployment(
    _session: Session, row: Deployment, before: DeploymentState | None
) -> Iterator[Found]:
    """Yield how a deployment ended."""
    failed = {DeploymentState.ROLLED_BACK, DeploymentState.FAILED}
    if row.state == before or row.state not in {DeploymentState.DEPLOYED, *failed}:
        return
    if row.state == DeploymentState.DEPLOYED:
        event = Event.ROLLED_BACK if row.rollback else Event.DEPLOYED
    elif row.state == DeploymentState.FAILED and row.facts.get("touched"):
        event = Event.HEALTH_LOST
    else:
        event = Event.DEPLOYMENT_FAILED
    facts = {
        "deployment_id": row.id,
        "stage_id": row.stage_id,
        "environment": row.environment,
        "person": row.person,
        "text": row.message[:1000] if row.state in failed else "",
    }
    key, at = f"deployment-{row.id}-{row.state.value}", row.finished_at or 0.0
    yield Found(event, key, at, row.project, f"deployment-{row.id}", facts)


def of_block(session: Session, block: ReleaseBlock, before: Any) -> Iterator[Found]:
    """Yield that a release is blocked, or is not any more."""
    is_over = inspect(block).deleted or block in session.deleted
    version = hashlib.sha256(block.version.encode("utf-8", "replace")).hexdigest()[:16]
    key = f"block-{block.project}-{version}-{block.at:.3f}{'-end' if is_over else ''}"
    facts = {"version": block.version, "release_version": block.version}
    facts |= {} if is_over else {"person": block.person, "comment": block.reason}
    event = Event.RELEASE_UNBLOCKED if is_over else Event.RELEASE_BLOCKED
    if is_over or before is None:
        yield Found(event, key, block.at, block.project, f"block-{version}", facts)


def _short(text: str) -> str:
    """Return a short name for a token: what is secret, or of a person, is in no id."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]
