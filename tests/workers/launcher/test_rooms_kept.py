"""The room of a tenant that deploys: kept as long as the worker is there, and made anew."""

from __future__ import annotations

import sys

import pytest

from tests.attack.worker.test_isolation import no_namespaces
from tests.workers.launcher.test_rooms import PROGRAM, Roomed, roomed, wait_until

__all__ = ["roomed"]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux" or no_namespaces() != "", reason="no namespaces"),
]
#: Ends what looks after the tenant's room.
KILLS = """import os, signal
for name in os.listdir('/proc'):
    if name.isdigit() and b'launcher.rooms' in open(f'/proc/{{name}}/cmdline', 'rb').read():
        os.kill(int(name), signal.SIGKILL)
"""


def test_what_a_deployment_starts_stays_and_the_next_one_sees_it(roomed: Roomed) -> None:
    tenant = "demo~deploy~there"
    # The folder is no release: it is refused before anything, and by the stage itself.
    work = roomed.place(tenant, PROGRAM, uses="deploy")
    code, said = roomed.stage(work, "stage", "deploy", "--settings", "../job.json").ended()
    assert (code, "bwrap" in said) == (2, False), said
    code, said = roomed.stage(roomed.place(tenant, PROGRAM)).ended()
    assert code == 0, said
    # Not by its mark alone: this was no deployment.
    assert not [one for one in roomed.processes() if "time.sleep" in " ".join(one.cmdline())]


def test_who_ends_its_kept_room_gets_another(roomed: Roomed) -> None:
    tenant = "demo~deploy~there"
    with roomed.stage(roomed.place(tenant, KILLS)) as stage:
        assert stage.wait(60) == 3
    with roomed.stage(roomed.place("shop", PROGRAM)) as stage:
        assert stage.ended()[0] == 0

    def again() -> bool:
        return roomed.stage(roomed.place(tenant, PROGRAM)).ended()[0] == 0

    wait_until(again)
