"""Hold the output of one process among several, so that lines of two scenarios are never mixed."""

from __future__ import annotations

import atexit
import contextlib
import io
import sys

__all__ = ["HeldOutput", "hold", "write_out"]


class HeldOutput(io.TextIOWrapper):
    """A standard output that is written out a scenario at a time.

    behave's formatters flush after each step; here that does nothing.
    """

    held = True

    def flush(self) -> None:
        """Do nothing while the output is held."""
        if not self.held:
            super().flush()

    def write_out(self) -> None:
        """Write out what is held."""
        super().flush()

    def release(self) -> None:
        """Write out what is held, and hold nothing from now on."""
        self.held = False
        with contextlib.suppress(OSError, ValueError):
            self.write_out()


def hold() -> None:
    """Hold this process's standard output until the next `write_out`, or its end."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Detached: the one before must not close the file when it is deleted.
        file = sys.stdout.detach()
        held = HeldOutput(file, encoding="utf-8", errors="backslashreplace")
        sys.stdout = sys.__stdout__ = held  # type: ignore[misc]
        atexit.register(held.release)


def write_out() -> None:
    """Write out what is held, if anything is."""
    if isinstance(sys.__stdout__, HeldOutput):
        sys.__stdout__.write_out()
