"""What a session says when it cannot do what a step asks for."""

from __future__ import annotations


class SessionError(AssertionError):
    """The page is not as the step expects it: the step fails with this sentence."""


class NotThere(SessionError):
    """What a step names is not on the page (yet)."""


class Unsupported(SessionError):
    """This driver cannot do that, such as answering an alert over plain HTTP."""


class Transient(Exception):
    """The page is just changing; whoever looks must look again."""


class DriverMissing(RuntimeError):
    """The machine has no browser, no driver, or one of the wrong version."""


class SessionLost(RuntimeError):
    """The browser or the server behind a session is gone."""
