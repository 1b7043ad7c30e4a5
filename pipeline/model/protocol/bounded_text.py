"""Texts of a bounded length: what a stage says is kept, however much it says."""

from __future__ import annotations

import hashlib
from collections import deque

from slipway.model.protocol.event import TestResult

#: Characters of one test's message that travel with its result.
_EACH = 3_000
#: Characters that the messages of one stage may have together; from there on they are brief.
_TOGETHER = 4_000_000
_BRIEF = 400
#: A name in PostgreSQL's index may have no more bytes than 2,700.
_LONGEST_NAME = 600
_GAP = "\n[... {left:,} characters are left out; the stage's reports have them ...]\n"
#: What was cut once is not cut again: the gap is told in less than this.
_SLACK = 100


def head_and_tail(text: str, most: int) -> str:
    """Return a text, or its beginning and its end with what is left out told between them.

    Args:
        text: The text.
        most: So many characters it may have; a little more where something was left out.
    """
    if len(text) <= most + _SLACK:
        return text
    head = most * 2 // 3
    tail = most - head
    return text[:head] + _GAP.format(left=len(text) - most) + text[-tail:]


def short_name(name: str) -> str:
    """Return a test's name of a length that can be looked up; two that begin alike stay two."""
    if len(name) <= _LONGEST_NAME:
        return name
    return f"{name[: _LONGEST_NAME - 20]} [cut {hashlib.sha256(name.encode()).hexdigest()[:12]}]"


class Messages:
    """The messages of a stage's tests: whole as long as all together are not too long."""

    def __init__(self, each: int = _EACH, together: int = _TOGETHER, brief: int = _BRIEF) -> None:
        """Begin.

        Args:
            each: Characters that one message may have.
            together: Characters that all may have; what comes then is brief.
            brief: Characters that a message may have then.
        """
        self._each, self._left, self._brief = each, together, brief

    def bound(self, test: TestResult) -> TestResult:
        """Return a result whose message is not too long."""
        most = self._each if self._left > 0 else self._brief
        message = head_and_tail(test.message, most)
        self._left -= len(message)
        return test if message == test.message else test.model_copy(update={"message": message})


class Output:
    """A stage's output: its beginning as it comes, and its end once it has ended."""

    def __init__(self, head: int, tail: int) -> None:
        """Begin.

        Args:
            head: Characters that are passed on at once.
            tail: Characters of the end that are kept until then.
        """
        self._head, self._most = head, tail
        self._tail: deque[str] = deque()
        self._kept = self._left_out = 0

    def take(self, text: str) -> str:
        """Take whole lines; return what of them is to be passed on now."""
        if self._head > 0:
            self._head -= len(text)
            if self._head > 0:
                return text
            return text + "[from here on only the end of the output is kept]\n"
        # Of a text that is longer than all that is kept only its end can stay.
        if len(text) > self._most:
            self._left_out += len(text) - self._most
            text = text[-self._most :]
        self._tail.append(text)
        self._kept += len(text)
        while self._kept > self._most:
            gone = self._tail.popleft()
            self._kept -= len(gone)
            self._left_out += len(gone)
        return ""

    def end(self) -> str:
        """Return the end of the output, with how much is missing before it; once."""
        text, left_out = "".join(self._tail), self._left_out
        self._tail.clear()
        self._kept = self._left_out = 0
        if not left_out:
            return text
        # The first line may have lost its beginning.
        return f"[{left_out:,} characters are left out here]\n{text}"
