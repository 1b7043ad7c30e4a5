"""What makes a session good: a mark that only this master can make, by a key in a file of its own.

Buildbot signs its cookies with a secret that it keeps in the database. Whoever has read that, from
a backup or as a database's user, could sign in as anybody; so its signature alone proves nothing.
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

#: Of how many sessions it is remembered that they were ended by hand; older ones are over by then.
_MOST = 100_000


class Sessions:
    """Marks sessions, knows its marks again, and remembers who has signed out."""

    def __init__(self, key: str, ended: Path, hours: float) -> None:
        """Begin.

        Args:
            key: Proves the marks; secret.
            ended: The file that remembers which sessions were ended; made when one is.
            hours: How long a session lasts.
        """
        self._key, self._file, self._seconds = key.encode(), ended, hours * 3600
        self._ended = self._read()

    def begin(self, name: str, proof: str) -> dict[str, str]:
        """Return what a new session carries.

        Args:
            name: Whose it is.
            proof: What it depends on: another one, and the session is over.
        """
        number = f"{int(time.time())}-{secrets.token_urlsafe(12)}"
        return {"session": number, "mark": self._mark(name, number, proof)}

    def good(self, info: Mapping[str, Any], name: str, proof: str) -> bool:
        """Tell whether a session began here, is this person's and is not over."""
        number, mark = str(info.get("session")), str(info.get("mark"))
        wanted = self._mark(name, number, proof)
        if not hmac.compare_digest(mark.encode(), wanted.encode()):
            return False
        return number not in self._ended and self._age(number) < self._seconds

    def end(self, info: Mapping[str, Any]) -> None:
        """Remember that somebody has signed out; their cookie is worth nothing from now on."""
        number = str(info.get("session"))
        self._ended.add(number)
        handle = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(f"{number}\n")

    # ---- browsers that have signed in before

    def browser(self, name: str) -> str:
        """Return what a browser keeps to show later that it has signed in by this name once."""
        number = secrets.token_urlsafe(12)
        return f"{number}.{self._browser_mark(name, number)}"

    def browser_number(self, name: str, kept: str) -> str:
        """Return the number of a browser that has signed in by this name before; else nothing."""
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
