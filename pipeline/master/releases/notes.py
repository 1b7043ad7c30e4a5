"""Prepare the notes of a release: what has changed since the last release of its channel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session
from twisted.internet import threads
from twisted.python import log

from slipway.git_mirror import Mirror
from slipway.ledger.audit import chain
from slipway.ledger.releases import blocks, channels
from slipway.ledger.tables.gates import Gate
from slipway.ledger.tables.runs import Release, Run
from slipway.model.errors import SlipwayError
from slipway.model.kinds.stage import Stage
from slipway.model.parameter import asks_changes
from slipway.scripts.releases.changes import notes_text

__all__ = [
    "MirroredLedger",
    "Span",
    "asks_notes",
    "edited_notes",
    "note_edit",
    "prepare",
    "span_of",
]

#: Commits that are read at most; of a first release, which has everything since the first commit.
_MOST, _MOST_AT_FIRST = 10_000, 100


class MirroredLedger(Protocol):
    """What release notes need of the ledger service."""

    def mirror(self, project: str) -> Mirror:
        """Return the mirror of a project's repository."""


@dataclass(frozen=True)
class Span:
    """The commits that a release's notes tell of."""

    project: str
    new: str
    """The release's revision."""
    old: str | None = None
    """The revision of the release before. None: there is none."""
    since: str = ""
    """Its version."""
    channel: str = ""


def asks_notes(stage: Stage) -> str | None:
    """Return the parameter of a stage's gate that asks for the release notes, or None."""
    return next((one.name for one in stage.parameters if asks_changes(one)), None)


def span_of(session: Session, run: Run, stage: Stage) -> Span:
    """Return what the notes of a run's release tell of: since the last one of its channel.

    Blocked releases and the run's own do not count.
    """
    channel = stage.first_channel or ""
    if channel:
        moves = channels.list_moves(session, run.project).get(channel, [])
        before = [one.release for one in reversed(moves)]
    else:
        query = select(Release).join(Run).where(Run.project == run.project, Run.number < run.number)
        before = list(session.scalars(query.order_by(Run.number.desc(), Release.id.desc())))
    blocked = blocks.list_blocks(session, run.project)
    for one in before:
        if one.run_id != run.id and (run.project, one.version) not in blocked:
            return Span(run.project, run.revision, one.run.revision, one.version, channel)
    return Span(run.project, run.revision, channel=channel)


async def prepare(ledger: MirroredLedger, span: Span) -> str:
    """Return the prepared notes, in Markdown; empty if nothing has changed or git fails."""
    if not span.new:
        return ""
    mirror = ledger.mirror(span.project)
    try:
        return await threads.deferToThread(_text, mirror, span)
    except SlipwayError as error:
        # Notes are no reason to hold a release.
        log.msg(f"the notes of a release of {span.project} cannot be prepared: {error}")
        return ""


def _text(mirror: Mirror, span: Span) -> str:
    limit = _MOST if span.old else _MOST_AT_FIRST
    return notes_text(mirror.changes(span.old, span.new, limit))


def edited_notes(gate: Gate | None, stage: Stage) -> str | None:
    """Return the notes that a person gave at a stage's gate. None: nobody was asked."""
    name = asks_notes(stage)
    if gate is None or name is None:
        return None
    return str(gate.values.get(name) or "")


def note_edit(session: Session, gate: Gate, stage: Stage, prepared: str) -> None:
    """Record in the audit trail that a person has changed the prepared notes."""
    edited = edited_notes(gate, stage)
    if edited is None or edited.strip() == prepared.strip():
        return
    run = gate.run
    chain.note(
        session,
        "edit",
        "notes",
        gate.id,
        project=run.project,
        summary=f"release notes of run {run.number}",
        before={"notes": prepared},
        facts={"notes": edited},
    )
