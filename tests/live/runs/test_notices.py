"""Notices of a real site: what happened comes to the channel, once, whatever is ended meanwhile."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.support.machine import wait_for
from tests.support.site import command

pytestmark = pytest.mark.live

#: Adds each notice to a file; while another file is there it fails.
TAKE = """
import json, pathlib, sys
told, away = map(pathlib.Path, sys.argv[1:])
if away.exists():
    print("the server is away", file=sys.stderr)
    sys.exit(1)
with told.open("a") as stream:
    stream.write(sys.stdin.read() + chr(10))
print("taken")
"""
EVIL = "Subject\rBcc: all@example.org \u202etxt.exe\x1b[31m"


@pytest.fixture
def told(site):
    file = site.folder / "told.jsonl"
    (site.folder / "take.py").write_text(TAKE)

    def look(count=0):
        def read():
            lines = file.read_text().splitlines() if file.exists() else []
            return lines if len(lines) >= count else None

        return [json.loads(one) for one in wait_for(read, site.said) or []]

    return look


def notifier(site, **more):
    words = [sys.executable, *(str(site.folder / one) for one in ("take.py", "told.jsonl", "away"))]
    keys = "".join(f"{key} = {json.dumps(value)}\n" for key, value in more.items())
    return f'[notify.diary]\nkind = "command"\nargv = {json.dumps(words)}\n{keys}'


def test_runs_are_told_with_what_failed_and_by_whom(site, told):
    site.write(
        command("look", "import os, sys; print('all broken'); sys.exit(os.path.exists('bad'))")
        + notifier(site)
    )
    site.up()
    site.wait_for_run(1)
    (first,) = told(1)
    assert (first["event"], first["run"], first["schema"]) == ("run-passed", 1, 1)
    assert first["url"] == f"{site.url}#/pipelines/demo/1"
    assert len(first["key"]) == 40

    (site.repository / "bad").write_text("")
    site.commit(EVIL)
    assert site.run_slipway("trigger", "--no-wait").returncode == 0
    site.wait_for_run(2)
    second = told(2)[1]
    assert (second["event"], second["stage"]) == ("run-failed", "look")
    assert second["thread"] != first["thread"]
    assert "all broken" in second["logs"][0]["text"]
    assert "\r" not in second["subject"]
    assert not set(json.dumps(second, ensure_ascii=False)) & {"\r", "\u202e", "\x1b", "\0"}
    assert [one["commits"] for one in second["blamed"]] == [1]

    (site.repository / "bad").unlink()
    site.commit("Mended")
    assert site.run_slipway("trigger", "--no-wait").returncode == 0
    site.wait_for_run(3)
    assert told(3)[2]["event"] == "run-fixed"


def test_what_happened_while_the_server_was_away_comes_after_the_master_was_killed(site, told):
    (site.folder / "away").write_text("")
    site.write(command("look", "print('fine')") + notifier(site))
    site.up()
    site.wait_for_run(1)
    log = site.state / "master" / "twistd.log"
    wait_for(lambda: "the server is away" in log.read_text(errors="replace"), site.said)
    site.master().kill()
    site.process.wait(60)
    Path(site.folder / "away").unlink()
    site.up()
    (only,) = told(1)
    assert only["event"] == "run-passed"
    # It is known to be sent: another start sends nothing.
    site.down()
    site.up()
    site.wait_for_run(1)
    assert len(told(1)) == 1
