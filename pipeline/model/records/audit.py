"""Records of the audit trail."""

from __future__ import annotations

from typing import Any

from slipway.model.records.base import Record

__all__ = ["AuditEntry", "Verdict"]


class AuditEntry(Record):
    """An entry of the audit trail."""

    id: int
    """1, 2, 3, without gaps."""
    at: float
    """Seconds since 1970."""
    actor: str
    action: str
    """insert, update, delete; for other events what was requested: force, stop, sign-in."""
    entity: str
    """The kind of the object."""
    entity_id: str
    project: str
    """Empty: the event concerns the site."""
    summary: str
    """The object, or the event, for people."""
    old: dict[str, Any] | None
    new: dict[str, Any] | None
    previous: str
    """The hash of the previous entry; 64 zeros in the first."""
    hash: str


class Verdict(Record):
    """Result of verifying the audit trail."""

    rows: int
    head: str
    """The hash of its newest entry."""
    anchors: int
    """Number of anchors found in it."""
    problem: str
    """The first problem, a sentence; empty if the trail is intact."""
