"""The endpoints on a real master: views, gates, what is refused."""

import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from tests.live.conftest import LiveSite
from tests.support.rows import connect
from tests.support.site import command

pytestmark = pytest.mark.live

API = "plugins/slipway/api/"
GATES = f"""
[project.demo.stages.staging]
uses = "command"
needs = ["tests"]
manual = true
approvals = 1
requester-counts = true
argv = [{sys.executable!r}, "-c", "print('deployed')"]
[[project.demo.stages.staging.parameters]]
name = "replicas"
type = "integer"
required = true
min = 1
max = 9
"""


@pytest.fixture(scope="module")
def running(shared_site: LiveSite) -> LiveSite:
    shared_site.write(command("tests", "print('tested')") + GATES)
    shared_site.up()
    shared_site.wait_for_run(1, "waiting")
    return shared_site


def gates(client):
    """Return the ids of gates that wait, by run."""
    return {one["run"]: one["id"] for one in client.get(API + "gates").json()["items"]}


def test_a_run_from_its_start_to_its_gate(running):
    with running.client(admin=True) as client:
        me = client.get(API + "me").json()
        assert me["name"] == "admin"
        assert me["may"]["run.start"]
        started = client.post(API + "runs", json={"project": "demo"})
        assert started.status_code == 201, started.text
        number = started.json()["number"]
        running.wait_for_run(number, "waiting")
        rows = client.get(API + "runs").json()["items"]
        row = next(row for row in rows if row["number"] == number)
        assert [(chip["name"], chip["state"]) for chip in row["stages"]] == [
            ("tests", "passed"),
            ("staging", "gate"),
        ]
        whole = client.get(f"{API}runs/demo/{number}").json()
        build = whole["stages"][0]["results"][0]["attempts"][0]["buildbot"]
        assert build["builder"] == "demo.tests"
        gate_id = whole["stages"][1]["gate"]["id"]
        gate = client.get(f"{API}gates/{gate_id}").json()
        assert gate["form"][0]["name"] == "replicas"
        wrong = {"token": gate["token"], "values": {"replicas": 10}}
        refused = client.post(f"{API}gates/{gate_id}/open", json=wrong)
        assert refused.status_code == 400
        assert list(refused.json()["fields"]) == ["replicas"]
        right = {"token": gate["token"], "values": {"replicas": 3}, "comment": "go"}
        first = client.post(f"{API}gates/{gate_id}/open", json=right)
        assert first.json()["accepted"] is True, first.text
        second = client.post(f"{API}gates/{gate_id}/open", json=right)
        assert second.json()["accepted"] is False
        running.wait_for_run(number, "passed")
        again = client.get(f"{API}gates/{gate_id}").json()
        assert (again["state"], again["person"]) == ("opened", "admin")
        assert again["values"] == {"replicas": 3}


def test_the_command_line_walks_the_same_way(running):
    number = running.start_run("staging", "gate")
    with running.client(admin=True) as client:
        gate = str(gates(client)[number])

    def say(*words, code=0):
        done = running.run_slipway(*words)
        assert done.returncode == code, (words, done.stdout, done.stderr)
        return done.stdout + done.stderr

    assert "staging" in say("gate", "list")
    assert "asks replicas (integer, required)" in say("gate", "show", gate)
    assert "asks for replicas" in say("gate", "open", gate, "--set", "nothing=1", code=2)
    assert '"many" is not a whole number' in say(
        "gate", "open", gate, "--set", "replicas=many", code=2
    )
    told = say("gate", "open", gate, "--set", "replicas=10", code=2)
    assert "from 1 to 9" in told
    assert "answer with --set NAME=VALUE" in told
    assert "is frozen" in say("gate", "freeze", "--reason", "the fair")
    assert "the fair" in say("gate", "open", gate, "--set", "replicas=2", code=2)
    assert "thawed" in say("gate", "thaw")
    opened = say("gate", "open", gate, "--set", "replicas=2", "--comment", "go")
    assert f"staging of demo run {number} is opened" in opened
    assert f"staging of demo run {number} passed" in opened
    assert running.run(number)["state"] == "passed"
    assert "is tried again" in say("rerun", str(number), "tests")
    assert f"run {number + 1} started" in say("rerun", str(number))
    assert running.run(number + 1)["state"] == "waiting"
    assert "is cancelled" in say("cancel", str(number + 1))
    assert "is cancelled already" in say("cancel", str(number + 1), code=2)
    assert "there is no gate 99" in say("gate", "show", "99", code=2)


