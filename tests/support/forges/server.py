"""What the stand-ins share: a server of routes that can be told to fail in many ways."""

import contextlib
import hashlib
import json
import re
import socket
import ssl
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

import jsonschema

_BLOCK = 1 << 16


@dataclass
class Fault:
    """Something that goes wrong the next times."""

    method: str
    path: str
    """A regular expression that is looked for in the path."""
    status: int = 0
    """Answer this; what was asked is not done."""
    headers: dict = field(default_factory=dict)
    body: str = "{}"
    cut_at: float | None = None
    """End the connection after this part of the request's body."""
    lose_answer: bool = False
    """Do what was asked and end the connection instead of answering."""
    alter: bool = False
    """Store another byte than was sent."""
    times: int = 1


@dataclass
class Asked:
    """One request."""

    method: str
    path: str
    query: dict
    headers: dict
    parts: tuple = ()
    """What the route's groups have matched."""
    stored: Path | None = None
    """The body of an upload."""
    sha256: str = ""
    size: int = 0
    data: object = None
    """The body, if it was JSON."""


class Answer(Exception):
    """What a route answers."""

    def __init__(self, status, data=None, *, headers=None, file=None):
        super().__init__(status)
        self.status, self.data, self.file = status, data, file
        self.headers = headers or {}


class StandIn:
    """A server; subclasses have routes `(method, pattern, name of the method, schema)`."""

    routes: tuple = ()

    def __init__(self, folder: Path, *, tls: tuple[Path, Path] | None = None):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.faults, self.asked = folder, [], []
        self.problems: list[str] = []
        """What was asked against the API's documents; a test ends with none."""
        self._lock = threading.RLock()
        self._number = 0
        self._routes = [(m, re.compile(p), n, s) for m, p, n, s in self.routes]
        stand_in = self

        class Handler(_Handler):
            server_stand_in = stand_in

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        if tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        scheme = "http" if tls is None else "https"
        self.here = f"{scheme}://127.0.0.1:{self.port}"
        self.elsewhere = f"{scheme}://localhost:{self.port}"
        """The same server by another name: another origin, which gets no credentials."""

    @contextlib.contextmanager
    def running(self):
        thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()
        assert not self.problems, self.problems

    def fail(self, method, path, **how):
        self.faults.append(Fault(method, path, **how))

    def count(self, method, path=""):
        return sum(one.method == method and path in one.path for one in self.asked)

    def new_number(self):
        self._number += 1
        return self._number

    def forget_numbers(self):
        self._number = 0

    # ---- one request

    def fault_for(self, asked):
        for fault in self.faults:
            if fault.times and fault.method == asked.method and re.search(fault.path, asked.path):
                fault.times -= 1
                return fault
        return Fault(asked.method, "")

    def route(self, asked):
        for method, pattern, name, schema in self._routes:
            match = pattern.fullmatch(asked.path)
            if match and method in (asked.method, "ANY"):
                asked.parts = tuple(unquote(part) for part in match.groups())
                return name, schema
        self.problems.append(f"{asked.method} {asked.path} is no address of the API")
        raise Answer(404, {"message": "Not Found"})

    def do(self, asked, fault):
        if fault.status:
            raise Answer(fault.status, fault.body, headers=fault.headers)
        name, schema = self.route(asked)
        if schema is not None:
            self.hold_to(schema, asked)
        with self._lock:
            return getattr(self, name)(asked)

    def hold_to(self, schema, asked):
        try:
            jsonschema.validate(asked.data, schema)
        except jsonschema.ValidationError as error:
            self.problems.append(f"{asked.method} {asked.path}: {error.message}")
            raise Answer(400, {"message": "Problems parsing JSON"}) from None

    def need(self, asked, **headers):
        """Note a header that is missing or is another."""
        for name, value in headers.items():
            given = asked.headers.get(name.replace("_", "-"))
            if given != value:
                self.problems.append(f"{asked.method} {asked.path}: {name} is {given!r}")

    def paged(self, asked, entries, *, most=100):
        size = min(int(asked.query.get("per_page", 30)), most)
        page = int(asked.query.get("page", 1))
        chosen = entries[(page - 1) * size : page * size]
        headers = {}
        if page * size < len(entries):
            more = "&".join(
                f"{k}={v}" for k, v in {**asked.query, "page": page + 1}.items() if k != "per_page"
            )
            url = f"{self.here}{asked.path}?per_page={size}&{more}"
            headers["Link"] = f'<{url}>; rel="next"'
        raise Answer(200, chosen, headers=headers)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Headers and bodies are written one after the other: each would wait 40 ms.
    disable_nagle_algorithm = True
    server_stand_in: StandIn

    def log_message(self, *args):
        """Say nothing."""

    def _answer_any(self):
        stand_in = self.server_stand_in
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        asked = Asked(self.command, parts.path, query, headers)
        stand_in.asked.append(asked)
        fault = stand_in.fault_for(asked)
        try:
            if not self._read(asked, fault):
                self._end()
                return
            stand_in.do(asked, fault)
        except Answer as answer:
            if fault.lose_answer:
                self._end()
                return
            with contextlib.suppress(OSError):
                self._send(answer)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = do_HEAD = _answer_any  # noqa: N815

    def _read(self, asked, fault):
        """Read the body to a file; False: the connection was cut meanwhile."""
        stand_in = self.server_stand_in
        length = int(asked.headers.get("content-length", 0))
        if asked.headers.get("transfer-encoding"):
            stand_in.problems.append(f"{asked.method} {asked.path}: the length is not told")
        wanted = length if fault.cut_at is None else int(length * fault.cut_at)
        asked.stored = stand_in.folder / f"body-{id(asked)}"
        digest = hashlib.sha256()
        with asked.stored.open("wb") as stream:
            while asked.size < wanted:
                block = self.rfile.read(min(_BLOCK, wanted - asked.size))
                if not block:
                    break
                if fault.alter and asked.size == 0:
                    block = bytes([block[0] ^ 1]) + block[1:]
                asked.size += len(block)
                digest.update(block)
                stream.write(block)
        asked.sha256 = digest.hexdigest()
        if fault.cut_at is not None or asked.size < length:
            cut = getattr(stand_in, "cut", None)
            if cut is not None and length:
                cut(asked)
            return False
        if asked.headers.get("content-type", "").startswith("application/json"):
            asked.data = json.loads(asked.stored.read_bytes())
        return True

    def _end(self):
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def _send(self, answer):
        data = answer.data
        if answer.file is not None:
            size = answer.file.stat().st_size
        else:
            body = b"" if data is None else data if isinstance(data, bytes) else None
            if body is None:
                body = (data if isinstance(data, str) else json.dumps(data)).encode()
            size = len(body)
        self.send_response(answer.status)
        if answer.file is None and "Content-Type" not in answer.headers:
            self.send_header("Content-Type", "application/json; charset=utf-8")
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.status != 204:
            self.send_header("Content-Length", str(size))
        self.end_headers()
        if self.command == "HEAD":
            return
        if answer.file is None:
            self.wfile.write(body)
            return
        with answer.file.open("rb") as stream:
            while block := stream.read(_BLOCK):
                self.wfile.write(block)
