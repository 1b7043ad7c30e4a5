"""Select a session by a scenario's tags, and keep sessions beyond a scenario."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from slipway.sessions.driver_registry import find_opener
from slipway.sessions.errors import SessionError, SessionLost
from slipway.sessions.session import Session
from slipway.sessions.settings import Settings

__all__ = ["Choice", "Sessions", "driver_of"]

_SESSION = "session:"
_CONTRADICTION = (
    "the tags @javascript and @session:{0} contradict each other: the driver "
    '"{0}" runs no JavaScript; leave out one of them'
)
#: Drivers without JavaScript, known before a session is opened.
_PLAIN = frozenset({"http", "desktop"})


@dataclass(frozen=True)
class Choice:
    """The selection by a scenario's tags."""

    driver: str
    insulated: bool = False
    """True asks for a browser that no scenario has used before."""


def driver_of(
    tags: Iterable[str], default: str = "http", *, javascript: str = "selenium"
) -> Choice:
    """Return the session that tags select.

    Args:
        tags: With or without "@": javascript, desktop, session:NAME, insulated; others are
            ignored.
        default: The driver without such a tag.
        javascript: The driver for @javascript.

    Raises:
        SessionError: The tags contradict each other, or @session names nothing.
    """
    names = {str(tag).removeprefix("@") for tag in tags}
    named = sorted({tag.removeprefix(_SESSION) for tag in names if tag.startswith(_SESSION)})
    if "desktop" in names and "desktop" not in named:
        named.append("desktop")
    insulated = "insulated" in names
    if len(named) > 1:
        asked = " and ".join(f"@{_SESSION}{name}" for name in named)
        msg = f"the tags {asked} contradict each other: a scenario has one session"
        raise SessionError(msg)
    if not named:
        return Choice(javascript if "javascript" in names else default, insulated)
    if not named[0]:
        msg = "the tag @session: names no session; write it as @session:selenium"
        raise SessionError(msg)
    if "javascript" in names and named[0] in _PLAIN:
        raise SessionError(_CONTRADICTION.format(named[0]))
    return Choice(named[0], insulated)


class Sessions:
    """Open sessions for scenarios, and reuse browsers for many scenarios."""

    def __init__(
        self,
        settings: Settings,
        *,
        patience: float = 5.0,
        default: str = "http",
        drivers: Mapping[str, Callable[[], Session]] | None = None,
    ) -> None:
        """Initialize; nothing is opened yet.

        Args:
            settings: The settings of sessions.
            patience: Seconds for which a browser session retries.
            default: The driver of a scenario without tags.
            drivers: Additional drivers by name; they override installed ones.
        """
        self._settings, self._patience = settings, patience
        self._default = default
        self._openers = dict(drivers or {})
        self._kept: dict[tuple[str, str], Session] = {}
        self._used: set[tuple[str, str]] = set()

    def choose(self, tags: Iterable[str], name: str = "") -> Session:
        """Return a clean session for a visitor of a scenario.

        Args:
            tags: The scenario's tags.
            name: The visitor's name; each visitor has a separate session.

        Raises:
            DriverMissing: There is no such driver, or no browser.
            SessionError: The tags contradict each other.
        """
        wanted = {str(tag).removeprefix("@") for tag in tags}
        javascript = "grid" if self._settings.grid_url else "selenium"
        choice = driver_of(wanted, self._default, javascript=javascript)
        opener = self._opener(choice.driver)
        key = (choice.driver, name)
        if choice.insulated or not self._clean(key):
            self._end(key)
        if key not in self._kept:
            self._kept[key] = opener()
        if "javascript" in wanted and not self._kept[key].javascript:
            self._end(key)
            raise SessionError(_CONTRADICTION.format(choice.driver))
        self._used.add(key)
        return self._kept[key]

    def _opener(self, driver: str) -> Callable[[], Session]:
        if driver not in self._openers:
            found = find_opener(driver)
            # Kept: a search among all installed packages for each scenario takes milliseconds.
            self._openers[driver] = lambda: found(self._settings, self._patience)
        return self._openers[driver]

    def reset(self) -> None:
        """Reset all visitors; browsers stay open for the next scenario."""
        for key in sorted(self._used):
            try:
                self._kept[key].reset()
            except (SessionLost, SessionError):
                self._end(key)
        self._used.clear()

    def close(self) -> None:
        """End all sessions. Idempotent."""
        for key in list(self._kept):
            self._end(key)

    def _clean(self, key: tuple[str, str]) -> bool:
        """Reset a kept session if it was used; return False if it cannot be used any more."""
        session = self._kept.get(key)
        if session is None:
            return True
        try:
            if key in self._used:
                session.reset()
            elif session.javascript or session.driver == "desktop":
                # The browser or program may have ended since the last scenario: query it.
                _ = session.windows
        except (SessionLost, SessionError):
            return False
        return True

    def _end(self, key: tuple[str, str]) -> None:
        self._used.discard(key)
        session = self._kept.pop(key, None)
        if session is not None:
            with contextlib.suppress(Exception):
                session.close()
