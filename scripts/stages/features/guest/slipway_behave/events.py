"""Report events: one JSON object per line, each written immediately.

Every event has `event` (its kind), `time` (seconds since 1970), `process` (the index) and `token`.
"""

from __future__ import annotations

import json
import os
import threading
import time
from typing import Any

__all__ = ["Events", "cut"]

_LONG = 20_000


class Events:
    """The event stream of one process; thread-safe."""

    def __init__(self, target: str | int, process: int = 0, token: str = "") -> None:
        """Open the target.

        Args:
            target: A file to append to, or the number of an open file descriptor.
            process: The index of this process.
            token: The host's identifier of the run.
        """
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        self._fd = target if isinstance(target, int) else os.open(target, flags, 0o644)
        self._lock = threading.RLock()
        self._always = {"process": process, "token": token}
        self.errors = 0

    def emit(self, event: str, **values: Any) -> None:
        """Write one event."""
        record = {"event": event, "time": round(time.time(), 4), **self._always, **values}
        # ASCII only: a lone surrogate in a message must not stop the run.
        line = json.dumps(record, default=str).encode("ascii") + b"\n"
        with self._lock:
            while line:
                line = line[os.write(self._fd, line) :]

    def notice(self, text: str, level: str = "info", **values: Any) -> None:
        """Report a sentence for people."""
        self.emit("notice", text=text, level=level, **values)

    def error(self, text: str, *, kind: str, code: int, file: str = "", line: int = 0) -> None:
        """Report an error that fails the run, besides failed scenarios."""
        self.errors += 1
        self.emit("error", text=text, kind=kind, code=code, file=file, line=line)


def cut(text: object) -> str:
    """Shorten a text for an event to its beginning and its end."""
    full = str(text or "")
    half = _LONG // 2
    return full if len(full) <= _LONG else f"{full[:half]}\n[...]\n{full[-half:]}"
