"""Gates under haste: rollbacks that count in no run, secrets that no rush loses, quiet programs."""

from __future__ import annotations

import contextlib
import json
import socket
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from sqlalchemy import create_engine

from slipway.ledger.database.session import LedgerSession
from slipway.ledger.tokens import create
from slipway.master.access.passwords import hash_password
from tests.live.conftest import LiveSite
from tests.support.http import open_client
from tests.support.machine import wait_for
from tests.support.rows import all_rows, changed
from tests.support.site import STAGING, command

pytestmark = pytest.mark.live

API = "plugins/slipway/api/"
WRITE = "import pathlib; pathlib.Path('app.txt').write_text('made')"
HEARD = "import os, sys; sys.exit(os.environ.get('SLIPWAY_PARAM_KEY') != 'hush-hush')"
ROUNDS = 4


def pipeline(site: LiveSite) -> str:
    broken, runs = str(site.folder / "broken"), str(site.folder / "runs")
    deploy = f"import pathlib, sys; sys.exit(pathlib.Path({broken!r}).exists())"
    offer = f"import time; open({runs!r}, 'a').write('x'); time.sleep(0.5); print('red')"
    return (
        command("make", WRITE, artefacts='["app.txt"]')
        + command("hand", HEARD, "make", manual="true", approvals="1")
        + 'parameters = [{ name = "key", type = "secret", required = true }]\n'
        + command("pick", "pass", "make", manual="true")
        + 'parameters = [{ name = "colour", type = "choice", choices-from = '
        + json.dumps([sys.executable, "-c", offer])
        + " }]\n"
        + f"""{STAGING}[project.demo.environments.staging]
deployer = {{ kind = "command", argv = {json.dumps([sys.executable, "-c", deploy])} }}
"""
    )


class SiteGates:
    """A site, and people with tokens who come to it."""

    def __init__(self, site: LiveSite) -> None:
        self.site = site
        engine = create_engine(
            f"sqlite:///{site.state / 'state.sqlite'}", connect_args={"timeout": 30}
        )
        with LedgerSession(engine) as session:
            self.tokens = {
                name: create(session, name, "here", ["developer"], 1, "the test")[1]
                for name in ("dave", "rita")
            }
            session.commit()
        engine.dispose()

    def client(self, who: str = "") -> httpx.Client:
        headers = {"Authorization": f"Bearer {self.tokens[who]}"} if who else {}
        return open_client(base_url=self.site.url + API, timeout=60, headers=headers)

    def read(self, path: str, who: str = "dave") -> dict[str, Any]:
        with self.client(who) as client:
            answer = client.get(path)
        assert answer.status_code == 200, f"{path}: {answer.text}"
        return dict(answer.json())

    def do(self, path: str, body: dict[str, Any], who: str = "dave") -> dict[str, Any]:
        with self.client(who) as client:
            answer = client.post(path, json=body)
        assert answer.is_success, f"{path}: {answer.status_code} {answer.text}"
        return dict(answer.json())

    def gate(self, stage: str) -> dict[str, Any]:
        rows = self.read("gates?limit=100")["items"]
        return self.read(f"gates/{next(one['id'] for one in rows if one['stage'] == stage)}")

    def open(self, stage: str, **values: Any) -> dict[str, Any]:
        gate = self.gate(stage)
        return self.do(gate["ask"], {"token": gate["token"], "values": values})

    def again(self, stage: str) -> None:
        self.do(f"runs/demo/1/stages/{stage}/rerun", {})

    def attempts(self, number: int, stage: str) -> list[dict[str, Any]]:
        stages = self.read(f"runs/demo/{number}")["stages"]
        found = next(one for one in stages if one["name"] == stage)["results"]
        return list(found[0]["attempts"]) if found else []

    def ended(self, number: int, stage: str, count: int) -> dict[str, Any]:
        """Wait until so many attempts have ended; return the newest."""

        def look() -> Any:
            rows = self.attempts(number, stage)
            return len(rows) >= count and rows[0]["finished_at"] and rows[0]

        return wait_for(look, lambda: f"{stage}: {self.attempts(number, stage)} {self.site.said()}")


