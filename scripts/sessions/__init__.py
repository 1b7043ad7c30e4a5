"""Sessions: steps that do not know what drives them. Import this as `slipway.features`."""

from __future__ import annotations

from slipway.features.element import Element
from slipway.features.errors import (
    DriverMissing,
    NotThere,
    SessionError,
    SessionLost,
    Transient,
    Unsupported,
)
from slipway.features.session import Evidence, Session

__all__ = [
    "DriverMissing",
    "Element",
    "Evidence",
    "NotThere",
    "Session",
    "SessionError",
    "SessionLost",
    "Transient",
    "Unsupported",
]
