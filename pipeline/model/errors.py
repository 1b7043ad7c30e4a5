"""Exceptions and exit codes.

The codes: 0 passed, 1 the thing under test failed, 2 wrong input, 3 something is missing on the
machine, 4 not over yet.
"""

from __future__ import annotations

__all__ = [
    "NOT_OVER",
    "PASSED",
    "Forbidden",
    "MissingTool",
    "SlipwayError",
    "StageFailed",
    "Stopped",
    "WrongInput",
    "error_line",
]

PASSED = 0
#: Exit code of a command whose run is not over: it waits, or takes longer than allowed.
NOT_OVER = 4


class SlipwayError(Exception):
    """Base class: the message is a sentence for the person who can mend it.

    The exit code tells who that is: 1 for the application, 2 for the configuration, 3 for the
    machine.
    """

    exit_code = 1


class StageFailed(SlipwayError):
    """The thing under test failed: a failing test, an executable that does not start."""

    exit_code = 1


class Stopped(SlipwayError):
    """The work is to end at once: somebody stopped it. Nothing that handles failures handles it."""

    exit_code = 1


class WrongInput(SlipwayError):
    """A setting, file or argument is wrong; the message says where, what is allowed, what to do."""

    exit_code = 2


class MissingTool(SlipwayError):
    """Something is missing on the machine; the message says what, and how to get it."""

    exit_code = 3


class Forbidden(WrongInput):
    """A person lacks the permission for an action."""


def error_line(error: BaseException) -> str:
    """Return an exception's class and the first line of its message; at most 300 characters."""
    first = next(iter(str(error).splitlines()), "")
    return f"{type(error).__name__}: {first}"[:300] if first else type(error).__name__