@pytest.fixture(scope="module")
def site_gates(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SiteGates]:
    site = LiveSite(tmp_path_factory.mktemp("gates"))
    site.make_repository()
    site.write(pipeline(site))
    file = site.folder / "pipeline.toml"
    told = f"password = {json.dumps(hash_password('a long word for all of them'))}"
    people = [f'[people.{name}]\nroles = ["developer"]\n{told}' for name in ("dave", "rita")]
    file.write_text("\n".join([file.read_text(), *people]) + "\n")
    try:
        site.up()
        for stage in ("staging", "hand", "pick"):
            site.wait_for_stage(1, stage, "gate")
        yield SiteGates(site)
    finally:
        left = site.end_processes()
    assert not left, left


def test_anonymous_visitors_run_no_program(site_gates: SiteGates) -> None:
    runs = site_gates.site.folder / "runs"
    gate = site_gates.read("gates?limit=100", "")["items"]
    number = next(one["id"] for one in gate if one["stage"] == "pick")
    with site_gates.client() as anyone, ThreadPoolExecutor(10) as many:
        shown = list(many.map(lambda _: anyone.get(f"gates/{number}").json(), range(40)))
        assert {json.dumps(one["form"][0]["choices"]) for one in shown} == {"null"}
        for path in ("open", "check"):
            told = {"values": {"colour": "red"}} | ({"token": "x"} if path == "open" else {})
            assert anyone.post(f"gates/{number}/{path}", json=told).status_code == 401
    assert not runs.exists()
    with site_gates.client("dave") as dave, ThreadPoolExecutor(10) as many:
        shown = list(many.map(lambda _: dave.get(f"gates/{number}").json(), range(20)))
    assert {one["form"][0]["choices"][0]["value"] for one in shown} == {"red"}
    assert len(runs.read_text()) == 1
    assert site_gates.open("pick", colour="red")["accepted"]


def test_no_rush_of_approvals_loses_a_secret(site_gates: SiteGates) -> None:
    for count in range(1, ROUNDS + 1):
        gate = site_gates.gate("hand")
        over = threading.Event()

        def approve(number: int = gate["id"], over: threading.Event = over) -> None:
            with site_gates.client("rita") as rita:
                while not over.is_set():
                    asking = rita.get(f"gates/{number}").json()["asking"] or "none"
                    answer = rita.post(f"gates/{number}/approve", json={"asking": asking})
                    assert answer.status_code in {200, 409}, answer.text

        with ThreadPoolExecutor(4) as many:
            rushing = [many.submit(approve) for _ in range(4)]
            try:
                site_gates.open("hand", key="hush-hush")
                ended = site_gates.ended(1, "hand", count)
            finally:
                over.set()
            for one in rushing:
                one.result()
        assert (ended["state"], ended["exit_code"]) == ("passed", 0)
        site_gates.again("hand")


def test_what_was_asked_goes_on_when_the_client_has_gone(site_gates: SiteGates) -> None:
    count = len(site_gates.attempts(1, "hand"))
    gate = site_gates.gate("hand")
    body = json.dumps({"token": gate["token"], "values": {"key": "hush-hush"}})
    lines = [
        f"POST /{API}{gate['ask']} HTTP/1.1",
        f"Host: 127.0.0.1:{site_gates.site.web_port}",
        f"Authorization: Bearer {site_gates.tokens['dave']}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
    ]
    sent = ("\r\n".join(lines) + "\r\n\r\n" + body).encode()
    # Whenever they go: before anybody has looked at it nothing is asked, and they may ask again.
    for pause in (0.001, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0):
        with socket.create_connection(("127.0.0.1", site_gates.site.web_port), timeout=30) as wire:
            wire.sendall(sent)
            wire.settimeout(pause)
            with contextlib.suppress(TimeoutError):
                wire.recv(1)
        asked = site_gates.read(f"gates/{gate['id']}")
        if asked["state"] == "asked":
            break
    site_gates.do(f"gates/{gate['id']}/approve", {"asking": asked["asking"]}, "rita")
    ended = site_gates.ended(1, "hand", count)
    assert (ended["state"], ended["exit_code"]) == ("passed", 0)


