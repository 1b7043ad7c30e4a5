"""Which session a scenario's tags ask for, and the sessions that outlast a scenario."""

from __future__ import annotations

import contextlib
import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from slipway.sessions.errors import DriverMissing, SessionError, SessionLost
from slipway.sessions.session import Session
from slipway.sessions.settings import Settings

_SESSION = "session:"
#: Drivers whose pages run no JavaScript.
_PLAIN = frozenset({"http", "desktop"})


@dataclass(frozen=True)
class Choice:
    """What a scenario's tags ask for."""

    driver: str
    insulated: bool = False
    """Whether it wants a browser that no scenario has used before."""


def driver_of(
    tags: Iterable[str], default: str = "http", *, javascript: str = "selenium"
) -> Choice:
    """Return the session that tags ask for.

    Args:
        tags: With or without "@": javascript, desktop, session:NAME, insulated; others mean
            nothing here.
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
        msg = (
            f"the tags @javascript and @{_SESSION}{named[0]} contradict each other: the driver "
            f'"{named[0]}" runs no JavaScript; leave out one of them'
        )
        raise SessionError(msg)
    return Choice(named[0], insulated)


class Sessions:
    """Opens sessions as scenarios need them, and keeps a browser for many scenarios."""

    def __init__(  # noqa: PLR0913  each is a setting
        self,
        base_url: str,
        *,
        browser: str | None = None,
        headless: bool = True,
        window_size: tuple[int, int] = (1280, 900),
        grid_url: str | None = None,
        trust_any_certificate: bool = False,
        patience: float = 5.0,
        default: str = "http",
        drivers: Mapping[str, Callable[[], Session]] | None = None,
    ) -> None:
        """Prepare; nothing is opened yet.

        Args:
            base_url: Where the application is; "" where there is a desktop program only.
            browser: chromium, chrome, edge or firefox, or a program. None: chromium.
            headless: Without a window.
            window_size: Width and height in pixels.
            grid_url: A Selenium Grid; with it @javascript runs there.
            trust_any_certificate: Whether a certificate that nobody vouches for will do.
            patience: Seconds a browser session looks again.
            default: The driver of a scenario without tags.
            drivers: More drivers by name, or others in place of these.
        """
        self._base_url = base_url
        self._browser = browser
        self._headless = headless
        self._window_size = window_size
        self._grid_url = grid_url
        self._trusting = trust_any_certificate
        self._patience = patience
        self._default = default
        self._openers: dict[str, Callable[[], Session]] = {
            "http": self._http,
            "selenium": self._selenium,
            "grid": self._grid,
            **(drivers or {}),
        }
        self._kept: dict[tuple[str, str], Session] = {}
        self._used: set[tuple[str, str]] = set()

    def choose(self, tags: Iterable[str], name: str = "") -> Session:
        """Return a clean session for a visitor of a scenario.

        Args:
            tags: The scenario's tags.
            name: The visitor's; each has a session of their own.

        Raises:
            DriverMissing: There is no such driver, or no browser.
            SessionError: The tags contradict each other.
        """
        javascript = "grid" if self._grid_url else "selenium"
        choice = driver_of(tags, self._default, javascript=javascript)
        opener = self._openers.get(choice.driver)
        if opener is None:
            close = difflib.get_close_matches(choice.driver, self._openers, n=1)
            hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(self._openers)}"
            msg = f'there is no driver "{choice.driver}"; {hint}'
            raise DriverMissing(msg)
        key = (choice.driver, name)
        if choice.insulated or not self._clean(key):
            self._end(key)
        if key not in self._kept:
            self._kept[key] = opener()
        self._used.add(key)
        return self._kept[key]

    def reset(self) -> None:
        """Forget what the visitors did; browsers stay open for the next scenario."""
        for key in sorted(self._used):
            try:
                self._kept[key].reset()
            except (SessionLost, SessionError):
                self._end(key)
        self._used.clear()

    def close(self) -> None:
        """End all sessions; harmless when done twice."""
        for key in list(self._kept):
            self._end(key)

    def _clean(self, key: tuple[str, str]) -> bool:
        """Return whether a kept session is as new, after making it so."""
        session = self._kept.get(key)
        if session is None:
            return True
        try:
            if key in self._used:
                session.reset()
            elif session.javascript or session.driver == "desktop":
                # The browser or program may have ended since the last scenario.
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

    def _http(self) -> Session:
        from slipway.sessions.http.session import HttpSession

        return HttpSession(self._target(), verify=not self._trusting)

    def _target(self) -> str:
        return self._base_url or Settings().target()

    def _selenium(self) -> Session:
        try:
            from slipway.sessions.browser.launch import start_browser
            from slipway.sessions.browser.session import BrowserSession
        except ImportError as error:
            raise DriverMissing(_no_package(error)) from None
        target = self._target()
        browser = start_browser(
            self._browser,
            headless=self._headless,
            window_size=self._window_size,
            trust_any_certificate=self._trusting,
        )
        return BrowserSession(target, browser, patience=self._patience)

    def _grid(self) -> Session:
        try:
            from slipway.sessions.browser.grid import GridSession, connect
        except ImportError as error:
            raise DriverMissing(_no_package(error)) from None
        if self._grid_url is None:
            msg = "the driver grid needs the address of a Selenium Grid; set grid-url"
            raise DriverMissing(msg)
        target = self._target()
        browser = connect(
            self._grid_url,
            self._browser,
            headless=self._headless,
            window_size=self._window_size,
            capabilities={"acceptInsecureCerts": True} if self._trusting else None,
        )
        return GridSession(target, browser, patience=self._patience)


def _no_package(error: ImportError) -> str:
    return (
        f"browsers need the package {error.name}, which is not installed; "
        'run: pip install "slipway[features]", or leave out @javascript'
    )
