"""Evidence of a failed scenario is on the run's page while the stage still runs."""

from __future__ import annotations

import base64
import re
from html import unescape
from typing import Any

import pytest

from tests.live.conftest import LiveSite
from tests.support.machine import wait_for

pytestmark = [pytest.mark.live, pytest.mark.slow]

FEATURE = """Feature: Evidence
  Scenario: seen at once
    Given a picture is kept
    And "one" is "two"
  Scenario: goes on
    Given somebody lets it go on
"""
STEPS = """
import pathlib, struct, time, zlib
from behave import given

def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

def png(side, rows):
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    data = zlib.compress(rows, 0)
    mark = bytes([0x89]) + b"PNG" + bytes([13, 10, 26, 10])
    return mark + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")

@given("a picture is kept")
def picture(context):
    rows = b"".join(bytes(1) + bytes([n, 90, 200]) * 200 for n in range(200))
    context.attach("image/png", png(200, rows))
    context.attach("text/html", b"<script>alert('the page')</script>")

@given('"{one}" is "{two}"')
def same(context, one, two):
    assert one == two, f"{one} is not {two} <b>"

@given("somebody lets it go on")
def waits(context):
    end = time.monotonic() + 60
    while not pathlib.Path(GATE).exists():
        assert time.monotonic() < end, "nobody did"
        time.sleep(0.05)
"""
STAGE = '[project.demo.stages.features]\nuses = "features"\njobs = 1\n'


def _begin(site: LiveSite) -> None:
    """Start a site whose features fail first and then wait for the file `go`."""
    steps = f"GATE = {str(site.folder / 'go')!r}\n{STEPS}"
    folder = site.repository / "features" / "steps"
    folder.mkdir(parents=True)
    (folder / "all.py").write_text(steps)
    (folder.parent / "evidence.feature").write_text(FEATURE)
    site.commit("features")
    site.write(STAGE)
    site.up()


def _page(client: Any, build: int = 1) -> str:
    """Return the log of failures as Buildbot's page gets it; empty as long as no block is whole.

    Buildbot stores a log piece by piece, a long line by itself.
    """
    answer = client.get(f"api/v2/builds/{build}/steps/features/logs/failures/contents")
    chunks = answer.json().get("logchunks", []) if answer.status_code == 200 else []
    page = str(chunks[0]["content"] or "") if chunks else ""
    return page if page.endswith("</div>\n") else ""


def _summary(client: Any) -> str:
    answer = client.get("api/v2/builds/1/steps/features").json()
    return str(answer["steps"][0]["state_string"])


def test_a_failure_is_seen_while_the_stage_runs(site: LiveSite) -> None:
    _begin(site)
    with site.client(admin=False) as anyone:
        page = wait_for(lambda: _page(anyone), site.said)
        build = anyone.get("api/v2/builds/1").json()["builds"][0]
        assert not build["complete"]
        assert site.run(1)["stages"]["features"]["state"] == "running"
        wait_for(lambda: "1/2 scenarios, 1 failed" in _summary(anyone), lambda: _summary(anyone))
        (site.folder / "go").touch()
        run = site.wait_for_run(1)
        ended = _page(anyone)
        sets = anyone.get("api/v2/builds/1/test_result_sets").json()["test_result_sets"]
    _shows_all(page)
    assert ended == page
    assert run["state"] == "failed"
    assert [(one["tests_passed"], one["tests_failed"]) for one in sets] == [(1, 1), (0, 1)]
    stored = {path.read_bytes()[:4] for path in (site.state / "store").glob("??/*")}
    assert {b"\x89PNG", b"<scr", b"<!do"} <= stored


def _shows_all(page: str) -> None:
    (data,) = re.findall(r'src="data:image/png;base64,([^"]*)"', page)
    picture = base64.b64decode(data)
    assert picture.startswith(b"\x89PNG")
    assert len(picture) > 100_000
    assert "features/evidence.feature:2" in page
    assert "Evidence: seen at once" in page
    told = unescape(page)
    assert 'Given "one" is "two"' in told or 'one" is' in told
    assert "one is not two &lt;b&gt;" in page
    assert "<script>alert('the page')" in told
    assert "<script" not in page


def test_a_worker_that_dies_amid_it(site: LiveSite) -> None:
    """Nothing hangs: the stage runs again, and shows its failure again."""
    _begin(site)
    with site.client(admin=False) as anyone:
        wait_for(lambda: _page(anyone), site.said)
    site.worker().kill()
    wait_for(lambda: "the worker local ended (killed by SIGKILL)" in site.said(), site.said)
    with site.client(admin=False) as anyone:
        again = wait_for(lambda: _page(anyone, 2), site.said)
        (site.folder / "go").touch()
        run = site.wait_for_run(1)
    _shows_all(again)
    assert run["stages"]["features"]["state"] == "failed"
