"""Limit the length of a stage's output and of its test messages."""

from __future__ import annotations

import hashlib
from collections import deque

from slipway.model.protocol.event import TestResult

__all__ = ["Messages", "Output", "head_and_tail", "short_name"]

#: Maximum characters of one test's message.
_EACH = 3_000
#: Characters of all messages of a stage together; further ones are cut to _BRIEF.
_TOGETHER = 4_000_000
_BRIEF = 400
#: PostgreSQL limits an indexed value to 2,700 bytes.
_LONGEST_NAME = 600
_GAP = "\n[... {left:,} characters are left out; the stage's reports have them ...]\n"
#: Tolerance, so that a text that was cut once, with its note of the gap, is not cut again.
_SLACK = 100


def head_and_tail(text: str, most: int) -> str:
    """Return a text, or its beginning and end with a note about the gap.

    Args:
        text: The text.
        most: Maximum number of characters, without the note.
    """
    if len(text) <= most + _SLACK:
        return text
    head = most * 2 // 3
    tail = most - head
    return text[:head] + _GAP.format(left=len(text) - most) + text[-tail:]


def short_name(name: str) -> str:
    """Shorten a test's name so that it can be indexed; a hash keeps it unique."""
    if len(name) <= _LONGEST_NAME:
        return name
    return f"{name[: _LONGEST_NAME - 20]} [cut {hashlib.sha256(name.encode()).hexdigest()[:12]}]"


class Messages:
    """Limits the messages of a stage's tests, each and in total."""

    def __init__(self, each: int = _EACH, together: int = _TOGETHER, brief: int = _BRIEF) -> None:
        """Set the limits.

        Args:
            each: Maximum characters of one message.
            together: Characters of all messages before they are cut to `brief`.
            brief: Maximum characters of one message after that.
        """
        self._each, self._remaining, self._brief = each, together, brief

    def bound(self, test: TestResult) -> TestResult:
        """Return a result with a message of limited length."""
        most = self._each if self._remaining > 0 else self._brief
        message = head_and_tail(test.message, most)
        self._remaining -= len(message)
        return test if message == test.message else test.model_copy(update={"message": message})


class Output:
    """Limits a stage's output: passes on its beginning at once, and its last part at the end."""

    def __init__(self, head: int, tail: int) -> None:
        """Set the limits.

        Args:
            head: Characters that are passed on immediately.
            tail: Characters of the last part, which are held until the end.
        """
        self._head, self._most = head, tail
        self._tail: deque[str] = deque()
        self._kept = self._omitted = 0

    def take(self, text: str) -> str:
        """Accept whole lines; return the part to pass on now."""
        if self._head > 0:
            self._head -= len(text)
            if self._head > 0:
                return text
            return text + "[from here on only the end of the output is kept]\n"
        # Of a text longer than the whole tail, only its last part can stay.
        if len(text) > self._most:
            self._omitted += len(text) - self._most
            text = text[-self._most :]
        self._tail.append(text)
        self._kept += len(text)
        while self._kept > self._most:
            dropped = self._tail.popleft()
            self._kept -= len(dropped)
            self._omitted += len(dropped)
        return ""

    def end(self) -> str:
        """Return the held last part, preceded by the number of omitted characters. Call it once."""
        text, omitted = "".join(self._tail), self._omitted
        self._tail.clear()
        self._kept = self._omitted = 0
        if not omitted:
            return text
        # The first line may be incomplete.
        return f"[{omitted:,} characters are left out here]\n{text}"
