"""Convert rows of gates and approvals to records."""

from __future__ import annotations

from slipway.ledger.tables import gates as tables
from slipway.model.records.gate import Approval, GateRecord

__all__ = ["gate_record"]


def gate_record(row: tables.Gate) -> GateRecord:
    """Return the record of a gate."""
    run = row.run
    return GateRecord(
        id=row.id,
        project=run.project,
        run=run.number,
        version=run.version,
        branch=run.branch,
        revision=run.revision,
        subject=run.subject,
        run_state=run.state,
        stage=row.stage,
        state=row.state,
        asking=row.asking,
        ready=row.stage_id is not None,
        rollback=row.rollback,
        person=row.person,
        comment=row.comment,
        values=row.values,
        secret_names=row.secret_names,
        made_at=row.made_at,
        asked_at=row.asked_at,
        expires_at=row.expires_at,
        ended_at=row.ended_at,
        approvals=[_approval(one) for one in row.approvals],
    )


def _approval(row: tables.Approval) -> Approval:
    return Approval(person=row.person, decision=row.decision, comment=row.comment, at=row.at)
