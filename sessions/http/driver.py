"""The driver `http`: pages over plain HTTP, without JavaScript."""

from __future__ import annotations

from slipway.sessions.http.session import HttpSession
from slipway.sessions.session import Session
from slipway.sessions.settings import Settings

__all__ = ["open_session"]


def open_session(settings: Settings, patience: float) -> Session:  # noqa: ARG001  pages do not change
    """Open a session.

    Raises:
        WrongSetting: The application's address is not set.
    """
    return HttpSession(settings.target(), verify=not settings.trust_any_certificate)
