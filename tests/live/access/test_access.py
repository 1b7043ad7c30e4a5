"""Every door of a real master, by role: open to exactly those whom the table names."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from sqlalchemy import create_engine

from slipway.ledger.database.session import LedgerSession
from slipway.ledger.tokens import create
from slipway.master.access.passwords import hash_password
from slipway.model.access import ACTIONS, LADDER, Person, held, may, may_open
from slipway.www.api.route import Router
from slipway.www.api.routes import CONTROL
from tests.live.conftest import LiveSite
from tests.support.http import get, open_client
from tests.support.rows import AUDIT, all_rows, changed
from tests.support.site import command

pytestmark = pytest.mark.live

PASSWORD = "a long word for all of them"
PEOPLE = {
    "vera": ["viewer"],
    "dave": ["developer"],
    "rita": ["releaser"],
    "ada": ["admin"],
    "quinn": ["qa"],
    "none": [],
}
STAGES = command("make", "print(1)") + command("gate", "print(2)", "make", manual="true")
STAGES += """[project.demo.stages.publish]
uses = "publish"
if-unchanged = "release"
needs = ["gate"]
[project.demo.stages.staging]
uses = "deploy"
needs = ["publish"]
environment = "staging"
manual = true
[project.demo.environments.staging]
deployer = { kind = "command", argv = ["true"] }
"""


@dataclass(frozen=True)
class Ask:
    """One thing to ask of the web server, and the action of the table that it is."""

    action: str
    method: str
    path: str
    control: str = ""
    params: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    body: dict[str, Any] | None = None

    @property
    def name(self) -> str:
        return f"{self.method} {self.path} {self.control}"


def post(action: str, path: str, control: str, **params: Any) -> Ask:
    return Ask(action, "POST", f"api/v2/{path}", control, params)


LOOKS = [
    Ask("look", "GET", path)
    for path in (
        "api/v2/builds",
        "api/v2/masters",
        "api/v2/application.spec",
        "api/v2/workers",
        "config",
        "avatar?email=x",
        "plugins/console_view/scripts.js",
        "",
        "assets",
    )
]
CONTROLS = [
    post("run.start", "forceschedulers/demo-run", "force", builderNames=["demo.make"], branch="no"),
    post("run.start", "forceschedulers/demo-run", "force", builderNames=["demo.gate"], branch="no"),
    post("stage.start", "forceschedulers/demo-stage", "force", builderNames=["demo.make"], run=99),
    post("gate.open", "forceschedulers/demo-stage", "force", builderNames=["demo.gate"], run=99),
    post("gate.open", "forceschedulers/demo-stage", "FORCE", builderNames=["demo.gate"], run=99),
    post("stage.cancel", "builds/999", "stop"),
    post("stage.cancel", "builders/1/builds/999", "stop"),
    post("stage.cancel", "buildrequests/999", "cancel"),
    post("build.rebuild", "builds/1", "rebuild"),
    post("build.rebuild", "builds/1", "Rebuild"),
    post("build.rebuild", "builders/1/builds/1", "rebuild"),
    post("engine.control", "buildrequests/999", "set_priority", priority=1),
    post("engine.control", "workers/999", "pause"),
    post("engine.control", "workers/999", "unpause"),
    post("engine.control", "workers/999", "stop"),
    post("engine.control", "workers/999", "kill"),
    post("engine.control", "schedulers/999", "enable", enabled=True),
    post("engine.control", "masters/1", "stop"),
    post("engine.control", "builders/1", "force"),
    Ask("run.poll", "POST", "change_hook/poller?poller=nobody"),
]


def ours(action: str, path: str, method: str = "POST", **body: Any) -> Ask:
    """Return one of Slipway's own endpoints, asked so that it changes nothing."""
    return Ask(action, method, f"plugins/slipway/api/{path}", body=body)


#: Gate 1 is open to developers; "look" is told for those that it decides by its own roles.
GATE = "gate.open"
OURS = [
    ours("run.start", "runs", project="demo", branch="no"),
    ours("run.poll", "polls", projects=["no"]),
    ours("run.start", "runs/demo/999/rerun"),
    ours("stage.cancel", "runs/demo/999/cancel"),
    ours("stage.start", "runs/demo/999/stages/make/rerun"),
    ours("stage.cancel", "runs/demo/999/stages/make/cancel"),
    ours(GATE, "runs/demo/1/stages/gate/gate", token="wrong"),
    ours(GATE, "gates/1/open", token="wrong"),
    ours(GATE, "gates/1/approve", asking="wrong"),
    ours(GATE, "gates/1/reject", comment=" "),
    ours(GATE, "gates/1/check"),
    ours(GATE, "environments/demo/staging/rollback?run=999", token="wrong"),
    ours("freeze", "freezes/demo", reason=" "),
    ours("freeze", "freezes/demo", method="DELETE"),
    ours("prune", "prunings", project="no"),
    ours("release.block", "releases/999/block", reason="it is bad"),
    ours("release.unblock", "releases/999/block", method="DELETE"),
    ours("release.promote", "releases/999/promote", channel="no"),
    ours("notice.any", "outbox/resend", ids=[999]),
    ours("notice.any", "outbox/discard", ids=[999]),
    ours("engine.control", "workers/nobody/pause"),
    ours("engine.control", "workers/nobody/resume"),
    ours("engine.control", "workers/nobody/check"),
]


