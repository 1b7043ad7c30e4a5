"""Read the end of an application's log since a mark, without secrets."""

from __future__ import annotations

import re
import signal
from pathlib import Path

from slipway.model.errors import WrongInput

__all__ = ["ApplicationLog", "ending_text"]

_MOST_BYTES = 64 * 1024
_LAST_LINES = 8
_LONGEST_LINE = 300
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]")


class ApplicationLog:
    """A log file that another process writes."""

    def __init__(self, path: Path) -> None:
        """Create the file and mark its end.

        Raises:
            WrongInput: It cannot be written.
        """
        self.path = path.absolute()
        self._secrets: list[str] = []
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.open("ab").close()
        except OSError as error:
            raise WrongInput(
                f"application: log {path} cannot be written: {error.strerror}; name another file"
            ) from error
        self._mark = 0
        self.mark()

    def hide(self, secret: str) -> None:
        """Mask a text in everything that is read from now on."""
        self._secrets.append(secret)

    def mark(self) -> int:
        """Set the start of `tail` to the current end; return that position in bytes."""
        self._mark = self._size()
        return self._mark

    def tail(self, lines: int = 40, since: int | None = None) -> str:
        """Return the last lines, at most 64 KiB.

        Args:
            lines: The largest number of lines.
            since: A position that `mark` returned. None: the last mark.
        """
        start = self._mark if since is None else since
        size = self._size()
        if size < start:
            # The application has truncated its log.
            start = 0
        cut = max(start, size - _MOST_BYTES)
        try:
            with self.path.open("rb") as stream:
                stream.seek(cut)
                text = stream.read(_MOST_BYTES).decode("utf-8", "replace")
        except OSError:
            return ""
        if cut > start and "\n" in text:
            text = text.split("\n", 1)[1]
        for secret in self._secrets:
            text = text.replace(secret, "***")
        kept = text.splitlines()[-lines:] if lines > 0 else []
        return "\n".join(kept)

    def last_lines(self, since: int | None = None) -> str:
        """Return the last lines joined into one, for a sentence."""
        lines = [_CONTROL.sub("", line).strip() for line in self.tail(200, since).splitlines()]
        last = [line[:_LONGEST_LINE] for line in lines if line][-_LAST_LINES:]
        return " | ".join(last) or "nothing"

    def _size(self) -> int:
        try:
            return self.path.stat().st_size
        except OSError:
            return 0


def ending_text(code: int) -> str:
    """Describe the end of a program: "ended with exit code 3", with the signal's name if any."""
    if code < 0:
        try:
            return f"ended with exit code {code} ({signal.Signals(-code).name})"
        except ValueError:
            pass
    return f"ended with exit code {code}"
