"""Keys of a stage that make it a gate: parameters, roles, approvals, expiry, window."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from slipway.model.base import Name, Part
from slipway.model.duration import Duration
from slipway.model.kinds.time_window import Window
from slipway.model.parameter import Parameters

__all__ = ["GateKeys"]

#: Keys that only a gate may have.
_OF_GATES = ("parameters", "allowed", "approvals", "requester_counts", "expires", "window")


class GateKeys(Part):
    """A stage with `manual = true` waits for a person, who opens it and answers its questions."""

    manual: bool = False
    """True: the stage waits until a person opens its gate."""
    parameters: Parameters = ()
    """What it asks whoever opens it; docs/reference/parameters.md tells the types."""
    allowed: tuple[Name, ...] = ("developer",)
    """The roles that may open, approve and reject it. Built in, each with the rights of those
    before: viewer, developer, releaser, admin."""
    approvals: int = Field(default=0, ge=0, le=20)
    """Number of people who must approve a request before the stage starts."""
    requester_counts: bool = False
    """True: the person who made the request counts as the first approver."""
    expires: Duration | None = None
    """Duration after which an open gate expires, such as "7d". None: never."""
    window: tuple[Window, ...] = ()
    """Days and hours in which the stage may start; a stage approved outside waits for the next."""

    @model_validator(mode="after")
    def _belongs_to_gates(self) -> Self:
        fields = type(self).model_fields
        changed = [key for key in _OF_GATES if getattr(self, key) != fields[key].default]
        if changed and not self.manual:
            key = changed[0].replace("_", "-")
            msg = f"{key} is for a stage that waits for a person; write manual = true beside it"
            raise ValueError(msg)
        return self
