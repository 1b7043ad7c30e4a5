"""One connection to the web server: requests within bounds of size and time, or none.

Twisted reads a body whole, and a form's into memory several times over, before anybody is asked
whether this person may; and each byte that comes puts its timeout off. Here a request is refused
when its headers are known, and must have come whole within so many seconds. Buildbot's site makes
its connections by its `protocol`, which Twisted documents as an attribute of factories.
"""

from __future__ import annotations

import json
from typing import Any

from twisted.internet import reactor
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from twisted.web.http import RESPONSES, HTTPChannel

from slipway.master.web_server.connections import Connections

#: More bytes than this no body has: nothing that the web server takes is a file.
LARGEST = 256 * 1024
#: Seconds from a request's first byte to the end of its headers, and from there to its last byte.
_HEADERS, _BODY = 20.0, 30.0
#: Seconds in which a client must take something of what is sent to it.
_STALLED = 60.0
#: Seconds, and bytes, that are still read of a request that was refused: a connection that is
#: closed at once takes the answer away from a client that is still sending.
_LINGER, _DISCARDED = 5.0, 64 * 1024 * 1024
#: Requests in what is read at once. Browsers send the next when they have the answer.
_AT_ONCE = 8
_JSON = b"application/json"


class Channel(HTTPChannel):
    """A connection."""

    wire: Any
    """Its transport, also after a websocket has taken it over."""

    def __init__(self, connections: Connections) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._connections = connections
        self.working = False
        """Whether a request is being answered; a websocket or a stream of events is one, too."""
        self.yields = False
        """Whether what is being answered goes on for ever, for somebody nobody knows."""
        self.behind = False
        """Whether the client does not take what is sent to it."""
        self._refused = False
        self._discarded = 0
        self._begun = 0
        self._timers: dict[str, Any] = {}

    # ---- from its beginning to its end

    def connectionMade(self) -> None:
        """Begin, where there is room."""
        super().connectionMade()  # type: ignore[no-untyped-call]
        self.wire = self.transport
        if not self._connections.admit(self):
            self.cut()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """End."""
        self.over()
        super().connectionLost(reason)  # type: ignore[no-untyped-call]

    def over(self) -> None:
        """Forget the connection: it is lost; where a websocket has taken it over, that says so."""
        for name in list(self._timers):
            self._stop(name)
        self._connections.forget(self)

    def cut(self) -> None:
        """Close the connection, whatever is still to be sent."""
        self._connections.forget(self)
        self.wire.abortConnection()

    def _within(self, name: str, seconds: float, otherwise: Any, *args: Any) -> None:
        self._stop(name)
        clock: Any = reactor
        self._timers[name] = clock.callLater(seconds, otherwise, *args)

    def _stop(self, name: str) -> None:
        timer = self._timers.pop(name, None)
        if timer is not None and timer.active():
            timer.cancel()

    # ---- a request

    def dataReceived(self, data: bytes) -> None:
        """Read; from the first byte on there is so much time until the headers are there."""
        if self._refused:
            self._discard(data)
            return
        self._begun = 0
        if not self.working and not self._timers.keys() & {"headers", "body"}:
            self._within(
                "headers", _HEADERS, self.refuse, 408, "the request's headers took too long"
            )
        super().dataReceived(data)  # type: ignore[no-untyped-call]

    def allHeadersReceived(self) -> None:
        """Look at what is announced, before anything of the body is read."""
        self._stop("headers")
        self._begun += 1
        status, sentence = self._trouble()
        if status:
            self.refuse(status, sentence)
            return
        if self.length != 0:
            self._within("body", _BODY, self.refuse, 408, "the request's body took too long")
        super().allHeadersReceived()  # type: ignore[no-untyped-call]

    def _trouble(self) -> tuple[int, str]:
        if self._begun > _AT_ONCE:
            return 429, "wait for an answer before you ask for more"
        if self.length is not None and self.length > LARGEST:
            return 413, f"the body has more than {LARGEST:,} bytes"
        if self.length != 0:
            sent = self.requests[-1].requestHeaders.getRawHeaders(b"content-type", [b""])
            if len(sent) > 1 or sent[0].partition(b";")[0].strip().lower() != _JSON:
                return 415, "the body must be JSON; send Content-Type: application/json"
        return 0, ""

    def rawDataReceived(self, data: bytes) -> None:
        """Take a piece of a body."""
        if not self._refused:
            super().rawDataReceived(data)

    def allContentReceived(self) -> None:
        """Answer, unless it was refused."""
        if self._refused:
            return
        self._stop("body")
        self.working = True
        super().allContentReceived()  # type: ignore[no-untyped-call]

    def requestDone(self, request: Any) -> None:
        """Wait for the next request."""
        self.working = self.yields = False
        self._connections.rests(self)
        super().requestDone(request)  # type: ignore[no-untyped-call]

    # ---- refusals

    def refuse(self, status: int, sentence: str) -> None:
        """Say why not, and read nothing more."""
        if self._refused:
            return
        self._refused = True
        for name in list(self._timers):
            self._stop(name)
        body = json.dumps({"error": sentence}).encode()
        head = (
            f"HTTP/1.1 {status} {RESPONSES.get(status, b'Refused').decode()}\r\n"
            "connection: close\r\ncontent-type: application/json; charset=utf-8\r\n"
            f"content-length: {len(body)}\r\n\r\n"
        )
        self.wire.write(head.encode() + body)
        self.wire.loseWriteConnection()
        self._within("linger", _LINGER, self.cut)

    def _discard(self, data: bytes) -> None:
        self._discarded += len(data)
        if self._discarded > _DISCARDED:
            self.cut()

    # ---- a client that does not read

    def pauseProducing(self) -> None:
        """Hear that what is sent piles up here."""
        self.behind = True
        self._within("stalled", _STALLED, self.cut)
        super().pauseProducing()  # type: ignore[no-untyped-call]

    def resumeProducing(self) -> None:
        """Hear that the client has taken it."""
        self.behind = False
        self._stop("stalled")
        super().resumeProducing()  # type: ignore[no-untyped-call]
