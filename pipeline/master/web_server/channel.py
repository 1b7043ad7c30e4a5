"""HTTP connection with limits of size and time for each request.

Twisted reads a whole body, and parses forms into several copies in memory, before anything checks
the person's permission; and each received byte resets its timeout. Here a request is refused as
soon as its headers are known, and must be complete within a fixed time. The class is set as the
site's `protocol`, a documented attribute of Twisted's factories.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet import reactor
from twisted.internet.protocol import connectionDone
from twisted.python import threadable
from twisted.python.failure import Failure
from twisted.web.http import RESPONSES, HTTPChannel

from slipway.master.web_server.connections import Connections

__all__ = ["LARGEST", "Channel"]

#: Maximum size of a body in bytes; the web server accepts no files.
LARGEST = 256 * 1024
#: Seconds from a request's first byte to the end of its headers, and from there to its last byte.
_HEADERS, _BODY = 20.0, 30.0
#: Seconds in which a client must read something of the answer.
_STALLED = 60.0
#: Seconds and bytes to read on after a refusal: closing immediately would reset the connection, and
#: a client that is still sending would lose the answer.
_LINGER, _DISCARDED = 5.0, 64 * 1024 * 1024
#: Maximum number of pipelined requests in one read. Browsers do not pipeline.
_AT_ONCE = 8
_JSON = b"application/json"
#: One-click unsubscribing: mail programs send a form (RFC 8058). Its token is in the address.
_FORM_PATH = b"/unsubscribe"
_FORMS = (b"application/x-www-form-urlencoded", b"multipart/form-data")
_LONGEST_FORM = 4096


class Channel(HTTPChannel):
    """A connection of a client."""

    wire: Any
    """Its transport, even after a websocket has taken it over."""

    def __init__(self, connections: Connections) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._connections = connections
        self.working = False
        """True while a request is answered; a websocket or event stream counts as one."""
        self.yields = False
        """True while an anonymous person's stream is served, which never ends by itself."""
        self.behind = False
        """True if the client does not read what is sent."""
        self._refused = False
        self._discarded = 0
        self._begun = 0
        self._timers: dict[str, Any] = {}
        self._lock = threading.Lock()
        self._waiting: list[bytes | Callable[[], None]] = []

    # ---- connection

    def connectionMade(self) -> None:
        """Accept the connection if there is room."""
        super().connectionMade()  # type: ignore[no-untyped-call]
        self.wire = self.transport
        if not self._connections.admit(self):
            self.cut()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Handle the loss of the connection."""
        self.over()
        super().connectionLost(reason)  # type: ignore[no-untyped-call]

    def over(self) -> None:
        """Stop the timers and unregister the connection; websockets call this themselves."""
        for name in list(self._timers):
            self._stop(name)
        self._connections.forget(self)

    def cut(self) -> None:
        """Abort the connection; unsent data is lost."""
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
        """Process received data; the first byte of a request starts the timeout of its headers."""
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
        """Check the announced length and type before the body is read."""
        self._stop("headers")
        self._begun += 1
        status, sentence = self._trouble()
        if status:
            self.refuse(status, sentence)
            return
        if self.length != 0:
            self._within("body", _BODY, self.refuse, 408, "the request's body took too long")
        super().allHeadersReceived()  # type: ignore[no-untyped-call]

    def _may_be_form(self, kind: bytes) -> bool:
        """Return whether the body may be a form; it is not looked at, but has to be taken."""
        target: Any = self._path
        path = bytes(target).partition(b"?")[0]
        is_short = self.length is not None and self.length <= _LONGEST_FORM
        return path == _FORM_PATH and kind in _FORMS and is_short

    def _trouble(self) -> tuple[int, str]:
        if self._begun > _AT_ONCE:
            return 429, "wait for an answer before you ask for more"
        if self.length is not None and self.length > LARGEST:
            return 413, f"the body has more than {LARGEST:,} bytes"
        if self.length != 0:
            sent = self.requests[-1].requestHeaders.getRawHeaders(b"content-type", [b""])
            kind = sent[0].partition(b";")[0].strip().lower()
            if len(sent) > 1 or (kind != _JSON and not self._may_be_form(kind)):
                return 415, "the body must be JSON; send Content-Type: application/json"
        return 0, ""

    def rawDataReceived(self, data: bytes) -> None:
        """Process a piece of a body, unless the request was refused."""
        if not self._refused:
            super().rawDataReceived(data)

    def allContentReceived(self) -> None:
        """Process the request, unless it was refused."""
        if self._refused:
            return
        self._stop("body")
        self.working = True
        super().allContentReceived()  # type: ignore[no-untyped-call]

    def requestDone(self, request: Any) -> None:
        """Get ready for the next request."""
        self.working = self.yields = False
        self._connections.rests(self)
        super().requestDone(request)  # type: ignore[no-untyped-call]

    # ---- refusals

    def refuse(self, status: int, sentence: str) -> None:
        """Send a refusal and stop reading requests."""
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

    # ---- answers that a thread writes

    # Buildbot's REST API encodes its answers in a thread of the pool and writes them there
    # (https://github.com/buildbot/buildbot/pull/8224). Twisted's transports belong to the reactor's
    # thread: on a busy machine bytes were lost between two threads, and a connection stayed paused
    # for ever. So what another thread writes waits here for the reactor.

    def write(self, data: bytes) -> None:
        """Send a part of an answer; from any thread."""
        self.writeSequence([data])

    def writeSequence(self, iovec: Sequence[bytes]) -> None:
        """Send parts of an answer; from any thread."""
        if self._is_elsewhere():
            self._wait(*iovec)
        else:
            self._send_waiting()
            super().writeSequence(iovec)  # type: ignore[no-untyped-call]

    def writeHeaders(self, version: bytes, code: bytes, reason: bytes, headers: Any) -> None:
        """Send the head of an answer; from any thread."""

        def send() -> None:
            super(Channel, self).writeHeaders(version, code, reason, headers)  # type: ignore[no-untyped-call]

        if self._is_elsewhere():
            self._wait(send)
        else:
            self._send_waiting()
            send()

    @staticmethod
    def _is_elsewhere() -> bool:
        """Return True in a thread that is not the reactor's."""
        owner: Any = threadable.ioThread
        return owner is not None and owner != threading.get_ident()

    def _wait(self, *parts: bytes | Callable[[], None]) -> None:
        with self._lock:
            is_first = not self._waiting
            self._waiting.extend(parts)
        if is_first:
            clock: Any = reactor
            clock.callFromThread(self._send_waiting)

    def _send_waiting(self) -> None:
        with self._lock:
            parts, self._waiting = self._waiting, []
        texts: list[bytes] = []
        for part in parts:
            if isinstance(part, bytes):
                texts.append(part)
                continue
            super().writeSequence(texts)  # type: ignore[no-untyped-call]
            texts = []
            part()
        if texts:
            super().writeSequence(texts)  # type: ignore[no-untyped-call]

    # ---- slow readers

    def pauseProducing(self) -> None:
        """Start the timeout of a client that does not read."""
        self.behind = True
        self._within("stalled", _STALLED, self.cut)
        super().pauseProducing()  # type: ignore[no-untyped-call]

    def resumeProducing(self) -> None:
        """Stop the timeout: the client reads again."""
        self.behind = False
        self._stop("stalled")
        super().resumeProducing()  # type: ignore[no-untyped-call]
