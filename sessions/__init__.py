"""Sessions: the driver-independent API of steps. Import this as `slipway.sessions`."""

from __future__ import annotations

from slipway.sessions.element import Element
from slipway.sessions.errors import (
    DriverMissing,
    NotThere,
    SessionError,
    SessionLost,
    Transient,
    Unsupported,
)
from slipway.sessions.session import Evidence, Session

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
