"""Read-only queries: releases, with what was decided on them and what their targets have."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from slipway.ledger.records import publications
from slipway.ledger.records.runs import release_record
from slipway.ledger.releases import blocks, channels
from slipway.ledger.tables import runs as tables
from slipway.model.records.release import ListedRelease

__all__ = ["listed_releases"]


def listed_releases(session: Session, rows: Sequence[tables.Release]) -> list[ListedRelease]:
    """Return the records of releases, in their order; few queries however many they are."""
    targets = publications.of_releases(session, [row.id for row in rows])
    blocked = blocks.list_blocks(session) if rows else {}
    pointed = {
        name: channels.of_releases(session, name) for name in {row.run.project for row in rows}
    }
    return [
        ListedRelease.extend(
            release_record(row, row.run),
            publications=targets.get(row.id, []),
            channels=pointed[row.run.project].get(row.version, []),
            blocked=blocked.get((row.run.project, row.version)),
            pruned_at=row.run.pruned_at,
        )
        for row in rows
    ]
