"""Streams: websockets and streams of events, which stay open for as long as somebody looks.

Buildbot bounds neither: how many there are, how large or how many messages come, what piles up for
a client that does not read, and whether whoever opened one may still look. The door hands `/ws` and
`/sse` to these subclasses of Buildbot's own resources.
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

#: Open at once: of one person, and of an address that nobody has signed in from.
_OF_PERSON, _OF_ADDRESS = 60, 60
#: Bytes of a message to the master; messages and bytes at once, and a second from then on.
_LONGEST, _MESSAGES, _BYTES = 4096, (300, 20), (262_144, 32_768)
#: What one stream may follow, and bytes that may pile up for a client that does not read.
_PATHS, _LONGEST_PATH, _BEHIND = 300, 200, 1 << 20
#: Seconds between two questions whether they who opened it may still look, and between two pings.
_ASKED, _PING = 60.0, 60.0
#: Why a websocket is closed; from 4000 on the numbers are everybody's own.
_NOT_OURS = 4008


class Streams:
    """What is open, for whom; each is closed once they may no longer look."""

    def __init__(self, may_look: Callable[[Any], Awaitable[bool]]) -> None:
        """Begin.

        Args:
            may_look: Finds out anew whether a visit's person may look, by what it came with.
        """
        self._may_look = may_look
        self._open: dict[Any, str] = {}
        self._counts: Counter[str] = Counter()
        self._asking = task.LoopingCall(lambda: defer.ensureDeferred(self._ask()))

    def begin(self, visit: Any, address: str) -> bool:
        """Count a stream, where there is room for one more of its person or address."""
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
        """Count a stream no more; again changes nothing."""
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
                log.err(error, "while asking whether somebody may still look")
                continue
            if not still and visit in self._open:
                visit.connection.cut()


class Socket(WsProtocol):
    """A websocket of Buildbot's, within bounds."""

    def __init__(self, master: Any, visit: Any, ended: Callable[[], None]) -> None:
        super().__init__(master)
        self._channel, self._ended = visit.connection, ended
        self._messages, self._bytes = Buckets(*_MESSAGES), Buckets(*_BYTES)
        self._behind = 0

    def dataReceived(self, data: bytes) -> None:
        """Read, as long as it is no flood."""
        if self._bytes.take("", len(data)):
            super().dataReceived(data)
        else:
            self._channel.cut()

    def onPing(self, payload: bytes) -> None:
        """Answer, as long as it is no flood."""
        if self._messages.take(""):
            super().onPing(payload)
        else:
            self._channel.cut()

    def onMessage(self, frame: bytes, isBinary: bool) -> Any:
        """Do what a message asks for, where it is one of Buildbot's."""
        if not self._messages.take(""):
            self._channel.cut()
            return None
        if not _is_message(frame, set(self.qrefs or {})):
            self.sendClose(_NOT_OURS, "this is no message of ours, or there are too many")
            return None
        return super().onMessage(frame, isBinary)

    def sendMessage(self, payload: bytes, *args: Any, **options: Any) -> Any:
        """Send, as long as the client takes it."""
        self._behind = self._behind + len(payload) if self._channel.behind else 0
        if self._behind > _BEHIND:
            self._channel.cut()
            return None
        return super().sendMessage(payload, *args, **options)

    def connectionLost(self, reason: Any) -> None:
        """End, and say so to what counts: the channel's own end nobody hears."""
        # Buildbot's own forgets to have Autobahn stop its timers.
        super(WsProtocol, self).connectionLost(reason)
        super().connectionLost(reason)
        self._ended()


def _is_message(frame: bytes, followed: set[str]) -> bool:
    """Tell whether Buildbot's own code can take a message, which takes it for what it expects."""
    try:
        told = json.loads(frame)
    except (ValueError, RecursionError):
        return False
    if not isinstance(told, dict) or not isinstance(told.get("cmd", ""), str):
        return False
    path = told.get("path", "")
    if not isinstance(path, str) or len(path) > _LONGEST_PATH:
        return False
    return path in followed or len(followed) < _PATHS


class Sockets(Resource):
    """`/ws`."""

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
        """Make a websocket of a request."""
        request.connection = request.channel
        if not self._streams.begin(request, self._address(request)):
            return _too_many(request)

        def ended() -> None:
            self._streams.end(request)
            request.connection.over()

        one = _One(self._factory, self._master, request, ended)
        return WebSocketResource(one).render(request)  # type: ignore[no-untyped-call]


class _One:
    """Makes the websocket of one request."""

    def __init__(self, factory: Any, master: Any, visit: Any, ended: Callable[[], None]) -> None:
        self._factory, self._of = factory, (master, visit, ended)

    def buildProtocol(self, _address: Any) -> Socket:
        made = Socket(*self._of)
        made.factory = self._factory
        return made


class Events(EventResource):
    """`/sse`."""

    def __init__(self, master: Any, streams: Streams, address: Callable[[Any], str]) -> None:
        super().__init__(master)
        self._streams, self._address = streams, address

    def render(self, request: Any) -> Any:
        """Begin a stream, or change what it follows."""
        path = [one for one in request.postpath if one]
        # Buildbot's own takes any for the values of a filter, and fails.
        request.args.clear()
        if path[:1] in ([b"add"], [b"remove"]):
            consumer = self.consumers.get(path[1] if len(path) > 1 else b"")
            follows = len(consumer.qrefs) if consumer else 0
            if path[0] == b"add" and follows >= _PATHS:
                return _too_many(request)
            # Buildbot's own returns None here, which Twisted takes for an error.
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
