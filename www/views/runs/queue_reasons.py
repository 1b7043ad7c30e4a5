"""Explain why stages are queued, for views."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy.orm import Session

from slipway.ledger import queue_reasons
from slipway.www.api.graph_columns import Outline

__all__ = ["why_queued"]


def why_queued(session: Session, site: Mapping[str, Outline]) -> dict[int, str]:
    """Return the reason why each queued attempt of a site has not begun, by the attempt's id."""
    workers = next((outline.workers for outline in site.values()), {})
    projects = {name: outline.project for name, outline in site.items()}
    return queue_reasons.why_queued(session, projects, workers)