def test_a_rollback_counts_in_no_run_whatever_becomes_of_it(site_gates: SiteGates) -> None:
    answers = {"staging": {}, "pick": {"colour": "red"}, "hand": {"key": "hush-hush"}}
    for one in site_gates.read("gates?limit=100")["items"]:
        asked = site_gates.open(one["stage"], **answers[one["stage"]])["gate"]
        if asked["state"] == "asked":
            site_gates.do(f"gates/{asked['id']}/approve", {"asking": asked["asking"]}, "rita")
    site_gates.site.wait_for_run(1, "passed")
    site_gates.site.commit("more")
    number = site_gates.do("runs", {"project": "demo"})["number"]
    site_gates.site.wait_for_stage(number, "staging", "gate")
    site_gates.open("staging")
    site_gates.site.wait_for_stage(number, "staging", "passed")
    before = {key: site_gates.read("runs/demo/1")[key] for key in ("state", "finished_at")}

    def back(*, broken: bool) -> dict[str, Any]:
        mark = site_gates.site.folder / "broken"
        if broken:
            mark.touch()
        else:
            mark.unlink()
        count = len(site_gates.attempts(1, "staging"))
        shown = site_gates.read("environments/demo/staging/rollback?run=1")
        assert shown["id"] == 0
        made = site_gates.do(shown["ask"], {"token": shown["token"], "values": {}})
        assert site_gates.read("runs/demo/1")["state"] == "passed"
        ended = site_gates.ended(1, "staging", count + 1)
        assert (ended["rollback"], made["gate"]["rollback"]) == (True, True)
        run = site_gates.read("runs/demo/1")
        assert {key: run[key] for key in before} == before
        stage = next(one for one in run["stages"] if one["name"] == "staging")
        assert (stage["state"], stage["gate"]["rollback"]) == ("passed", False)
        return ended

    assert back(broken=True)["state"] == "failed"
    (environment,) = site_gates.read("environments")["items"]
    newest = environment["history"][0]
    assert (newest["run"], newest["rollback"], newest["state"]) == (1, True, "failed")
    assert back(broken=False)["state"] == "passed"
    (environment,) = site_gates.read("environments")["items"]
    assert environment["current"]["run"] == 1
    newest = environment["history"][0]
    assert (newest["run"], newest["rollback"], newest["state"]) == (1, True, "deployed")


def test_a_rollback_goes_to_what_was_there_beside_the_runs_own_gate(
    site_gates: SiteGates,
) -> None:
    """What runs 1 and 2 have left there is from the test above."""
    second = next(one for one in site_gates.read("gates?state=opened")["items"] if one["run"] == 2)
    assert site_gates.read(f"gates/{second['id']}")["replaces"]["run"] == 1
    number = site_gates.do("runs", {"project": "demo"})["number"]
    site_gates.site.wait_for_stage(number, "staging", "gate")
    never = site_gates.read(f"runs/demo/{number}")
    before = all_rows(site_gates.site)
    for target in (str(number), never["version"]):
        done = site_gates.site.run_slipway("rollback", "staging", "--to", target)
        assert (done.returncode, done.stdout) == (2, ""), done.stderr
        assert done.stderr == (
            f"the release of run {number} of demo was never deployed to staging: "
            "nothing to bring back; deploy it with `slipway deploy staging "
            f"--run {number}`\n"
        )
    with site_gates.client("dave") as dave:
        path = f"environments/demo/staging/rollback?run={number}"
        assert dave.get(path).status_code == 409
        assert dave.post(path, json={"token": never["stages"][0]["name"]}).status_code == 409
    # On a slow machine it is a minute since Dave's token was used: that is written down.
    assert changed(before, all_rows(site_gates.site), "slipway_token") == []

    # A run that was there, and whose own gate asks again.
    site_gates.do("runs/demo/2/stages/staging/rerun", {})
    own = site_gates.gate("staging")
    state = site_gates.read("runs/demo/2")["state"]
    assert (own["run"], own["state"]) == (2, "open")
    done = site_gates.site.run_slipway("rollback", "staging", "--to", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert site_gates.read(f"gates/{own['id']}")["state"] == "open"
    assert site_gates.read("runs/demo/2")["state"] == state
    newest, before_it, *_ = site_gates.attempts(2, "staging")
    assert (newest["rollback"], newest["state"]) == (True, "passed")
    assert (before_it["rollback"], before_it["state"]) == (False, "gate")
    (environment,) = site_gates.read("environments")["items"]
    assert environment["current"]["run"] == 2
    assert site_gates.read(f"gates/{second['id']}")["replaces"]["run"] == 1
