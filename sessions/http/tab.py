"""Navigation of a visitor over plain HTTP: present page and history."""

from __future__ import annotations

from dataclasses import dataclass

from slipway.sessions.errors import SessionError
from slipway.sessions.http.forms import Submission
from slipway.sessions.http.page import Page
from slipway.sessions.http.visitor import Visitor

__all__ = ["Tab"]

_SMALL = 1 << 18


@dataclass
class _Stop:
    url: str
    request: Submission
    page: Page | None


class Tab:
    """The present page, and the history."""

    def __init__(self, visitor: Visitor, *, most_kept: int) -> None:
        """Initialize without a page.

        Args:
            visitor: Loads the pages.
            most_kept: Maximum bytes of pages kept in the history; others are loaded again.
        """
        self.visitor = visitor
        self.most_kept = most_kept
        self._stops: list[_Stop] = []
        self._at = -1

    @property
    def page(self) -> Page | None:
        """The present page; None before the first one."""
        return self._stops[self._at].page if self._stops else None

    @property
    def url(self) -> str:
        """The address of the page."""
        return self._stops[self._at].url if self._stops else "about:blank"

    def forget(self) -> None:
        """Clear the history."""
        self._stops = []
        self._at = -1

    def open(self, submission: Submission, *, referred: bool = True) -> None:
        """Load a page; `referred` tells whether the previous page led there."""
        page = self.visitor.load(submission, self.url if referred and self._stops else None)
        self._add(_Stop(page.url, page.request, page))

    def follow(self, url: str) -> None:
        """Follow a link; a fragment of the same page is not loaded."""
        whole, _, fragment = url.partition("#")
        stop = self._stops[self._at]
        if fragment and whole == stop.url.partition("#")[0]:
            self._add(_Stop(url, stop.request, stop.page))
        else:
            self.open(Submission("GET", url))

    def step(self, by: int) -> None:
        """Go back or forward in the history.

        Raises:
            SessionError: The history has no page there.
        """
        to = self._at + by
        if not self._stops or not 0 <= to < len(self._stops):
            raise SessionError(f"there is no page {'before' if by < 0 else 'after'} {self.url}")
        stop = self._stops[to]
        if stop.page is None:
            if stop.request.method != "GET":
                raise SessionError(f"{stop.url} was the answer to a form and is not kept: visit it")
            stop.page = self.visitor.load(stop.request)
            stop.url = stop.page.url
        self._at = to
        self._return_request()

    def again(self) -> None:
        """Reload the page; form data is sent again.

        Raises:
            SessionError: There is no page.
        """
        if not self._stops:
            raise SessionError("there is no page to load again: visit one first")
        page = self.visitor.load(self._stops[self._at].request, self._referer())
        self._stops[self._at] = _Stop(page.url, page.request, page)

    def _referer(self) -> str | None:
        return self._stops[self._at - 1].url if self._at > 0 else None

    def _add(self, stop: _Stop) -> None:
        self._stops[self._at + 1 :] = [stop]
        self._at = len(self._stops) - 1
        self._return_request()

    def _return_request(self) -> None:
        """Free memory: of the history's pages, keep only the nearest and not too large ones."""
        kept = 0
        shown = self.page
        for stop in sorted(self._stops, key=lambda one: abs(self._stops.index(one) - self._at)):
            if stop.page is None or stop.page is shown:
                continue
            kept += len(stop.page.body)
            if kept > self.most_kept:
                stop.page = None
            elif len(stop.page.body) > _SMALL:
                stop.page.forget()
