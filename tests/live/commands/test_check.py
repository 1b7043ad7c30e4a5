"""`slipway check` beside a running master: which workers are there."""

import pytest

from tests.live.conftest import LiveSite
from tests.support.site import command

pytestmark = pytest.mark.live

FAR = """
[workers.far]
labels = ["windows"]
password = { env = "FAR_PASSWORD" }
"""


def test_a_stage_whose_worker_is_away_is_warned_about(site: LiveSite):
    site.env["FAR_PASSWORD"] = "correct horse battery staple"
    site.write(command("near", "print(1)") + command("far", "print(2)", runs_on='["windows"]'))
    config = site.folder / "pipeline.toml"
    config.write_text(config.read_text() + FAR)
    told = "project.demo.stages.far: far would wait: of the workers that could run it, far, none is"
    assert told not in site.run_slipway("check").stderr
    site.up()
    site.wait_for_stage(1, "near", "passed")
    done = site.run_slipway("check")
    assert (done.returncode, told in done.stderr, "near" in done.stderr) == (0, True, False)
    assert site.run_slipway("check", "--strict").returncode == 2
