"""Journal of answers: what servers have answered and the ledger does not know yet.

A line is written right after the server's answer. A master that is killed before the ledger knows
it reads the line at its next start, and does not send again.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
from pathlib import Path

from slipway.ledger.outbox.queue import Answer
from slipway.model.notices.delivery import DeliveryState

__all__ = ["Journal"]


class Journal:
    """An append-only file; threads may write to it."""

    def __init__(self, path: Path) -> None:
        """Keep the path; the file is made by the first line."""
        self._path = path
        self._lock = threading.Lock()
        self._file: int | None = None
        self._open = 0

    def write(self, answer: Answer) -> None:
        """Add an answer. A full disk loses the line and nothing else."""
        line = json.dumps(
            {
                "delivery": answer.delivery,
                "state": answer.state.value,
                "text": answer.text,
                "at": answer.at,
            }
        )
        with self._lock, contextlib.suppress(OSError):
            self._open += 1
            if self._file is None:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
                self._file = os.open(self._path, flags, 0o600)
            os.write(self._file, line.encode() + b"\n")

    def recorded(self, count: int) -> None:
        """Forget answers that the ledger knows; the file is emptied when it knows all."""
        with self._lock:
            self._open = max(0, self._open - count)
            if not self._open and self._file is not None:
                with contextlib.suppress(OSError):
                    os.ftruncate(self._file, 0)

    def read(self) -> list[Answer]:
        """Return the answers of a master that has ended; a half line at the end is left out."""
        found = []
        try:
            lines = self._path.read_bytes().split(b"\n")
        except OSError:
            return []
        for line in lines:
            with contextlib.suppress(ValueError, KeyError, TypeError):
                one = json.loads(line)
                state = DeliveryState(one["state"])
                found.append(Answer(int(one["delivery"]), state, str(one["text"]), at=one["at"]))
        return found

    def clear(self) -> None:
        """Empty the file, when the ledger knows all of it."""
        with contextlib.suppress(OSError):
            os.truncate(self._path, 0)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._file is not None:
                os.close(self._file)
                self._file = None
