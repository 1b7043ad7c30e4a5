"""Errors of sessions when they cannot do what a step asks for."""

from __future__ import annotations

__all__ = ["DriverMissing", "NotThere", "SessionError", "SessionLost", "Transient", "Unsupported"]


class SessionError(AssertionError):
    """The page is not in the state that the step expects: the step fails with this sentence."""


class NotThere(SessionError):
    """An element that a step names is not on the page (yet)."""


class Unsupported(SessionError):
    """The driver does not support an operation, such as answering an alert over plain HTTP."""


class Transient(Exception):
    """The page is changing; retry the query."""


class DriverMissing(RuntimeError):
    """The machine has no browser, no driver, or one of the wrong version."""


class SessionLost(RuntimeError):
    """The browser or the server behind a session is gone."""
