"""Signing in elsewhere: a GitLab that speaks OAuth over real sockets, and a proxy's header."""

from __future__ import annotations

import contextlib
import html
import http.server
import json
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import httpx
import pytest

from tests.live.conftest import LiveSite
from tests.support.http import open_client
from tests.support.site import command

pytestmark = pytest.mark.live

PEOPLE = """
[people.ann]
roles = ["developer"]
name = "Ann of the ledger"
"""
SECRET = "the client's own secret"


class GitLab(http.server.BaseHTTPRequestHandler):
    """GitLab's OAuth 2, as https://docs.gitlab.com/api/oauth2/ tells it, for whoever `login` is."""

    login = "ann"

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path == "/oauth/authorize":
            asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
            assert asked["client_id"] == "slipway"
            state = f"&state={quote(asked['state'], safe='')}"
            self.send_response(302)
            self.send_header("Location", f"{asked['redirect_uri']}?code=a-code{state}")
            self.end_headers()
            return
        user = {"name": "Whoever", "username": self.login, "email": "a@b", "avatar_url": None}
        self._say(user if parts.path == "/api/v4/user" else [{"path": "team"}])

    def do_POST(self) -> None:
        sent = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        good = (sent["code"], sent["client_secret"]) == (["a-code"], [SECRET])
        self._say({"access_token": "x"} if good else {"error": "invalid_grant"})

    def _say(self, what: Any) -> None:
        body = json.dumps(what).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def gitlab() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), GitLab)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def start(site: LiveSite, access: str) -> None:
    site.write(command("make", "print(1)"))
    file = site.folder / "pipeline.toml"
    file.write_text(f"{file.read_text()}{PEOPLE}[access]\n{access}\n")
    site.up()
    site.wait_for_run(1, "passed")


@contextlib.contextmanager
def browser(site: LiveSite, **headers: str) -> Iterator[httpx.Client]:
    with open_client(
        base_url=site.url, timeout=30, follow_redirects=True, headers=headers
    ) as client:
        yield client


def starts_a_run(site: LiveSite, client: httpx.Client) -> int:
    body = {
        "id": 1,
        "jsonrpc": "2.0",
        "method": "force",
        "params": {"builderNames": ["demo.make"], "reason": "by hand"},
    }
    return client.post("api/v2/forceschedulers/demo-run", json=body).status_code


def test_a_provider_says_who_and_the_site_what(site: LiveSite, gitlab: str) -> None:
    secret = site.folder / "gitlab-secret"
    secret.write_text(SECRET)
    secret.chmod(0o600)
    start(
        site,
        f'anonymous = "none"\nprovider = "gitlab"\nserver = "{gitlab}"\n'
        'client-id = "slipway"\nclient-secret.file = "gitlab-secret"',
    )
    with browser(site) as client:
        page = client.get("")
        assert page.status_code == 200
        assert site.title in page.text
        user = client.get("config").json()["user"]
        assert (user["username"], user["full_name"]) == ("ann", "Ann of the ledger")
        assert SECRET not in page.text + client.get("config").text
        assert starts_a_run(site, client) == 200
    assert site.wait_for_run(2, "passed")["owner"] == "ann"
    for stranger, told in (("mallory", "need to have role"), ("admin", "name of Slipway's own")):
        GitLab.login = stranger
        try:
            with browser(site, Accept="text/html") as client:
                refused = client.get("")
                assert refused.status_code == 403
                assert told in html.unescape(refused.text)
                assert starts_a_run(site, client) in {401, 403}
        finally:
            GitLab.login = "ann"
    # The admin's own password still opens it, for the command line.
    done = site.run_slipway("poll")
    assert (done.returncode, done.stdout) == (0, "demo: nothing new on main\n"), done.stderr
    assert SECRET not in site.said()


def test_a_proxy_says_who(site: LiveSite) -> None:
    start(site, 'provider = "proxy-header"\ntrusted-addresses = ["127.0.0.1"]')
    with browser(site, **{"X-Remote-User": "ann"}) as client:
        assert client.get("config").json()["user"]["username"] == "ann"
        assert site.title in client.get("").text
        assert not client.cookies
        assert starts_a_run(site, client) == 200
        assert client.post("api/v2/workers/1", json={}).status_code == 400
    assert site.wait_for_run(2, "passed")["owner"] == "ann"
    for name in ("bob", "vera"):
        with browser(site, **{"X-Remote-User": name}) as client:
            assert client.get("api/v2/builds").status_code == 200
            assert starts_a_run(site, client) == 403
    for name in ("admin", ""):
        with browser(site, **{"X-Remote-User": name}) as client:
            assert starts_a_run(site, client) == 403
    with browser(site) as client:
        assert starts_a_run(site, client) == 403
        assert "sign in at the reverse proxy" in client.get("auth/login").text
