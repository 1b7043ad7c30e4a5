"""The HTTP of the stand-ins, and what may go wrong on the way."""

from __future__ import annotations

import contextlib
import dataclasses
import email.parser
import email.policy
import json
import re
import ssl
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from .cloud import Cloud
from .data_center import DataCenter
from .routes import Answer, Edition, Part, Request
from .site import Site


@dataclasses.dataclass
class Standin:
    """A Confluence that runs, and its faults."""

    edition: Edition
    url: str
    requests: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    """The method and path of each."""
    strangers: list[dict[str, str]] = dataclasses.field(default_factory=list)
    """The headers of requests at the host of files."""
    override: Callable[[Request], Answer | None] = lambda _request: None
    """What answers before the API does."""
    cut_upload: int | None = None
    """After so many bytes of a body the connection ends."""
    die_at: int = -1
    """The change, counted from 0, at which the connection ends; each later one ends, too."""
    dies_after: bool = False
    """True: it ends when the change was made; False: before."""
    watch: Callable[[Site], None] = lambda _site: None
    """Called after each change."""
    changes: int = 0

    @property
    def site(self) -> Site:
        return self.edition.site


#: A parameter of a part's Content-Disposition, which comes first.
_PARAMETER = re.compile(r'; (name|filename)="([^"]*)"')


class _Gone(Exception):
    """The connection ends without an answer."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16
    standin: Standin

    def log_message(self, *_given: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def _serve(self) -> None:
        try:
            self._send(self._answer(self._read()))
        except (_Gone, ConnectionError):
            self.close_connection = True
            with contextlib.suppress(OSError):
                self.connection.shutdown(2)

    def _read(self) -> Request:
        parts = urlsplit(self.path)
        request = Request(
            self.command, parts.path, parse_qs(parts.query, keep_blank_values=True), self.headers
        )
        size = int(self.headers.get("Content-Length", "0"))
        cut, kind = self.standin.cut_upload, self.headers.get("Content-Type", "")
        if cut is not None and size > cut and kind.startswith("multipart/"):
            self.rfile.read(cut)
            raise _Gone
        data = self.rfile.read(size)
        if len(data) < size:
            raise _Gone
        if kind.startswith("multipart/form-data"):
            request.parts = _parts(kind, data)
        elif data:
            request.json = json.loads(data)
        return request

    def _answer(self, request: Request) -> Answer:
        standin = self.standin
        standin.requests.append((request.method, request.path))
        given = standin.override(request)
        if given is not None:
            return given
        if request.method == "GET":
            return standin.edition.respond(request)
        with standin.site.lock:
            number, standin.changes = standin.changes, standin.changes + 1
            if 0 <= standin.die_at <= number and not (
                standin.dies_after and number == standin.die_at
            ):
                raise _Gone
            answer = standin.edition.respond(request)
            try:
                standin.watch(standin.site)
            except AssertionError as error:
                standin.edition.problems.append(f"after change {number}: {error}")
        if number == standin.die_at:
            raise _Gone
        return answer

    def _send(self, answer: Answer) -> None:
        data = answer.data
        self.send_response(answer.code)
        if answer.json is not None:
            data = json.dumps(answer.json).encode()
            self.send_header("Content-Type", "application/json")
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.code != 204:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
        self.wfile.flush()


class _MediaHandler(_Handler):
    """Another host, where files are kept: whoever has the signed address gets them."""

    def _answer(self, request: Request) -> Answer:
        self.standin.strangers.append(dict(request.headers.items()))
        data = self.standin.edition.kept(request.path)
        if data is None or request.one("sig") != "secret":
            return Answer(403)
        return Answer(200, data=data, headers={"Content-Type": "application/octet-stream"})


def _parts(kind: str, data: bytes) -> dict[str, Part]:
    """Return the parts of a multipart body; of the file's name as it is sent."""
    boundary = b"--" + kind.partition("boundary=")[2].encode()
    found = {}
    for piece in data.split(boundary)[1:-1]:
        head, _, body = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        parser = email.parser.BytesParser(policy=email.policy.HTTP)
        headers = parser.parsebytes(head + b"\r\n\r\n")
        told = dict(_PARAMETER.findall(head.decode()))
        filename = told.get("filename", "").replace("%22", '"')
        media_type = str(headers["Content-Type"] or "text/plain").replace('"', "")
        name = told["name"]
        found[name] = Part(name, filename, media_type, body.removesuffix(b"\r\n"))
    return found


@contextlib.contextmanager
def standin(kind: str, tls: Path | None = None, **options: Any) -> Iterator[Standin]:
    """Run a stand-in: "cloud" or "data-center". It fails a test that sends what no document has.

    Args:
        kind: Which of both.
        tls: A PEM file with its certificate and key. None: plain HTTP.
        options: Those of the edition.
    """
    edition = (Cloud if kind == "cloud" else DataCenter)(Site(), **options)
    with contextlib.ExitStack() as stack:
        server = ThreadingHTTPServer(("127.0.0.1", 0), type("Api", (_Handler,), {}))
        scheme = "https" if tls else "http"
        made = Standin(edition, f"{scheme}://127.0.0.1:{server.server_port}{edition.base}")
        media = ThreadingHTTPServer(("127.0.0.1", 0), type("Media", (_MediaHandler,), {}))
        edition.media_host = f"{scheme}://127.0.0.1:{media.server_port}" if kind == "cloud" else ""
        for one in (server, media):
            one.RequestHandlerClass.standin = made
            if tls is not None:
                context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
                context.load_cert_chain(tls)
                one.socket = context.wrap_socket(one.socket, server_side=True)
            one.daemon_threads = True
            thread = threading.Thread(target=one.serve_forever, args=(0.02,), daemon=True)
            thread.start()
            stack.callback(thread.join)
            stack.callback(one.server_close)
            stack.callback(one.shutdown)
        yield made
    assert not edition.problems, "; ".join(edition.problems)
