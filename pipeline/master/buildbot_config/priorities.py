"""Lanes: order in which waiting stages get a free worker."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

__all__ = ["PRIORITY", "by_urgency"]

#: Buildbot starts the highest priority first.
PRIORITY = {"interactive": 10, "default": 0, "bulk": -10}


def by_urgency(master: Any, builders: list[Any]) -> Any:
    """Order builders by priority, then by waiting time: Buildbot's `prioritizeBuilders`.

    The order is the same as Buildbot's own, but from one query instead of two per builder; builders
    with no waiting requests are left out.

    Returns:
        A deferred list of builders.
    """
    waiting = master.db.pool.do(_waiting, master.db.model)
    return waiting.addCallback(_sort, {builder.name: builder for builder in builders})


def _waiting(connection: sa.Connection, model: Any) -> list[str]:
    """Return the names of the builders with unclaimed requests, in order."""
    requests, claims = model.buildrequests, model.buildrequest_claims
    query = (
        sa.select(model.builders.c.name)
        .select_from(
            requests.join(model.builders, requests.c.builderid == model.builders.c.id).outerjoin(
                claims, claims.c.brid == requests.c.id
            )
        )
        .where(requests.c.complete == 0, claims.c.brid.is_(None))
        .group_by(model.builders.c.name)
        .order_by(
            sa.func.max(requests.c.priority).desc(),
            sa.func.min(requests.c.submitted_at),
            model.builders.c.name,
        )
    )
    return list(connection.scalars(query))


def _sort(waiting: list[str], builders: dict[str, Any]) -> list[Any]:
    return [builders[name] for name in waiting if name in builders]
