"""Shapes of the audit trail."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from slipway.www.shapes.base import Asked, Json, Line, Number, Shape


class AuditEntry(Shape):
    """An entry of the audit trail."""

    id: int
    at: float
    actor: str
    action: str
    entity: str
    entity_id: str
    project: str
    summary: str
    old: Json | None
    new: Json | None
    previous: str
    hash: str


class AuditQuery(Asked):
    """Filter of the audit trail."""

    actor: Line | None = None
    action: Line | None = None
    entity: Line | None = None
    project: Line | None = None
    since: Annotated[float, Field(ge=0, le=1e11, allow_inf_nan=False)] | None = None
    before: Number | None = None
    limit: Annotated[int, Field(ge=1, le=10000)] = 50
    format: Literal["json", "csv"] | None = None
    """To be downloaded as a file."""


class Whole(Shape):
    """The result of verifying the audit trail."""

    whole: bool
    rows: int
    head: str
    problem: str
