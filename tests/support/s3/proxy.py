"""A proxy before an S3 server: checks what Amazon checks, and does what goes wrong in the world."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import http.client
import http.server
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit

_RESET = struct.pack("ii", 1, 0)
_HOPS = {"connection", "transfer-encoding", "content-length", "expect", "keep-alive"}


@dataclass
class Request:
    """A request that has arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def key(self) -> str:
        """The object's name."""
        return unquote(urlsplit(self.path).path).lstrip("/").partition("/")[2]

    @property
    def query(self) -> dict[str, list[str]]:
        """The arguments of the address."""
        return parse_qs(urlsplit(self.path).query, keep_blank_values=True)

    @property
    def writes(self) -> bool:
        """True if it sends bytes of an object."""
        return self.method == "PUT"


@dataclass
class Answer:
    """What is answered instead of the server."""

    status: int
    code: str = ""
    message: str = "Told by a test."
    more: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def body(self) -> bytes:
        """The error in XML."""
        return (
            f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{self.code}</Code>'
            f"<Message>{self.message}</Message>{self.more}<RequestId>1</RequestId></Error>"
        ).encode()


class Proxy:
    """Stands before a server; a test sets what goes wrong."""

    def __init__(self, upstream: str, context: ssl.SSLContext | None = None) -> None:
        self.upstream = urlsplit(upstream)
        self.seen: list[Request] = []
        self.refuse: Callable[[Request], Answer | None] = lambda _request: None
        """Called with each request; what it returns is answered."""
        self.alter: Callable[[Request], bytes] = lambda request: request.body
        """Returns the bytes that the server gets, after they were checked."""
        self.cut_after: int | None = None
        """Bytes of bodies after which the connection is cut, once."""
        self.cut_answers: int | None = None
        """Bytes of an answer's body after which the connection is cut, once."""
        self.drop_requests: Callable[[Request], bool] = lambda _request: False
        """True: the connection is cut, and the server hears nothing of it."""
        self.change_path: Callable[[Request], str] = lambda request: request.path
        """Returns the address that the server gets, where it checks no signatures."""
        self.drop_answers: Callable[[Request], bool] = lambda _request: False
        """True: the server did it, and the connection is cut before the answer."""
        self.lock = threading.Lock()
        proxy = self

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 50

            def handle_error(self, request, client_address):
                """Say nothing: clients go away on purpose here."""

        class Handler(_Handler):
            owner = proxy

        self._server = Server(("127.0.0.1", 0), Handler)
        if context is not None:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        scheme = "http" if context is None else "https"
        self.url = f"{scheme}://localhost:{self._server.server_address[1]}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(30)

    def called(self, method: str, *arguments: str) -> list[Request]:
        """Return the requests of a method with all of these arguments."""
        return [
            one
            for one in self.seen
            if one.method == method and all(name in one.query for name in arguments)
        ]

    def sent(self) -> int:
        """Return the bytes that were sent to be stored."""
        return sum(len(one.body) for one in self.seen if one.writes)


@contextlib.contextmanager
def standing_before(upstream: str, context: ssl.SSLContext | None = None) -> Iterator[Proxy]:
    """Yield a proxy before a server."""
    proxy = Proxy(upstream, context)
    try:
        yield proxy
    finally:
        proxy.close()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # An answer goes out at once: its head alone would wait for an acknowledgement.
    wbufsize = -1
    disable_nagle_algorithm = True
    owner: Proxy

    def log_message(self, *_arguments):
        """Say nothing."""

    def handle_expect_100(self) -> bool:
        """Say that the body may come, at once."""
        told = super().handle_expect_100()
        self.wfile.flush()
        return told

    def _serve(self) -> None:
        body = self._body()
        if body is None:
            return
        request = Request(
            self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body
        )
        with self.owner.lock:
            self.owner.seen.append(request)
        if self.owner.drop_requests(request):
            self._cut()
            return
        answer = self.owner.refuse(request) or _checked(request)
        if answer is None:
            self._pass_on(request)
        else:
            self._tell(
                answer.status, answer.headers | {"Content-Type": "application/xml"}, answer.body
            )

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _serve  # noqa: N815  the library's names

    def _body(self) -> bytes | None:
        """Read the body; None: the connection was cut meanwhile."""
        left, data = int(self.headers.get("Content-Length", 0)), bytearray()
        while left:
            block = self.rfile.read(min(65_536, left))
            if not block:
                self.close_connection = True
                return None
            left -= len(block)
            data += block
            with self.owner.lock:
                if self.owner.cut_after is not None:
                    self.owner.cut_after -= len(block)
                    cut = self.owner.cut_after < 0
                    self.owner.cut_after = None if cut else self.owner.cut_after
                else:
                    cut = False
            if cut:
                self._cut()
                return None
        return bytes(data)

    def _cut(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self.connection.shutdown(socket.SHUT_RDWR)

    def _pass_on(self, request: Request) -> None:
        upstream = self.owner.upstream
        passed = http.client.HTTPConnection(upstream.hostname, upstream.port, timeout=60)
        headers = {k: v for k, v in request.headers.items() if k not in _HOPS}
        body = self.owner.alter(request)
        path = self.owner.change_path(request)
        passed.request(request.method, path, body, headers | {"Content-Length": str(len(body))})
        answer = passed.getresponse()
        data = answer.read()
        passed.close()
        if self.owner.drop_answers(request):
            self._cut()
            return
        kept = {k: v for k, v in answer.getheaders() if k.lower() not in _HOPS}
        length = answer.getheader("Content-Length") if request.method == "HEAD" else None
        self._tell(answer.status, kept, data, length)

    def _tell(
        self, status: int, headers: dict[str, str], data: bytes, length: str | None = None
    ) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", length or str(len(data)))
        self.end_headers()
        if self.command == "HEAD":
            return
        with self.owner.lock:
            cut, after = False, self.owner.cut_answers
            if after is not None and len(data) > after:
                cut, self.owner.cut_answers = True, None
        self.wfile.write(data[:after] if cut else data)
        if cut:
            self.wfile.flush()
            self._cut()


def _checked(request: Request) -> Answer | None:
    """Return the refusal of a body that is not what its headers say."""
    body, headers = request.body, request.headers
    sha256, md5 = hashlib.sha256(body), hashlib.md5(body, usedforsecurity=False)
    expected = {
        "x-amz-checksum-sha256": base64.b64encode(sha256.digest()).decode(),
        "content-md5": base64.b64encode(md5.digest()).decode(),
    }
    for name, value in expected.items():
        if headers.get(name, value) != value:
            return Answer(400, "BadDigest", f"The {name} you specified did not match.")
    signed = headers.get("x-amz-content-sha256", "UNSIGNED-PAYLOAD")
    if signed not in ("UNSIGNED-PAYLOAD", sha256.hexdigest()):
        return Answer(400, "XAmzContentSHA256Mismatch", "The body is another one.")
    if "authorization" not in headers:
        return Answer(403, "AccessDenied", "Access Denied")
    return None
