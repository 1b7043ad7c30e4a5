"""Session marks: an HMAC with a key outside the database, which makes a session valid.

Buildbot signs its cookies with a secret stored in the database. Whoever reads it, as from a backup
or as a database user, could sign in as anybody; so Buildbot's signature alone is not sufficient.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["Sessions"]

#: Maximum number of ended sessions to remember; older ones have expired.
_MOST = 100_000


class Sessions:
    """Creates and verifies session marks, and remembers ended sessions."""

    def __init__(self, key: str, ended: Path, hours: float) -> None:
        """Read the ended sessions.

        Args:
            key: The HMAC key.
            ended: The file of ended sessions; created when needed.
            hours: Lifetime of a session in hours.
        """
        self._key, self._file, self._seconds = key.encode(), ended, hours * 3600
        self._ended = self._read()

    def begin(self, name: str, proof: str) -> dict[str, str]:
        """Return the number and mark of a new session.

        Args:
            name: The person's name.
            proof: A fingerprint of the person's credentials; a new one invalidates the session.
        """
        number = f"{int(time.time())}-{secrets.token_urlsafe(12)}"
        return {"session": number, "mark": self._mark(name, number, proof)}

    def good(self, info: Mapping[str, Any], name: str, proof: str) -> bool:
        """Return whether a session's mark is valid, belongs to the person, and has not expired."""
        number, mark = str(info.get("session")), str(info.get("mark"))
        wanted = self._mark(name, number, proof)
        if not hmac.compare_digest(mark.encode(), wanted.encode()):
            return False
        return number not in self._ended and self._age(number) < self._seconds

    def end(self, info: Mapping[str, Any]) -> None:
        """End a session: its cookie is invalid from now on, on copies too."""
        number = str(info.get("session"))
        self._ended.add(number)
        handle = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(f"{number}\n")

    # ---- device cookies

    def browser(self, name: str) -> str:
        """Return the value of the device cookie of a browser that has signed in by this name."""
        number = secrets.token_urlsafe(12)
        return f"{number}.{self._browser_mark(name, number)}"

    def browser_number(self, name: str, kept: str) -> str:
        """Return the number in a valid device cookie of this name; else an empty text."""
        number, _, mark = kept.partition(".")
        wanted = self._browser_mark(name, number)
        return number if hmac.compare_digest(mark.encode(), wanted.encode()) else ""

    def _browser_mark(self, name: str, number: str) -> str:
        text = f"slipway browser\x00{name}\x00{number}"
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()

    def _mark(self, name: str, number: str, proof: str) -> str:
        text = f"slipway session\x00{name}\x00{number}\x00{proof}"
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()

    def _age(self, number: str) -> float:
        return time.time() - int(number.partition("-")[0])

    def _read(self) -> set[str]:
        try:
            lines = self._file.read_text(encoding="utf-8").splitlines()[-_MOST:]
        except OSError:
            return set()
        known = {line for line in lines if line.partition("-")[0].isdecimal()}
        return {number for number in known if self._age(number) < self._seconds}