def test_manners(running):
    """What every endpoint does: 304, and a sentence for what is refused."""
    with running.client(admin=True) as client:
        before = {one["id"] for one in client.get(API + "audit?limit=500").json()["items"]}
        first = client.get(API + "runs")
        again = client.get(API + "runs", headers={"if-none-match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert client.get(API + "runs/demo/99").status_code == 404
        assert client.get(API + "runs?limt=3").json()["fields"] == {"limt": "is not known here"}
        assert client.get(API + "runs?limit=0").status_code == 400
        assert client.get(API + "runs?project=%ff").status_code == 400
        assert client.post(API + "runs", content=b"project=demo").status_code == 415
        as_json = {"content-type": "application/json"}
        assert client.post(API + "runs", content=b"{", headers=as_json).status_code == 400
        assert client.post(API + "runs", content=b"[" * 9999, headers=as_json).status_code == 400
        large = b'{"project": "' + b"x" * 300_000 + b'"}'
        assert client.post(API + "runs", content=large, headers=as_json).status_code == 413
        unknown = client.post(API + "runs", json={"project": "demo", "branch": "nowhere"})
        assert unknown.status_code == 400
        assert "nowhere" in unknown.json()["error"]
        foreign = {"origin": "https://evil.example.org"}
        assert client.post(API + "runs", json={"project": "demo"}, headers=foreign).is_client_error
        log = client.get(API + "runs/demo/1/stages/tests/log?lines=50").json()
        assert "tested" in log["text"]
        assert log["complete"]
        workers = client.get(API + "workers").json()
        assert [(one["name"], one["connected"]) for one in workers["workers"]] == [("local", True)]
        assert client.post(API + "workers/local/pause", json={}).json()["paused"] is True
        assert client.get(API + "workers").json()["workers"][0]["paused"] is True
        client.post(API + "workers/local/resume", json={"reason": "mended"})
        assert client.post(API + "polls", json={}).json()["projects"] == ["demo"]
        made = client.post(API + "tokens", json={"name": "a script", "roles": ["developer"]})
        assert made.status_code == 201, made.text
        trail = client.get(API + "audit?limit=500").json()["items"]
        assert made.json()["token"] not in str(trail)
        new = [one for one in trail if one["id"] not in before]
        asked = [(one["actor"], one["summary"]) for one in new if one["entity"] == "control"]
        assert asked == [("admin", what) for what in ("poll demo", "unpause local", "pause local")]
        assert client.get(API + "audit/verify").json()["whole"] is True
        assert client.get(API + "audit?format=csv").text.startswith("id,at,actor,")
    with running.client(admin=False) as stranger:
        assert stranger.get(API + "me").json()["anonymous"] is True
        for path in ("runs", "polls", "runs/demo/1/cancel", "workers/local/pause", "tokens"):
            body = {"project": "demo"} if path == "runs" else {}
            refused = stranger.post(API + path, json=body)
            assert refused.status_code == 401, path
            assert refused.json()["error"]
        assert stranger.get(API + "audit").status_code == 401
        assert stranger.get(API + "gates/1").json()["token"] is None
        bearer = {"authorization": f"Bearer {made.json()['token']}"}
        assert stranger.get(API + "me", headers=bearer).json()["may"]["run.start"] is True
        assert stranger.get(API + "audit", headers=bearer).status_code == 403


def test_pages_are_answered_while_nothing_can_be_written(running):
    """Somebody holds the database, and what the master would write waits for it."""
    with running.client(admin=True) as client, ThreadPoolExecutor() as threads:
        made = client.post(API + "tokens", json={"name": "a reader", "roles": ["developer"]})
        bearer = {"authorization": f"Bearer {made.json()['token']}"}
        # Its first use is written down beside it.
        assert client.get(API + "me", headers=bearer).status_code == 200
        wanted = {"name": "another", "roles": ["developer"]}
        with closing(connect(running, "rw", 60)) as other:
            other.execute("BEGIN IMMEDIATE")
            waiting = threads.submit(client.post, API + "tokens", json=wanted)
            # Twice: what is answered first may have come before it.
            pages = 2 * ("runs", "runs/demo/1", "gates", "tests", "tokens", "audit/verify", "me")
            with running.client(admin=True) as reader:
                for page in pages:
                    assert reader.get(API + page).status_code == 200, page
            with running.client(admin=False) as reader:
                assert reader.get(API + "runs", headers=bearer).status_code == 200
            assert not waiting.done()
            other.execute("ROLLBACK")
        assert waiting.result(timeout=60).status_code == 201
        names = [one["name"] for one in client.get(API + "tokens").json()["items"]]
        assert {"a reader", "another"} <= set(names)
