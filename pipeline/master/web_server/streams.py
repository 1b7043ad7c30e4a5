"""Websockets and event streams with limits.

Buildbot limits neither their number, nor the size and rate of messages, nor the data queued for a
client that does not read, and does not check later whether the person may still look. The gateway
routes `/ws` and `/sse` to these subclasses of Buildbot's own resources.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

from autobahn.twisted.resource import WebSocketResource
from buildbot.www.sse import EventResource
from buildbot.www.ws import WsProtocol, WsProtocolFactory
from twisted.internet import defer, task
from twisted.python import log
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from slipway.master.access.rate_limits import Buckets
from slipway.model.access import Person

__all__ = ["Events", "Socket", "Sockets", "Streams"]

#: Maximum number of open streams: per person, and per address of anonymous people.
_OF_PERSON, _OF_ADDRESS = 60, 60
#: Maximum size of a message to the master in bytes; bursts and rates per second of messages and
#: bytes.
_LONGEST, _MESSAGES, _BYTES = 4096, (300, 20), (262_144, 32_768)
#: Maximum number of subscriptions of a stream, length of a path, and bytes queued for a client that
#: does not read.
_PATHS, _LONGEST_PATH, _BEHIND = 300, 200, 1 << 20
#: Seconds between two checks of a stream's permission, and between two pings.
_ASKED, _PING = 60.0, 60.0
#: Close code of a websocket; codes from 4000 on are private.
_NOT_OURS = 4008


class Streams:
    """The open streams; each is closed when its person may no longer look."""

    def __init__(self, may_look: Callable[[Any], Awaitable[bool]]) -> None:
        """Create an empty set.

        Args:
            may_look: Authenticates a visit again and returns whether its person may look.
        """
        self._may_look = may_look
        self._open: dict[Any, str] = {}
        self._counts: Counter[str] = Counter()
        self._asking = task.LoopingCall(lambda: defer.ensureDeferred(self._ask()))

    def begin(self, visit: Any, address: str) -> bool:
        """Register a stream; return False if its person or address has too many."""
        person: Person = visit.person
        key = f"address {address}" if person.anonymous else f"person {person.name}"
        if self._counts[key] >= (_OF_ADDRESS if person.anonymous else _OF_PERSON):
            return False
        self._open[visit] = key
        self._counts[key] += 1
        visit.channel.yields = person.anonymous
        if not self._asking.running:
            self._asking.start(_ASKED, now=False)
        return True

    def end(self, visit: Any) -> None:
        """Unregister a stream. Idempotent."""
        key = self._open.pop(visit, None)
        if key is None:
            return
        self._counts[key] -= 1
        if not self._counts[key]:
            del self._counts[key]
        if not self._open and self._asking.running:
            self._asking.stop()

    async def _ask(self) -> None:
        for visit in list(self._open):
            try:
                still = await self._may_look(visit)
            except Exception as error:  # noqa: BLE001  asked again in a minute
                log.err(error, "while checking whether a person may still listen")
                continue
            if not still and visit in self._open:
                visit.connection.cut()


class Socket(WsProtocol):
    """Buildbot's websocket, with limits."""

    def __init__(self, master: Any, visit: Any, ended: Callable[[], None]) -> None:
        super().__init__(master)
        self._channel, self._ended = visit.connection, ended
        self._messages, self._bytes = Buckets(*_MESSAGES), Buckets(*_BYTES)
        self._behind = 0

    def dataReceived(self, data: bytes) -> None:
        """Process received data; abort the connection above the rate limit."""
        if self._bytes.take("", len(data)):
            super().dataReceived(data)
        else:
            self._channel.cut()

    def onPing(self, payload: bytes) -> None:
        """Answer a ping; abort the connection above the rate limit."""
        if self._messages.take(""):
            super().onPing(payload)
        else:
            self._channel.cut()

    def onMessage(self, frame: bytes, isBinary: bool) -> Any:
        """Process a message if it is valid; close the websocket otherwise."""
        if not self._messages.take(""):
            self._channel.cut()
            return None
        if not _is_message(frame, set(self.qrefs or {})):
            self.sendClose(_NOT_OURS, "this is no message of ours, or there are too many")
            return None
        return super().onMessage(frame, isBinary)

    def sendMessage(self, payload: bytes, *args: Any, **options: Any) -> Any:
        """Send a message; abort the connection if too much is queued for the client."""
        self._behind = self._behind + len(payload) if self._channel.behind else 0
        if self._behind > _BEHIND:
            self._channel.cut()
            return None
        return super().sendMessage(payload, *args, **options)

    def connectionLost(self, reason: Any) -> None:
        """Handle the loss of the connection; the channel itself is not notified."""
        # Buildbot's override does not call Autobahn's method, which stops its timers.
        super(WsProtocol, self).connectionLost(reason)
        super().connectionLost(reason)
        self._ended()


