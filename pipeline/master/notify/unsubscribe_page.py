"""The page that ends a person's notices by a channel; its address needs no signing in.

RFC 8058: a mail program sends a POST, without asking and without a cookie. A GET shows a button
alone: programs that look at all addresses of a mail must end nothing.
"""

from __future__ import annotations

import time
from typing import Any

from twisted.internet import defer
from twisted.python import log
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from slipway.html import templates
from slipway.ledger.outbox.rules import end_channel
from slipway.master.notify.service import find_notices
from slipway.model.errors import SlipwayError

__all__ = ["UnsubscribePage"]

_TEMPLATE = "slipway.master.access/unsubscribe.html.j2"


class UnsubscribePage(Resource):
    """Everything at `/unsubscribe`."""

    isLeaf = True  # noqa: N815  Twisted's name

    def __init__(self, master: Any) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._master = master

    def render_GET(self, request: Any) -> bytes:
        """Show a button."""
        try:
            person, channel = self._read(request)
        except (SlipwayError, KeyError) as error:
            return _page(request, 404, "No such address", _sentence(error), asks=False)
        sentence = f"{person} gets notices by {channel}. Rules of their own bring them back."
        return _page(request, 200, "End these notices?", sentence, asks=True)

    def render_POST(self, request: Any) -> Any:
        """End the notices."""
        try:
            person, channel = self._read(request)
        except (SlipwayError, KeyError) as error:
            return _page(request, 404, "No such address", _sentence(error), asks=False)
        done = defer.Deferred.fromCoroutine(self._end(request, person, channel))
        done.addErrback(self._failed, request)
        return NOT_DONE_YET

    def _read(self, request: Any) -> tuple[str, str]:
        given = request.args.get(b"token", [b""])[0].decode("utf-8", "replace")
        found: tuple[str, str] = find_notices(self._master).unsubscribing.read(given)
        return found

    async def _end(self, request: Any, person: str, channel: str) -> None:
        service = find_notices(self._master)
        # The person is the actor: whoever has the address has the person's mail.
        await service.ledger.change(person, end_channel, person, channel, time.time())
        sentence = f"{person} gets no more notices by {channel}."
        self._send(request, _page(request, 200, "These notices have ended", sentence, asks=False))

    def _failed(self, failure: Any, request: Any) -> None:
        log.err(failure, "while ending notices")
        sentence = "Something went wrong in the master; its log says what. Try again."
        self._send(request, _page(request, 500, "It did not work", sentence, asks=False))

    @staticmethod
    def _send(request: Any, body: bytes) -> None:
        if request.channel is not None and not request.finished:
            request.write(body)
            request.finish()


def _sentence(error: Exception) -> str:
    return str(error) if isinstance(error, SlipwayError) else "The master is starting; try again."


def _page(request: Any, status: int, title: str, sentence: str, *, asks: bool) -> bytes:
    request.setResponseCode(status)
    request.setHeader("content-type", "text/html; charset=utf-8")
    request.setHeader("cache-control", "no-store")
    # The address is a key of its own: no other page learns it.
    request.setHeader("referrer-policy", "no-referrer")
    return templates.render(_TEMPLATE, title=title, sentence=sentence, asks=asks).encode()
