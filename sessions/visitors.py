"""The visitors of an application in one scenario or test, each with a separate session."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from slipway.sessions.session import Evidence, Session
from slipway.sessions.settings import Settings

if TYPE_CHECKING:
    from slipway.sessions.drivers import Sessions

__all__ = ["Visitors", "sessions_of"]


class Visitors:
    """Visitors of one scenario or test."""

    def __init__(self, sessions: Sessions, tags: Sequence[str]) -> None:
        """Initialize; nothing is opened yet.

        Args:
            sessions: The sessions that outlive a scenario, such as browsers.
            tags: The scenario's tags, which select the driver.
        """
        self._sessions = sessions
        self._tags = tuple(tags)
        self._open: dict[str, Session] = {}

    @property
    def first(self) -> Session:
        """The visitor with whom the scenario begins.

        Raises:
            DriverMissing: It needs a browser, and none is installed.
        """
        return self.open("")

    def open(self, name: str) -> Session:
        """Return the session of a visitor; a new name opens a new one.

        Raises:
            DriverMissing: It needs a browser, and none is installed.
        """
        if name not in self._open:
            # By number, not by name: bob of one scenario and eve of the next share a browser.
            number = str(len(self._open)) if name else ""
            self._open[name] = self._sessions.choose(self._tags, number)
        return self._open[name]

    def pages(self) -> list[str]:
        """Return the addresses of the visitors' pages; never raises."""
        return [session.url for session in self._open.values()]

    def evidence(self) -> list[Evidence]:
        """Return the evidence of all visitors, named after those that have a name; never raises."""
        return [
            replace(piece, name=f"{name}-{piece.name}" if name else piece.name)
            for name, session in self._open.items()
            for piece in _gathered(session)
        ]

    def film(self, title: str) -> list[Evidence]:
        """Return a small picture of each visitor's browser; never raises."""
        frames = [
            session.frame(f"{name}: {title}" if name else title)
            for name, session in self._open.items()
        ]
        return [one for one in frames if one is not None]

    def leave(self) -> None:
        """End the visitors' sessions. Idempotent."""
        self._open.clear()
        self._sessions.reset()


def _gathered(session: Session) -> list[Evidence]:
    try:
        return session.evidence()
    except Exception as error:  # noqa: BLE001  there is an error already to be told
        reason = f"{type(error).__name__}: {error}"
        return [Evidence("no-evidence.txt", "text/plain", reason.encode())]


def sessions_of(settings: Settings) -> Sessions:
    """Return the sessions for settings; nothing is opened yet.

    Raises:
        WrongSetting: Neither the application's address nor a desktop program is set.
    """
    from slipway.sessions.drivers import Sessions

    if not settings.desktop:
        settings.target()
    return Sessions(settings)
