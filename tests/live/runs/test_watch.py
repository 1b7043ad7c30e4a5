"""A real site tells of its own troubles: a worker that does not come, a full disk, a long queue."""

from __future__ import annotations

import json
import sys

import pytest

from tests.support.far import expect_far, far_worker
from tests.support.machine import wait_for
from tests.support.site import command

pytestmark = pytest.mark.live

TAKE = "import sys; open(sys.argv[1], 'a').write(sys.stdin.read() + chr(10))"
WATCH = """
[site.watch]
worker-missing = "2s"
disk-low = "900000 TB"
queue-long = 1
queue-time = "1s"
"""


@pytest.fixture
def told(site):
    """Return what has been told so far, by its event."""
    file = site.folder / "told.jsonl"

    def look():
        lines = file.read_text().splitlines() if file.exists() else []
        return {one["event"]: one for one in map(json.loads, lines)}

    return look


def test_troubles_are_told_to_the_channel_once_and_a_worker_that_comes_is_back(site, told):
    words = [sys.executable, "-c", TAKE, str(site.folder / "told.jsonl")]
    events = '["worker-missing", "worker-back", "disk-low", "queue-long"]'
    site.write(
        "".join(command(name, "print(1)", runs_on='["far"]') for name in ("one", "two", "three"))
        + f'[notify.diary]\nkind = "command"\nargv = {json.dumps(words)}\nevents = {events}\n'
    )
    expect_far(site)
    with (site.folder / "pipeline.toml").open("a") as stream:
        stream.write(WATCH)
    site.up()
    wait_for(lambda: {"worker-missing", "disk-low", "queue-long"} <= told().keys(), site.said)
    found = told()
    assert found["worker-missing"]["worker"] == "far"
    assert found["worker-missing"]["title"] == "worker far is missing"
    assert found["worker-missing"]["url"] == f"{site.url}#/workers"
    assert found["disk-low"]["measure"]["bound"] == 9e17
    assert found["queue-long"]["measure"]["value"] == 3
    assert "worker-back" not in found
    with far_worker(site):
        wait_for(lambda: "worker-back" in told(), site.said)
    # What was missing is back; neither the disk nor the queue is told of again.
    lines = (site.folder / "told.jsonl").read_text().splitlines()
    events = [json.loads(one)["event"] for one in lines]
    assert sorted(events[:4]) == ["disk-low", "queue-long", "worker-back", "worker-missing"]
    assert events.count("disk-low") == events.count("queue-long") == 1