class GateFinder:
    """A running site, and clients that come to it as somebody."""

    def __init__(self, site: LiveSite) -> None:
        self.site = site
        engine = create_engine(
            f"sqlite:///{site.state / 'state.sqlite'}", connect_args={"timeout": 30}
        )
        with LedgerSession(engine) as session:
            self.tokens = {
                name: create(session, name, "matrix", roles, 1, "the test")[1]
                for name, roles in PEOPLE.items()
                if roles
            }
            session.commit()
        engine.dispose()

    @contextlib.contextmanager
    def client(self, **options: Any) -> Iterator[httpx.Client]:
        with open_client(base_url=self.site.url, timeout=120, **options) as one:
            yield one

    def clients(self) -> Iterator[tuple[str, Person, httpx.Client]]:
        """Come as everybody, by session and by token."""
        anonymous = held(["viewer"]) if self.open else frozenset()
        with self.client() as client:
            yield "anonymous", Person("", anonymous), client
        for name, roles in PEOPLE.items():
            person = Person(name, held(roles) | anonymous)
            with self.client() as client:
                signed = client.get("auth/login", auth=(name, PASSWORD))
                assert signed.status_code == 302, signed.text
                yield f"{name} by session", person, client
            if roles:
                with self.client(headers={"Authorization": f"Bearer {self.tokens[name]}"}) as one:
                    yield f"{name} by token", person, one
        with self.client(auth=("admin", self.site.password())) as client:
            yield "the admin", Person("admin", held(["admin"])), client

    open = True


def pipeline(site: LiveSite, access: str) -> None:
    site.write(STAGES)
    hashed = hash_password(PASSWORD)
    text = "\n".join(
        f'[people.{name}]\npassword = "{hashed}"\nroles = {json.dumps(roles)}'
        for name, roles in PEOPLE.items()
    )
    file = site.folder / "pipeline.toml"
    file.write_text(f"{file.read_text()}\n{text}\n{access}\n")


def running(folder: Any, access: str) -> Iterator[GateFinder]:
    site = LiveSite(folder)
    site.make_repository()
    try:
        pipeline(site, access)
        site.up()
        site.wait_for_run(1, "waiting")
        yield GateFinder(site)
    finally:
        left = site.end_processes()
    assert not left, left


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GateFinder]:
    yield from running(tmp_path_factory.mktemp("open"), "")


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GateFinder]:
    for one in running(
        tmp_path_factory.mktemp("closed"), '[access]\nanonymous = "none"\nsession-hours = 1\n'
    ):
        one.open = False
        yield one


def status(client: httpx.Client, ask: Ask) -> int:
    body = ask.body
    if ask.control:
        body = {"id": 1, "jsonrpc": "2.0", "method": ask.control, "params": dict(ask.params)}
    answer = client.request(ask.method, ask.path, json=body, headers=ask.headers)
    sent_away = answer.headers.get("location") == "/auth/login"
    return 401 if sent_away else answer.status_code


def listens(client: httpx.Client) -> bool:
    """Whether a client may follow events by SSE."""
    with client.stream("GET", "sse/listen/builds/*/*") as answer:
        if answer.status_code != 200:
            return False
        return next(answer.iter_lines()) == "event: handshake"


def shakes_hands(client: httpx.Client, origin: str | None = None) -> int:
    """Return the status of a websocket's handshake."""
    host = client.base_url.host
    lines = [
        "GET /ws HTTP/1.1",
        f"Host: {host}:{client.base_url.port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
    ]
    prepared = client.build_request("GET", "ws")
    if client.auth is not None:
        prepared = next(client.auth.sync_auth_flow(prepared))
    sent = prepared.headers
    lines += [f"{name}: {sent[name]}" for name in ("cookie", "authorization") if name in sent]
    if origin:
        lines.append(f"Origin: {origin}")
    with socket.create_connection((host, client.base_url.port or 80), timeout=30) as wire:
        wire.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        return int(wire.recv(1000).split()[1])


def wrong(doors: GateFinder, asks: list[Ask]) -> list[str]:
    """Return each door that is open or closed against the table."""
    found = []
    for told, person, client in doors.clients():
        for ask in asks:
            before = all_rows(doors.site)
            got = status(client, ask)
            # A token's last use is written down, and what was refused.
            other = changed(before, all_rows(doors.site), AUDIT, "slipway_token")
            if other and got in {401, 403}:
                found.append(f"{told}: {ask.name}: {got}, and has changed {', '.join(other)}")
            allowed = may(person, ask.action) and not (ask.action == GATE and person.anonymous)
            if (got not in {401, 403}) is not allowed:
                found.append(f"{told}: {ask.name}: {got}, {'may' if allowed else 'may not'}")
        may_look = may(person, "look")
        if listens(client) is not may_look:
            found.append(f"{told}: /sse")
        hands = shakes_hands(client)
        if (hands == 101) is not may_look:
            found.append(f"{told}: /ws: {hands}")
    return found


