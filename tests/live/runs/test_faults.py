"""Runs survive what happens to machines: suspended, disk full, database locked or gone, clock set.

Kills go on meanwhile. In the end each run is compared with one that was left alone: nothing is
lost, nothing is done twice, nothing is stuck.
"""

from __future__ import annotations

import itertools
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial

import pytest

from slipway.scripts.postgresql import cluster
from tests.live.conftest import LiveSite
from tests.support.faults import (
    Clock,
    full_disk,
    locked_database,
    may_mount,
    restarted_postgresql,
    small_disk,
    stop_postgresql,
    stopped,
)
from tests.support.machine import wait_for
from tests.support.pair import Pair
from tests.support.victim import Victim, check_effects, check_folders, finish, shape, strike

#: `make faults` runs them: what a machine suffers takes long, the longer the busier it is.
pytestmark = [pytest.mark.live, pytest.mark.slow, pytest.mark.attack]

#: `make faults` takes 100, and suspends a worker for a minute.
FAULTS = int(os.environ.get("SLIPWAY_FAULTS", "7"))
SUSPENDED = float(os.environ.get("SLIPWAY_SUSPENDED", "5"))
SEED = int(os.environ.get("SLIPWAY_SEED", str(time.time_ns() % 100_000)))
#: Names of faults, with commas; else all of them in turn.
ONLY = os.environ.get("SLIPWAY_ONLY", "")
#: Seconds. SQLite waits for a lock for 5, and Buildbot tries again after 1.
LOCKED, FULL, AWAY = 8.0, 4.0, 3.0
MEGABYTES = 400


class Ground:
    """A site, its processes, and the faults that this machine can make."""

    def __init__(self, site: LiveSite, stack: ExitStack, server: cluster.Server | None) -> None:
        self.site = site
        self.victim = Victim(site)
        if server is None and may_mount():
            stack.enter_context(small_disk(site.state, MEGABYTES))
        self.pair = Pair(site)
        self.faults: dict[str, Callable[[], None]] = {
            "kill master": partial(self.kill, "master"),
            "suspend worker": partial(stopped, self.pair, "worker", SUSPENDED),
            "lock database": partial(locked_database, site, LOCKED),
            "kill worker": partial(self.kill, "worker"),
            "suspend master": partial(stopped, self.pair, "master", 3.0),
        }
        if server is not None:
            self.faults["restart PostgreSQL"] = partial(restarted_postgresql, server, AWAY)
            stack.callback(stop_postgresql, server)
        elif may_mount():
            self.faults["fill disk"] = partial(full_disk, site, FULL)
            self.victim.forgives = True
        clock, hours = Clock(site.folder), itertools.cycle([1, 0, -1, 0])
        self.pair.preamble = clock.preamble
        self.faults["set clock"] = lambda: clock.set(next(hours))
        if ONLY:
            self.faults = {name: self.faults[name] for name in ONLY.split(",")}

    def kill(self, name: str) -> None:
        self.pair.end(signal.SIGKILL, name)
        self.pair.start(name)


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def ground(request: pytest.FixtureRequest, site: LiveSite) -> Iterator[Ground]:
    with ExitStack() as stack:
        server = None
        if request.param == "PostgreSQL":
            server = stack.enter_context(cluster.started())
            site.database = server.url("postgres")
        made = Ground(site, stack, server)
        made.pair.start("master", "worker")
        yield made
        made.pair.end(signal.SIGTERM, "worker", "master")
        wait_for(lambda: not site.processes(), lambda: f"left running: {site.processes()}")


def test_faults_leave_no_trace(ground: Ground) -> None:
    """Whatever happens whenever: each stage passes once, one release, one deployment a run."""
    it, dice, struck = ground.victim, random.Random(SEED), Counter[str]()
    finish(it, SEED)
    undisturbed = shape(it, 1)
    began = time.monotonic()
    for _, (name, fault) in zip(
        range(FAULTS), itertools.cycle(ground.faults.items()), strict=False
    ):
        strike(it, dice, SEED, fault)
        struck[name] += 1
    finish(it, SEED)
    runs = len(it.states())
    print(f"\n{FAULTS} faults, {runs} runs, {time.monotonic() - began:.0f} s, seed {SEED}")
    print("\n".join(f"{count:5} {what}" for what, count in sorted(struck.items())))
    for number in range(1, runs + 1):
        assert shape(it, number) == undisturbed, f"run {number}, seed {SEED}"
        check_effects(it, number, clock=3600.0 if "set clock" in struck else 0.0)
    check_folders(it, runs)
