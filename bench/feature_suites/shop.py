"""The application that the suites use: it counts how often each scenario has run."""

from __future__ import annotations

import html
import http.server
import json
import sys
import threading
import time
import urllib.parse
from collections import Counter

#: Seconds that a page takes, as one with a database behind it does; below /quick it takes none.
TAKES = 0.005
LOGIN = """<form method=post><label>User name <input name=user></label>
<label>Password <input name=password type=password></label><button>Log in</button></form>"""
LIST = (
    "<a href=order>New order</a><table><caption>Orders</caption>"
    + "".join(f"<tr><td>{n}<td>Order {n}<td><a href='?{n}'>Show</a></tr>" for n in range(40))
    + "</table>"
)
ORDER = """<form method=post><label>Name <input name=name></label>
<label>Colour <select name=colour><option>red<option>blue</select></label>
<button>Save</button></form>"""
# A page that is never at rest for long: parts come late, and are made anew while they are used.
MOVING = """<p id=state>Loading</p><div id=place></div><script>
const later = (milliseconds, action) => setTimeout(action, milliseconds);
later(40, () => { place.innerHTML = `FORM`; });
later(70, () => { state.textContent = 'Ready'; });
for (const at of [90, 140, 200]) later(at, () => { state.outerHTML = '<p id=state>Ready</p>'; });
</script>""".replace("FORM", ORDER)
MOVED = """<p>One moment</p><script>
setTimeout(() => { location.replace('/shown?' + new URLSearchParams({text: %s})); }, 30);
</script>"""


class Shop(http.server.BaseHTTPRequestHandler):
    """Log in, list orders, and take an order."""

    protocol_version = "HTTP/1.1"
    # Head and body in one packet: apart, the second waits 40 ms for the first's receipt.
    wbufsize = -1
    server: Server

    def do_GET(self) -> None:
        """Show a page; /_counts returns and resets the counts of scenarios."""
        path, _, query = self._path().partition("?")
        if path == "/_counts":
            self._answer(json.dumps(self.server.take_counts()))
        elif path == "/shown":
            self._page(html.escape(urllib.parse.parse_qs(query)["text"][0]))
        elif path == "/list":
            user = (self.headers["Cookie"] or "user=guest").partition("=")[2]
            self._page(f"<p>Hello {html.escape(user)}</p>{LIST}")
        else:
            self._page({"/order": ORDER, "/moving": MOVING}.get(path, LOGIN))

    def do_POST(self) -> None:
        """Handle a submitted form."""
        data = self.rfile.read(int(self.headers["Content-Length"])).decode()
        given = {name: one[0] for name, one in urllib.parse.parse_qs(data).items()}
        if "user" in given:
            self.send_response(303)
            self.send_header("Location", "list")
            self.send_header("Set-Cookie", f"user={given['user']}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.server.count(given["name"])
        text = f"{given['name']} likes {given['colour']}"
        moving = self._path() == "/moving"
        self._page(MOVED % json.dumps(text) if moving else f"<p>{html.escape(text)}</p>{LIST}")

    def _path(self) -> str:
        if not self.path.startswith("/quick"):
            time.sleep(TAKES)
        return self.path.removeprefix("/quick")

    def _page(self, body: str) -> None:
        self._answer(f"<!doctype html><title>Shop</title><h1>Shop</h1>{body}")

    def _answer(self, page: str) -> None:
        data = page.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """No-op: no log."""


class Server(http.server.ThreadingHTTPServer):
    """Counts scenarios; ignores browsers that disconnect."""

    daemon_threads = True

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", port), Shop)
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def count(self, name: str) -> None:
        """Count a run of a scenario."""
        with self._lock:
            self._counts[name] += 1

    def take_counts(self) -> dict[str, int]:
        """Return how often each scenario has run, and reset the counts."""
        with self._lock:
            counts, self._counts = self._counts, Counter()
        return counts

    def handle_error(self, *_: object) -> None:
        """No-op: a browser may disconnect at any time."""


def main() -> None:
    """Serve on the port that is given, or on a free one, which is printed."""
    server = Server(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
