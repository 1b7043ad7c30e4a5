"""The forms of a graph on a real master: cells, skips, what failure sets off, what people do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.live.conftest import LiveSite
from tests.support.machine import wait_for
from tests.support.site import command

pytestmark = pytest.mark.live

API = "plugins/slipway/api/"
TELL = (
    "import os, pathlib, time; began = time.time(); time.sleep(1);"
    " cell = os.environ.get('SLIPWAY_MATRIX_NUMBER') or os.environ['SLIPWAY_SHARD'];"
    " pathlib.Path({log!r}, {name!r} + cell).write_text(f'{{began}} {{time.time()}}')"
)
ONCE = (
    "import os, pathlib, sys; file = pathlib.Path({log!r}, 'mended');"
    " sys.exit(os.environ['SLIPWAY_MATRIX_NUMBER'] == '2' and not file.exists())"
)
WAIT = "import pathlib, time\nwhile not pathlib.Path({log!r}, 'go').exists(): time.sleep(0.05)"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    folder = tmp_path / "log"
    folder.mkdir()
    return folder


def stages_of(site: LiveSite, number: int) -> dict[str, str]:
    return {name: one["state"] for name, one in site.run(number)["stages"].items()}


def post(site: LiveSite, path: str, **body: Any) -> None:
    with site.client(admin=True) as admin:
        answer = admin.post(API + path, json=body)
        assert answer.status_code in {200, 201}, answer.text


def test_cells_and_what_failure_sets_off(site: LiveSite, log: Path) -> None:
    """Cells run side by side and are told which they are; each kind of failure has its meaning."""
    site.write(
        command("table", TELL.format(log=str(log), name="table"), matrix="{ number = [1, 2] }")
        + command("parts", TELL.format(log=str(log), name="parts"), "table", shards="2")
        + command("may", "raise SystemExit(1)", "table", allow_failure="true")
        + command("after", "print('after')", "parts", "may")
        + command("once", ONCE.format(log=str(log)), "table", matrix="{ number = [1, 2] }")
        + command("then", "print('then')", "once")
        + command("clean", "print('clean')", on_failure='["once"]')
        + command("gone", "", "table", retries="2").replace(
            "argv = [", 'argv = ["no-such-program", '
        )
    )
    site.up()
    first = site.wait_for_run(1)
    assert first["state"] == "failed"
    assert {name: one["state"] for name, one in first["stages"].items()} == {
        **dict.fromkeys(("table[1]", "table[2]", "parts[1of2]", "parts[2of2]"), "passed"),
        **dict.fromkeys(("after", "clean", "once[1]"), "passed"),
        **dict.fromkeys(("may", "gone", "once[2]"), "failed"),
    }
    spans = [sorted(map(float, file.read_text().split())) for file in log.glob("table*")]
    (_, end), (start, _) = sorted(spans)
    assert start < end, "the cells ran one after the other"
    assert {file.name for file in log.glob("parts*")} == {"parts1", "parts2"}
    assert (first["stages"]["gone"]["attempt"], first["stages"]["gone"]["exit_code"]) == (3, 3)

    (log / "mended").touch()
    post(site, "runs/demo/1/stages/once/rerun", cell="2")
    site.wait_for_stage(1, "then", "passed")
    assert site.run(1)["stages"]["once[1]"]["attempt"] == 1
    post(site, "runs/demo/1/stages/once/rerun", from_here=True)
    wait_for(
        lambda: (
            site.run(1)["stages"].get("then", {}).get("attempt") == 2
            and site.run(1)["stages"]["then"]["state"] == "passed"
        ),
        site.said,
    )
    assert site.run(1)["stages"]["once[1]"]["attempt"] == 2


def test_skips_take_what_was_left_before(site: LiveSite) -> None:
    """Nothing in the paths has changed: the stage is skipped, its artefact is the earlier run's."""
    make = "import pathlib, time; pathlib.Path('out.txt').write_text(str(time.time()))"
    look = (
        "import json, os, pathlib; (made,) = json.loads(os.environ['SLIPWAY_INPUTS']);"
        " print('made at', pathlib.Path(made).read_text())"
    )
    site.write(
        command("make", make, artefacts='["out.txt"]', if_changed='["lib/**"]')
        + command("look", look, "make")
    )
    site.up()
    site.wait_for_run(1)
    site.commit("notes alone")
    assert site.run_slipway("poll").returncode == 0
    second = site.wait_for_run(2)
    assert (second["state"], stages_of(site, 2)) == (
        "passed",
        {"make": "skipped", "look": "passed"},
    )
    assert second["stages"]["make"]["summary"] == "nothing in lib/** changed since run 1"
    (site.repository / "lib").mkdir()
    (site.repository / "lib" / "code").touch()
    site.commit("the library")
    assert site.run_slipway("poll").returncode == 0
    site.wait_for_run(3)
    assert stages_of(site, 3) == {"make": "passed", "look": "passed"}


def test_runs_that_are_ended(site: LiveSite, log: Path) -> None:
    """Fail-fast, a newer run, and a person each end what they should, and nothing else."""
    site.write(
        "fail-fast = true\nsupersede = true\n"
        + command("slow", WAIT.format(log=str(log)))
        + command("next", "print('next')", "slow")
        + command("bad", f"import pathlib; assert not pathlib.Path({str(log)!r}, 'bad').exists()")
        + command("clean", "print('clean')", on_failure='["bad"]')
    )
    site.up()
    site.wait_for_stage(1, "slow", "running")
    post(site, "runs/demo/1/cancel", reason="enough")
    first = site.wait_for_run(1)
    assert (first["state"], stages_of(site, 1)["slow"]) == ("cancelled", "cancelled")
    assert first["stages"]["slow"]["summary"] == "cancelled by admin: enough"

    post(site, "runs", project="demo")
    site.wait_for_stage(2, "slow", "running")
    site.wait_for_stage(2, "bad", "passed")
    (log / "bad").touch()
    post(site, "runs", project="demo")
    third = site.wait_for_run(3)
    assert third["state"] == "failed"
    wait_for(lambda: stages_of(site, 3).get("clean") == "passed", site.said)
    assert stages_of(site, 3) == {"slow": "cancelled", "bad": "failed", "clean": "passed"}
    assert "fail-fast" in third["stages"]["slow"]["summary"]

    assert stages_of(site, 2)["slow"] == "running", "what runs is left alone"
    (log / "go").touch()
    second = site.wait_for_run(2)
    assert second["state"] == "cancelled"
    wait_for(lambda: stages_of(site, 2) == {"slow": "passed", "bad": "passed"}, site.said)
