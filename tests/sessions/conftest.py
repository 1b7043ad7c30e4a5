"""A small real application over HTTP for sessions of every kind."""

from __future__ import annotations

import html
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest

from slipway.sessions.browser.launch import start_browser
from slipway.sessions.browser.session import BrowserSession

HOME = """<h1>Welcome</h1>
<p>Nothing   to
see.</p><nav><a href="/login">Log in</a> <a href="/form" title="All controls">Form</a>
<a href="/items"><img src="/pixel.png" alt="All items"></a> <a href="#top" id="up">Up</a>
<a href="/popup" target="_blank">New window</a></nav><script>var hidden = "in a script";</script>"""

LOGIN = """<form action="/login" method="post"><input type="hidden" name="csrf" value="t0ken">
<label for="user">User name</label><input id="user" name="user">
<label>Password <input type="password" name="password"></label><button>Sign in</button></form>"""

ITEMS = """<h1>Items of {user}</h1>
<form action="/items" method="post" enctype="multipart/form-data">
<label for="name">Name</label><input id="name" name="name" placeholder="A good name">
<label>Picture <input type="file" name="picture"></label>
<input type="submit" name="do" value="Add item"></form>
<table id="items"><caption>Items</caption><tr><th>Name</th><th>File</th></tr>{rows}</table>"""

FORM = """<form id="all" action="/echo" method="post" enctype="multipart/form-data">
<fieldset id="person"><legend>Person</legend>
<label for="name">Name</label><input id="name" name="name" value="Ann">
<label for="about">About</label><textarea id="about" name="about">
First
second</textarea>
<label>E-mail <input type="email" name="email" placeholder="you@example.org"></label>
<label><input type="checkbox" name="news" value="yes"> Newsletter</label>
<label><input type="checkbox" name="terms" checked> Terms</label></fieldset>
<fieldset id="order"><legend>Order</legend>
<label><input type="radio" name="size" value="s" checked> Small</label>
<label><input type="radio" name="size" value="l"> Large</label>
<label for="colour">Colour</label><select id="colour" name="colour">
<option value="r">Red</option><option value="g">Green</option>
<optgroup label="Rare" id="rare"><option>Violet</option></optgroup></select>
<label for="extras">Extras</label><select id="extras" name="extras" multiple>
<option value="1" selected>Wheels</option><option value="2">Bell</option>
<option value="3">Lamp</option></select></fieldset>
<fieldset disabled><legend>Off</legend><input name="off" value="1" title="Off field"></fieldset>
<label for="one">One file</label><input type="file" id="one" name="one">
<label for="many">Many files</label><input type="file" id="many" name="many" multiple>
<input type="submit" name="do" value="Save"><button name="do" value="del">Delete</button>
<button type="submit" formaction="/echo?other" formmethod="get">Look</button>
<input type="image" name="pic" alt="Picture button" src="/pixel.png">
<input type="reset" value="Start over"><button type="button" onclick="go()">Script only</button>
</form><label>Outside <input form="all" name="outside" value="o"></label>
<table id="prices"><caption>Prices</caption><thead><tr><th>What</th><th>Price</th></tr></thead>
<tbody><tr><td>Bread</td><td>2.50</td></tr><tr><td>Milk</td><td>1.20</td></tr></tbody></table>"""


@dataclass
class Asked:
    """A request that the application got."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> str:
        return urlsplit(self.target).query

    def fields(self) -> list[tuple[str, str]]:
        """The form's fields in order; a file as "filename|type|content"."""
        kind = self.headers.get("content-type", "")
        if kind.startswith("multipart/form-data"):
            return [_part(part) for part in _parts(kind, self.body)]
        if kind.startswith("application/x-www-form-urlencoded"):
            return parse_qsl(self.body.decode(), keep_blank_values=True)
        return parse_qsl(self.query, keep_blank_values=True)


def _parts(kind, body):
    head = f"Content-Type: {kind}\r\n\r\n".encode()
    return BytesParser(policy=HTTP).parsebytes(head + body).iter_parts()


def _part(part):
    name = part.get_param("name", header="content-disposition")
    data = part.get_payload(decode=True)
    text = data.decode(errors="replace")
    if part.get_filename() is None:
        return name, text
    return name, f"{part.get_filename()}|{part.get_content_type()}|{text}"


@dataclass
class Reply:
    """What the application answers."""

    body: bytes
    status: int = 200
    headers: list[tuple[str, str]] = field(default_factory=list)
    kind: str = "text/html; charset=utf-8"


def page(content: str, title: str = "Shop", status: int = 200, **headers: str) -> Reply:
    text = (
        f'<!doctype html><html><head><meta charset="utf-8"><title>{title}</title></head>'
        f"<body>{content}</body></html>"
    )
    return Reply(text.encode(), status, [(k.replace("_", "-"), v) for k, v in headers.items()])