def test_every_door_by_role(doors: GateFinder) -> None:
    assert wrong(doors, LOOKS + CONTROLS + OURS) == []
    assert len(doors.site.runs()) == 1


def test_every_door_of_a_closed_site_by_role(closed: GateFinder) -> None:
    assert wrong(closed, LOOKS + CONTROLS + OURS) == []
    with closed.client() as anyone:
        answer = anyone.get("")
        assert (answer.status_code, answer.headers["location"]) == (302, "/auth/login")
        assert anyone.get("api/v2/builds").json() == {
            "error": 'to see runs, builds, logs, artefacts you need to have role "viewer": '
            "sign in, or send a token"
        }
        assert "TWISTED" not in str(anyone.cookies)


def test_the_table_is_tried_whole() -> None:
    """What Buildbot's doors lead to is all tried; the rest has doors of its own."""
    later = {"token.own", "token.any", "notice.own", "notice.any", "freeze", "prune", "audit"}
    later |= {one for one in ACTIONS if one.startswith("release.")}
    assert {ask.action for ask in LOOKS + CONTROLS} == set(ACTIONS) - later
    router = Router(CONTROL)
    tried = {
        router.find(ask.method, ask.path.partition("api/")[2].partition("?")[0])[0].path
        for ask in OURS
    }
    own = {"tokens", "tokens/{id}/revoke", "notices/rules"}  # everybody's own
    assert tried == {route.path for route in CONTROL} - own


def test_a_cookie_is_for_the_server_alone(doors: GateFinder) -> None:
    with doors.client() as client:
        cookie = client.get("auth/login", auth=("dave", PASSWORD)).headers["set-cookie"]
        assert "TWISTED_SESSION=" in cookie
        assert "httponly" in cookie.lower()
        assert "samesite=lax" in cookie.lower()
        anonymous = get(f"{doors.site.url}config")
        assert "httponly" in anonymous.headers["set-cookie"].lower()
        assert anonymous.headers["x-frame-options"] == "SAMEORIGIN"


def test_pages_of_other_sites_get_nothing(doors: GateFinder) -> None:
    with doors.client() as client:
        client.get("auth/login", auth=("ada", PASSWORD))
        for origin in ("https://evil.example.org", "null", "http://127.0.0.1:1"):
            elsewhere = {"Origin": origin}
            assert shakes_hands(client, origin) == 403
            for path in ("api/v2/workers/999", "change_hook/poller"):
                assert client.post(path, headers=elsewhere, json={}).status_code == 403
            assert client.get("sse/listen/builds/*/*", headers=elsewhere).status_code == 403
        ours = doors.site.url.rstrip("/")
        assert shakes_hands(client, ours) == 101
        assert shakes_hands(client, ours.replace("127.0.0.1", "localhost")) == 101
        assert client.get("change_hook/poller").status_code == 405


def test_a_token_is_revoked_at_once_and_does_no_more_than_its_roles(doors: GateFinder) -> None:
    site = doors.site
    made = site.run_slipway(
        "token", "create", "--person", "ada", "--name", "small", "--role", "developer"
    )
    assert made.returncode == 0, made.stderr
    text = made.stdout.strip()
    assert text.startswith("slw_")
    assert text not in made.stderr
    with doors.client(headers={"Authorization": f"Bearer {text}"}) as client:
        user = client.get("config").json()["user"]
        assert user == {"username": "ada", "email": "ada", "full_name": "ada"}
        pause = post("engine.control", "workers/999", "pause")
        assert status(client, pause) == 403
        stop = post("stage.cancel", "builds/999", "stop")
        assert status(client, stop) not in {401, 403}
        assert "set-cookie" not in client.get("config").headers
        listed = json.loads(site.run_slipway("token", "list", "--json").stdout)
        mine = next(one for one in listed if one["name"] == "small")
        assert mine["last_used_at"] is not None
        assert "sha256" not in mine
        assert site.run_slipway("token", "revoke", str(mine["id"])).returncode == 0
        assert client.get("config").status_code == 401
    kept = site.state / "state.sqlite"
    held_text = b"".join(path.read_bytes() for path in kept.parent.glob("state.sqlite*"))
    assert text.encode() not in held_text
    assert text not in site.said()


def test_a_script_forces_a_run_with_a_token(doors: GateFinder) -> None:
    token = doors.tokens["dave"]
    with doors.client(headers={"Authorization": f"Bearer {token}"}) as client:
        answer = doors.site.force(client, "demo-run", "make", reason="by a script")
        assert answer.status_code == 200, answer.text
    run = doors.site.wait_for_run(2, "waiting")
    assert (run["owner"], run["trigger"]) == ("dave", "force")


def test_gates_open_to_their_roles_alone() -> None:
    qa = Person("quinn", held(["qa"]))
    assert may_open(qa, ["qa"])
    assert not may_open(qa, [])
    assert not may_open(Person("", held(LADDER)), ["developer"])
    assert may_open(Person("ada", held(["admin"])), ["qa"])
