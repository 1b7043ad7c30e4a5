"""A refused request changes nothing: every verb of the endpoints, and every kind of refusal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from slipway.master.access.passwords import hash_password
from slipway.www.api.routes import CONTROL
from tests.live.conftest import LiveSite
from tests.support.http import open_client
from tests.support.machine import wait_for
from tests.support.rows import all_rows, changed
from tests.support.site import STAGING, command

pytestmark = pytest.mark.live

API = "plugins/slipway/api/"
PASSWORD = "a long word for all of them"
PEOPLE = {"vera": "viewer", "dave": "developer", "rita": "developer"}
WRITE = "import pathlib; pathlib.Path('app.txt').write_text('made')"
HOLD = "import pathlib, time\nwhile not pathlib.Path({file!r}).exists(): time.sleep(0.1)"
ASKS = """parameters = [
  { name = "m", type = "string", required = true, pattern = "[a-zA-Z]+" },
  { name = "key", type = "secret" },
]
"""
DEPLOY = f"""{STAGING}{ASKS}
[project.demo.environments.staging]
deployer = {{ kind = "command", argv = ["true"] }}
"""


def pipeline(site: LiveSite) -> None:
    hold = HOLD.format(file=str(site.folder / "go"))
    gates = command("hand", "pass", "make", manual="true", approvals="1") + ASKS
    gates += command("brief", "pass", "make", manual="true", expires='"1s"')
    gates += command("held", hold) + command("late", "pass", "held", manual="true") + ASKS
    site.write(command("make", WRITE, artefacts='["app.txt"]') + DEPLOY + gates)
    hashed = hash_password(PASSWORD)
    file = site.folder / "pipeline.toml"
    people = "\n".join(
        f'[people.{name}]\npassword = "{hashed}"\nroles = ["{role}"]'
        for name, role in PEOPLE.items()
    )
    file.write_text(f"{file.read_text()}\n{people}\n")


class Scene:
    """A site whose run 1 was deployed, has a gate of each kind, and is not done."""

    def __init__(self, site: LiveSite) -> None:
        self.site = site
        self.clients = {"": self._come()}
        for name in PEOPLE:
            self.clients[name] = self._come()
            signed = self.clients[name].get("auth/login", auth=(name, PASSWORD))
            assert signed.status_code == 302, signed.text
        self.clients["admin"] = self._come()
        self.clients["admin"].get("auth/login", auth=("admin", site.password()))

    def _come(self) -> httpx.Client:
        return open_client(base_url=self.site.url, timeout=60)

    def send(
        self, who: str, path: str, body: dict[str, Any] | None = None, method: str = "POST"
    ) -> httpx.Response:
        return self.clients[who].request(method, API + path, json={} if body is None else body)

    def read(self, path: str, who: str = "dave") -> dict[str, Any]:
        answer = self.clients[who].get(API + path)
        assert answer.status_code == 200, f"{path}: {answer.text}"
        return dict(answer.json())

    def gate(self, stage: str, who: str = "dave") -> dict[str, Any]:
        rows = self.read("gates?state=all&limit=100")["items"]
        number = next(one["id"] for one in rows if one["stage"] == stage)
        return self.read(f"gates/{number}", who)

    def refused(
        self, who: str, path: str, body: dict[str, Any], *status: int, method: str = "POST"
    ) -> str:
        """See that something is refused and has changed nothing; return what was said."""
        before = all_rows(self.site)
        answer = self.send(who, path, body, method)
        told = f"{who or 'anonymous'}: {method} {path} {body}: {answer.status_code} {answer.text}"
        assert answer.status_code in status, told
        assert changed(before, all_rows(self.site)) == [], told
        return str(answer.json()["error"])

    def end(self) -> None:
        for client in self.clients.values():
            client.close()


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    site = LiveSite(tmp_path_factory.mktemp("refusals"))
    site.make_repository()
    pipeline(site)
    made = None
    try:
        site.up()
        made = Scene(site)
        site.wait_for_stage(1, "staging", "gate")
        gate = made.gate("staging")
        opened = made.send("dave", gate["ask"], {"token": gate["token"], "values": {"m": "a"}})
        assert opened.status_code == 200, opened.text
        site.wait_for_stage(1, "staging", "passed")
        # Nobody looks; the timer that was set when the gate was made closes it.
        site.wait_for_stage(1, "brief", "expired")
        hand = made.gate("hand")
        asked = {"token": hand["token"], "values": {"m": "harmless", "key": "hush"}}
        assert made.send("dave", hand["ask"], asked).status_code == 200
        yield made
    finally:
        (site.folder / "go").touch()
        if made is not None:
            made.end()
        left = site.end_processes()
    assert not left, left


def bodies(scene: Scene) -> dict[str, tuple[str, str, dict[str, Any]]]:
    """Return what to send to each route that changes something: its path and a good body."""
    hand, brief = scene.gate("hand"), scene.gate("brief")
    late = scene.read("runs/demo/1/stages/late/gate")
    back = scene.read("environments/demo/staging/rollback?run=1")
    run, stage = "runs/demo/1", "runs/demo/1/stages/make"
    right = {"m": "b"}
    return {
        "runs": ("POST", "runs", {"project": "demo"}),
        "polls": ("POST", "polls", {}),
        "runs/{project}/{number}/rerun": ("POST", f"{run}/rerun", {}),
        "runs/{project}/{number}/cancel": ("POST", f"{run}/cancel", {}),
        "runs/{project}/{number}/stages/{stage}/rerun": ("POST", f"{stage}/rerun", {}),
        "runs/{project}/{number}/stages/{stage}/cancel": ("POST", f"{stage}/cancel", {}),
        "runs/{project}/{number}/stages/{stage}/gate": (
            "POST",
            late["ask"],
            {"token": late["token"], "values": right},
        ),
        "gates/{id}/open": (
            "POST",
            f"gates/{hand['id']}/open",
            {"token": hand["asking"], "values": right},
        ),
        "gates/{id}/approve": (
            "POST",
            f"gates/{hand['id']}/approve",
            {"asking": hand["asking"]},
        ),
        "gates/{id}/reject": ("POST", f"gates/{brief['id']}/reject", {"comment": "no"}),
        "gates/{id}/check": ("POST", f"gates/{hand['id']}/check", {"values": right}),
        "environments/{project}/{name}/rollback": (
            "POST",
            back["ask"],
            {"token": back["token"], "values": right},
        ),
        "freezes/{project} POST": ("POST", "freezes/demo", {"reason": "the fair"}),
        "freezes/{project} DELETE": ("DELETE", "freezes/demo", {}),
        "releases/{id}/block POST": ("POST", "releases/1/block", {"reason": "it loses data"}),
        "releases/{id}/block DELETE": ("DELETE", "releases/1/block", {}),
        "releases/{id}/promote": ("POST", "releases/1/promote", {"channel": "beta"}),
        "workers/{name}/pause": ("POST", "workers/local/pause", {}),
        "workers/{name}/resume": ("POST", "workers/local/resume", {}),
        "workers/{name}/check": ("POST", "workers/local/check", {}),
        "outbox/resend": ("POST", "outbox/resend", {"ids": [1]}),
        "outbox/discard": ("POST", "outbox/discard", {"ids": [1]}),
        "notices/rules": ("POST", "notices/rules", {"rules": {}}),
        "prunings": ("POST", "prunings", {}),
        "tokens": ("POST", "tokens", {"name": "x", "roles": ["viewer"]}),
        "tokens/{id}/revoke": ("POST", "tokens/1/revoke", {}),
    }


#: What a viewer may: tokens and notices of their own.
OWN = {"tokens", "tokens/{id}/revoke", "notices/rules"}


def test_whoever_may_not_changes_nothing(scene: Scene) -> None:
    doors = bodies(scene)
    assert {name.partition(" ")[0] for name in doors} == {route.path for route in CONTROL}
    for name, (method, path, body) in doors.items():
        told = scene.refused("", path, body, 401, method=method)
        assert "sign in" in told, name
        if name not in OWN:
            told = scene.refused("vera", path, body, 403, method=method)
            assert "vera has: viewer" in told, name


def test_where_nothing_says_how_long_to_keep_nothing_is_pruned(scene: Scene) -> None:
    told = scene.refused("admin", "prunings", {}, 409)
    assert told == "no project says how long to keep; write [project.demo.keep]"
    assert "there is no project" in scene.refused("admin", "prunings", {"project": "no"}, 404)
    scene.refused("admin", "prunings", {"dry_run": "perhaps"}, 400)
    scene.refused("admin", "prunings", {"dry-run": True}, 400)


def test_looking_writes_nothing(scene: Scene) -> None:
    before = all_rows(scene.site)
    for who in scene.clients:
        for path in ("runs/demo/1/stages/late/gate", "environments/demo/staging/rollback?run=1"):
            shown = scene.read(path, who)
            assert (shown["id"], shown["state"]) == (0, "open")
            assert (shown["token"] is None) is (who in {"", "vera"})
            assert shown["may"]["open"] is (who not in {"", "vera"})
            assert [one["name"] for one in shown["form"]] == ["m", "key"]
        scene.gate("hand", who)
    back = scene.read("environments/demo/staging/rollback?run=1")
    assert (back["rollback"], back["ready"], back["direction"]) == (True, True, "again")
    assert changed(before, all_rows(scene.site)) == []


def test_wrong_answers_change_nothing(scene: Scene) -> None:
    doors = bodies(scene)
    wrongs: tuple[dict[str, Any], ...] = ({}, {"m": "7 8"}, {"m": "a", "more": 1}, {"m": None})
    for name in (
        "runs/{project}/{number}/stages/{stage}/gate",
        "gates/{id}/open",
        "environments/{project}/{name}/rollback",
    ):
        _, path, body = doors[name]
        for values in wrongs:
            told = scene.refused("dave", path, {**body, "values": values}, 400)
            assert told == "some answers are not as they must be"
        for token in ("stale", ""):
            scene.refused("dave", path, {**body, "token": token}, 400, 409)
        scene.refused("dave", path, {"values": {"m": "a"}}, 400)


def test_what_is_not_there_or_not_so_changes_nothing(scene: Scene) -> None:
    token = {"token": "x", "values": {"m": "a"}}
    for path, body in (
        ("runs/demo/99/stages/late/gate", token),
        ("runs/demo/1/stages/make/gate", token),
        ("runs/demo/1/stages/nothing/gate", token),
        ("runs/other/1/stages/late/gate", token),
        ("runs/demo/1/stages/staging/gate", token),
        ("environments/demo/staging/rollback?run=99", token),
        ("environments/demo/nowhere/rollback?run=1", token),
        ("gates/99/open", token),
        ("gates/99/approve", {"asking": "x"}),
        ("gates/99/reject", {"comment": "no"}),
        (f"gates/{scene.gate('hand')['id']}/reject", {"comment": " "}),
        ("runs/demo/99/cancel", {}),
        ("runs/demo/99/rerun", {}),
        ("runs/demo/1/stages/nothing/rerun", {}),
        ("runs/demo/1/stages/make/cancel", {}),
        ("runs/demo/1/stages/held/rerun", {}),
        ("runs", {"project": "demo", "branch": "nowhere"}),
    ):
        scene.refused("dave", path, body, 400, 404, 409)
    scene.refused("admin", "freezes/demo", {"reason": " "}, 400)
    scene.refused("admin", "freezes/demo", {}, 409, method="DELETE")
    scene.refused("admin", "workers/nobody/pause", {}, 404)
    scene.refused("admin", "releases/1/block", {"reason": " "}, 400)
    scene.refused("admin", "releases/1/block", {}, 409, method="DELETE")
    scene.refused("admin", "releases/99/block", {"reason": "no"}, 404)
    told = scene.refused("admin", "releases/1/promote", {"channel": "beta"}, 409)
    assert 'demo has no channel "beta"; it has none' in told


def test_an_expired_gate_opens_to_nobody(scene: Scene) -> None:
    gate = scene.gate("brief")
    assert set(gate["may"].values()) == {False}
    told = scene.refused("dave", f"gates/{gate['id']}/open", {"token": "x"}, 409)
    assert "run the stage again to ask anew" in told
    scene.refused("rita", f"gates/{gate['id']}/approve", {"asking": "x"}, 409)


def test_nothing_is_approved_that_was_not_shown(scene: Scene) -> None:
    seen = scene.gate("hand", "rita")
    assert seen["values"] == {"m": "harmless"}
    path = f"gates/{seen['id']}/approve"
    own = scene.refused("dave", path, {"asking": seen["asking"]}, 403)
    assert "another person must approve it" in own
    scene.refused("rita", path, {}, 400)
    anew = {"token": seen["asking"], "values": {"m": "DESTROY", "key": "other"}}
    answer = scene.send("dave", seen["ask"], anew)
    assert answer.status_code == 200, answer.text
    told = scene.refused("rita", path, {"asking": seen["asking"]}, 409)
    assert 'm: "harmless" -> "DESTROY"; the secret key was given anew' in told
    assert "other" not in told
    # The command line says what it approves, and approves that.
    shown = scene.site.run_slipway("gate", "show", str(seen["id"]))
    now = scene.gate("hand")["asking"]
    assert f"asking {now}" in shown.stdout
    assert 'answered m = "DESTROY"' in shown.stdout
    stale = scene.site.run_slipway("gate", "approve", str(seen["id"]), "--asking", seen["asking"])
    assert (stale.returncode, "has asked anew" in stale.stderr) == (2, True), stale.stderr


def test_a_frozen_project_changes_nothing(scene: Scene) -> None:
    doors = bodies(scene)
    frozen = scene.send("admin", "freezes/demo", {"reason": "the fair"})
    assert frozen.status_code == 200, frozen.text
    try:
        for name in (
            "runs/{project}/{number}/stages/{stage}/gate",
            "gates/{id}/open",
            "gates/{id}/approve",
            "environments/{project}/{name}/rollback",
        ):
            _, path, body = doors[name]
            told = scene.refused("rita", path, body, 409)
            assert "is frozen by admin: the fair" in told
        scene.refused("admin", "freezes/demo", {"reason": "again"}, 409)
    finally:
        thawed = scene.send("admin", "freezes/demo", {}, "DELETE")
        assert thawed.status_code == 200, thawed.text


def test_a_blocked_release_is_deployed_by_nobody(scene: Scene) -> None:
    told = scene.refused("dave", "releases/1/block", {"reason": "it loses data"}, 403)
    assert 'you need to have role "releaser"' in told
    site, version = scene.site, scene.read("releases/1")["version"]
    blocked = site.run_slipway("release", "block", version, "--reason", "it loses data")
    assert (blocked.returncode, "is blocked: nothing deploys" in blocked.stdout) == (0, True), (
        blocked
    )
    shown = scene.read("releases/1")["blocked"]
    assert (shown["reason"], shown["person"]) == ("it loses data", "admin")
    try:
        _, path, body = bodies_of_rollback(scene)
        told = scene.refused("dave", path, body, 409)
        assert "is blocked by admin: it loses data" in told
        scene.refused("admin", "releases/1/block", {"reason": "again"}, 409)
        page = (site.state / "releases" / "demo" / "index.html").read_text()
        assert "it loses data" in page
        latest = json.loads((site.state / "releases" / "demo" / "latest.json").read_text())
        assert latest["version"] is None
        assert not (site.state / "releases" / "demo" / "latest").exists()
    finally:
        ended = site.run_slipway("release", "unblock", version)
        assert ended.returncode == 0, ended.stderr
    latest = json.loads((site.state / "releases" / "demo" / "latest.json").read_text())
    assert latest["version"] == version
    assert (site.state / "releases" / "demo" / "latest").is_dir()
    listed = site.run_slipway("audit").stdout
    assert f"release {version} of demo" in listed


def bodies_of_rollback(scene: Scene) -> tuple[str, str, dict[str, Any]]:
    """Return how the release of run 1 would be brought back."""
    path = "environments/demo/staging/rollback?run=1"
    return "POST", path, {"token": "x", "values": {"m": "b"}}


def test_a_gate_is_made_by_its_asking_once(scene: Scene) -> None:
    late = scene.read("runs/demo/1/stages/late/gate")
    body = {"token": late["token"], "values": {"m": "a"}}
    made = scene.send("dave", late["ask"], body).json()
    assert made["accepted"] is True
    again = scene.send("dave", late["ask"], body).json()
    assert (again["accepted"], again["gate"]["id"]) == (False, made["gate"]["id"])
    scene.refused("rita", late["ask"], body, 409)
    told = scene.refused("dave", late["ask"], {**body, "values": {"m": "b"}}, 409)
    assert 'other answers: m: "a" -> "b"' in told


def test_the_command_line_leaves_nothing_behind(scene: Scene) -> None:
    before = all_rows(scene.site)
    for words in (
        ("rollback", "staging", "--to", "1"),
        ("rollback", "staging", "--to", "1", "--set", "m=7 8"),
        ("rollback", "staging", "--to", "99", "--set", "m=a"),
        ("deploy", "staging", "--run", "1", "--set", "m=a"),
        ("gate", "open", str(scene.gate("brief")["id"])),
    ):
        done = scene.site.run_slipway(*words)
        assert done.returncode == 2, (words, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr
    assert changed(before, all_rows(scene.site)) == []


def test_secrets_that_a_restart_has_lost_are_asked_for_anew(scene: Scene) -> None:
    """The last one here: it ends the master."""
    seen = scene.gate("hand", "rita")
    assert seen["state"] == "asked"
    scene.site.master().kill()
    scene.site.process.wait(60)
    scene.site.up()
    gate = wait_for(
        lambda: (found := scene.gate("hand"))["state"] == "open" and found, scene.site.said
    )
    assert "its secrets are lost" in gate["comment"]
    assert gate["token"] != seen["token"]
    path = f"gates/{seen['id']}/approve"
    told = scene.refused("rita", path, {"asking": seen["asking"]}, 409)
    assert "what you saw is no longer asked" in told
    assert "its secrets are lost" in told
    again = {"token": gate["token"], "values": {"m": "good", "key": "hush"}}
    assert scene.send("dave", gate["ask"], again).status_code == 200
    told = scene.refused("rita", path, {"asking": seen["asking"]}, 409)
    assert 'm: "DESTROY" -> "good"' in told
    approved = scene.send("rita", path, {"asking": scene.gate("hand")["asking"]})
    assert approved.status_code == 200, approved.text
    scene.site.wait_for_stage(1, "hand", "passed")
    trail = scene.read("audit?limit=200", "admin")["items"]
    assert "hush" not in json.dumps(trail)