class Application:
    """Runs in a thread; `requests` is what it was asked, `pages` what a test adds."""

    def __init__(self) -> None:
        self.requests: list[Asked] = []
        self.pages: dict[str, Reply | Callable[[Asked], Reply]] = {}
        self.users: dict[str, str] = {}
        self.items: list[tuple[str, str]] = []
        self.server = ThreadingHTTPServer(
            ("127.0.0.1", 0), type("Bound", (Handler,), {"app": self})
        )
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()

    def clear(self) -> None:
        """Forget what tests added and what was asked."""
        self.requests.clear()
        self.pages.clear()
        self.users.clear()
        self.items.clear()

    def add(self, path: str, content: str = "", **more) -> str:
        """Add a page of a body's content (or `raw=` bytes); return its whole URL."""
        raw = more.pop("raw", None)
        self.pages[path] = page(content, **more) if raw is None else Reply(raw, **more)
        return self.url.rstrip("/") + path

    @staticmethod
    def reply(body: bytes = b"", status: int = 200, **headers: str) -> Reply:
        """Return an answer for a function in `pages`."""
        return Reply(body, status, [(k.replace("_", "-"), v) for k, v in headers.items()])

    @property
    def last(self) -> Asked:
        """The last request."""
        return self.requests[-1]

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(5)

    def answer(self, asked: Asked) -> Reply:
        added = self.pages.get(asked.path)
        if added is not None:
            return added(asked) if callable(added) else added
        for start, operation in ROUTES.items():
            if asked.path == start or (
                len(start) > 1 and start[-1] == "/" and asked.path.startswith(start)
            ):
                return operation(self, asked)
        return page("<h1>Not found</h1>", "Not found", 404)


class Handler(BaseHTTPRequestHandler):
    app: Application
    protocol_version = "HTTP/1.1"
    wbufsize = 65536  # one packet for head and body: two would wait for each other
    timeout = 60

    def do_GET(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = Asked(self.command, self.path, headers, self.rfile.read(size))
        self.app.requests.append(asked)
        reply = self.app.answer(asked)
        try:
            self.send_response(reply.status)
            self.send_header("Content-Type", reply.kind)
            self.send_header("Content-Length", str(len(reply.body)))
            for name, value in reply.headers:
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(reply.body)
        except ConnectionError:
            self.close_connection = True

    do_POST = do_PUT = do_HEAD = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass


def _home(app, asked):
    return page(HOME, "Home")


def _login(app, asked):
    if asked.method != "POST":
        return page(LOGIN, "Log in")
    given = dict(asked.fields())
    if given.get("password") != "secret" or given.get("csrf") != "t0ken":
        return page(f'<p class="error">Wrong password</p>{LOGIN}', "Log in", 403)
    token = secrets.token_hex(8)
    app.users[token] = given["user"]
    return Reply(b"", 303, [("Location", "/items"), ("Set-Cookie", f"visit={token}; Path=/")])


def _items(app, asked):
    visit = SimpleCookie(asked.headers.get("cookie", "")).get("visit")
    user = app.users.get(visit.value) if visit else None
    if user is None:
        return Reply(b"", 302, [("Location", "/login")])
    if asked.method == "POST":
        given = dict(asked.fields())
        app.items.append((given["name"], given["picture"]))
        return Reply(b"", 302, [("Location", "/items")])
    rows = "".join(
        f"<tr><td>{html.escape(name)}</td><td>{html.escape(file)}</td></tr>"
        for name, file in app.items
    )
    return page(ITEMS.format(user=html.escape(user), rows=rows), "Items")


def _echo(app, asked):
    fields = "".join(f"<li>{html.escape(n)}={html.escape(v)}</li>" for n, v in asked.fields())
    told = f'<p id="request">{asked.method} {html.escape(asked.target)}</p>'
    referer = html.escape(asked.headers.get("referer", "none"))
    return page(f'{told}<p id="referer">{referer}</p><ul id="fields">{fields}</ul>', "Echo")


def _redirect(app, asked):
    """/redirect/302?to=/echo sends there."""
    to = parse_qs(asked.query)["to"][0]
    return Reply(b"", int(asked.path.rsplit("/", 1)[1]), [("Location", to)])


def _circle(app, asked):
    other = "b" if asked.path.endswith("a") else "a"
    return Reply(b"", 302, [("Location", f"/circle/{other}")])


def _status(app, asked):
    status = int(asked.path.rsplit("/", 1)[1])
    return page(f"<h1>Status {status}</h1>", f"Status {status}", status)


def _slow(app, asked):
    time.sleep(float(parse_qs(asked.query).get("seconds", ["1"])[0]))
    return page("<p>At last</p>", "Slow")


def _cookie(app, asked):
    return page(f'<p id="cookie">{html.escape(asked.headers.get("cookie", "none"))}</p>', "Cookie")


ROUTES = {
    "/": _home,
    "/login": _login,
    "/items": _items,
    "/form": lambda app, asked: page(FORM, "Form"),
    "/echo": _echo,
    "/redirect/": _redirect,
    "/circle/": _circle,
    "/status/": _status,
    "/slow": _slow,
    "/cookie": _cookie,
    "/popup": lambda app, asked: page("<p>In the popup</p>", "Popup"),
    "/json": lambda app, asked: Reply(
        json.dumps({"name": "Ann"}).encode(), kind="application/json"
    ),
    "/pixel.png": lambda app, asked: Reply(b"\x89PNG\r\n\x1a\n", kind="image/png"),
}


@pytest.fixture(scope="session")
def application() -> Iterator[Application]:
    """The running application; `.url` ends with a slash."""
    running = Application()
    yield running
    running.stop()


@pytest.fixture(autouse=True)
def _nothing_left(application: Application) -> None:
    application.clear()


@pytest.fixture(scope="module")
def browser():
    """A browser for all tests of a file."""
    running = start_browser()
    yield running
    running.quit()


@pytest.fixture
def session(browser, application):
    """A visitor with a browser; files of other drivers have a session of their own."""
    visitor = BrowserSession(application.url, browser, patience=30.0)
    yield visitor
    visitor.reset()


def on(session, application, content, **more):
    """Bring a visitor to a page with this content."""
    session.visit(application.add("/page", content, **more))
    return session