def _is_message(frame: bytes, followed: set[str]) -> bool:
    """Validate a message for Buildbot's code, which does not check types."""
    try:
        message = json.loads(frame)
    except (ValueError, RecursionError):
        return False
    if not isinstance(message, dict) or not isinstance(message.get("cmd", ""), str):
        return False
    path = message.get("path", "")
    if not isinstance(path, str) or len(path) > _LONGEST_PATH:
        return False
    return path in followed or len(followed) < _PATHS


class Sockets(Resource):
    """The resource `/ws`."""

    isLeaf = True  # noqa: N815  Twisted's name

    def __init__(self, master: Any, streams: Streams, address: Callable[[Any], str]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._master, self._streams, self._address = master, streams, address
        self._factory = WsProtocolFactory(master)
        self._factory.setProtocolOptions(
            maxMessagePayloadSize=_LONGEST,
            maxFramePayloadSize=_LONGEST,
            autoPingInterval=_PING,
            autoPingTimeout=_PING,
        )

    def render(self, request: Any) -> Any:
        """Upgrade a request to a websocket."""
        request.connection = request.channel
        if not self._streams.begin(request, self._address(request)):
            return _too_many(request)

        def ended() -> None:
            self._streams.end(request)
            request.connection.over()

        one = _One(self._factory, self._master, request, ended)
        return WebSocketResource(one).render(request)  # type: ignore[no-untyped-call]


class _One:
    """Factory of the websocket of one request."""

    def __init__(self, factory: Any, master: Any, visit: Any, ended: Callable[[], None]) -> None:
        self._factory, self._of = factory, (master, visit, ended)

    def buildProtocol(self, _address: Any) -> Socket:
        made = Socket(*self._of)
        made.factory = self._factory
        return made


class Events(EventResource):
    """The resource `/sse`."""

    def __init__(self, master: Any, streams: Streams, address: Callable[[Any], str]) -> None:
        super().__init__(master)
        self._streams, self._address = streams, address

    def render(self, request: Any) -> Any:
        """Open a stream, or change its subscriptions."""
        path = [one for one in request.postpath if one]
        # Buildbot parses query arguments as values of a filter, and fails.
        request.args.clear()
        if path[:1] in ([b"add"], [b"remove"]):
            consumer = self.consumers.get(path[1] if len(path) > 1 else b"")
            follows = len(consumer.qrefs) if consumer else 0
            if path[0] == b"add" and follows >= _PATHS:
                return _too_many(request)
            # Buildbot's method returns None here, which Twisted reports as an error.
            super().render(request)
            return b""
        request.connection = request.channel
        if sum(len(one) for one in path) > _LONGEST_PATH:
            return _too_many(request)
        if not self._streams.begin(request, self._address(request)):
            return _too_many(request)
        request.notifyFinish().addBoth(lambda _: self._streams.end(request))
        return NOT_DONE_YET if super().render(request) == NOT_DONE_YET else b""


def _too_many(request: Any) -> bytes:
    request.setResponseCode(429)
    request.setHeader("content-type", "application/json; charset=utf-8")
    return json.dumps({"error": "too many streams are open; close some"}).encode()
