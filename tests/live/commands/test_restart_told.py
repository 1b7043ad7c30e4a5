"""`slipway up` without a terminal, started a second time: what it says then is new."""

import pytest

from tests.live.conftest import LiveSite
from tests.support.machine import wait_for
from tests.support.site import command

pytestmark = pytest.mark.live


def test_old_results_are_not_told_as_new(site: LiveSite):
    site.write(command("make", "print(1)") + command("gate", "print(2)", "make", manual="true"))
    site.up()
    site.wait_for_run(1, "waiting")
    wait_for(lambda: "demo run 1: 0.0.0+1 waiting" in site.log.read_text(), site.said)
    site.down()
    before = len(site.log.read_text())
    site.up()
    assert site.run_slipway("trigger", "--no-wait").returncode == 0
    wait_for(lambda: "demo run 2: 0.0.0+2 waiting" in site.log.read_text(), site.said)
    told = site.log.read_text()[before:]
    assert "demo run 1" not in told
    assert "demo run 2 make: passed" in told
