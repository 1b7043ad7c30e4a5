"""Shapes of the audit trail."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from slipway.model.records.audit import Verdict
from slipway.www.shapes.base import Asked, Line, Number, Shape

__all__ = ["AuditQuery", "Whole"]


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


class Whole(Verdict, Shape):
    """The result of verifying the audit trail."""

    whole: bool
