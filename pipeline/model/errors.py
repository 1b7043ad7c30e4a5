"""The ways things end badly, each with the exit code that tells them apart."""

from __future__ import annotations

PASSED = 0
#: What was asked for is not over: it waits for people, for its time, or takes longer than allowed.
NOT_OVER = 4


class SlipwayError(Exception):
    """A sentence for the person who can mend it; `exit_code` says whose turn it is."""

    exit_code = 1


class StageFailed(SlipwayError):
    """The thing under test is bad: a failing test, an executable that does not start."""

    exit_code = 1


class WrongInput(SlipwayError):
    """A setting, a file or an argument is wrong: place, value, what is allowed, what to do."""

    exit_code = 2


class MissingTool(SlipwayError):
    """The machine lacks something: what, and how to get it."""

    exit_code = 3


class Forbidden(WrongInput):
    """Somebody may not do what they asked for."""
