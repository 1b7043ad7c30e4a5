"""Handle signals that end a command, without losing any."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from types import FrameType, TracebackType
from typing import Any, Self

__all__ = ["ENDING", "Interrupts"]

#: Signals that ask a command to end, as far as this system has them.
ENDING = ("SIGINT", "SIGTERM", "SIGHUP")


class Interrupts:
    """Raise KeyboardInterrupt, with the signal's number, for each signal that asks to end.

    An exception that a handler raises is lost where Python cannot pass it on: in `__del__` and in
    weak reference callbacks (https://docs.python.org/3/library/signal.html, "Note on Signal
    Handlers and Exceptions"). So the signal is recorded, too: a loop calls `check()` in it.
    """

    def __init__(self, names: Sequence[str] = ENDING) -> None:
        self._numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
        self._before: dict[int, Any] = {}
        self._arrived: int | None = None

    def __enter__(self) -> Self:
        """Install the signal handlers."""
        self._before = {number: signal.signal(number, self._handle) for number in self._numbers}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, what: BaseException | None, at: TracebackType | None
    ) -> None:
        """Restore the previous signal handlers."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def check(self) -> None:
        """Raise KeyboardInterrupt if a signal has arrived."""
        if self._arrived is not None:
            raise KeyboardInterrupt(self._arrived)

    def ignore(self) -> None:
        """Ignore further signals, so that the clean-up is not interrupted."""
        for number in self._numbers:
            signal.signal(number, signal.SIG_IGN)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        self._arrived = number
        raise KeyboardInterrupt(number)
