"""The one site that features share, and the browsers that look at it."""

from __future__ import annotations

from collections.abc import Sequence

from slipway.sessions.drivers import Sessions
from slipway.sessions.settings import Settings
from slipway.sessions.visitors import Visitors
from support.almanac import AlmanacSite
from support.browser import PATIENCE


class Shared:
    """Starts the site for the first feature that asks, and ends it with the last."""

    def __init__(self) -> None:
        self._site: AlmanacSite | None = None
        self._sessions: Sessions | None = None

    @property
    def site(self) -> AlmanacSite:
        """The site; it runs."""
        if self._site is None:
            site = AlmanacSite()
            try:
                site.begin()
            except BaseException:
                site.end()
                raise
            self._site = site
        return self._site

    def visitors(self, tags: Sequence[str]) -> Visitors:
        """Return the visitors of a scenario; nobody has come yet."""
        if self._sessions is None:
            self._sessions = Sessions(Settings(self.site.url), patience=PATIENCE)
        return Visitors(self._sessions, tags)

    def end(self) -> None:
        """End browsers and site."""
        if self._sessions is not None:
            self._sessions.close()
        if self._site is not None:
            self._site.end()
