"""Runs that are killed at every turn end as if nothing had been: the master, the worker, both.

A killer watches the ledger and strikes a moment after something has changed in it. In the end each
run is compared with one that was left alone.
"""

from __future__ import annotations

import itertools
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial

import pytest

from tests.live.conftest import LiveSite
from tests.support.machine import wait_for
from tests.support.pair import Pair
from tests.support.victim import Victim, check_effects, check_folders, finish, shape, strike

pytestmark = pytest.mark.live

#: `make kills` takes 200.
KILLS = int(os.environ.get("SLIPWAY_KILLS", "8"))
SEED = int(os.environ.get("SLIPWAY_SEED", str(time.time_ns() % 100_000)))
_WAYS = (
    ("kill", signal.SIGKILL, ("master",)),
    ("kill", signal.SIGKILL, ("worker",)),
    ("kill", signal.SIGKILL, ("master", "worker")),
    ("stop", signal.SIGTERM, ("master",)),
    ("restart", signal.SIGTERM, ("worker", "master")),
)


@pytest.fixture
def victim(site: LiveSite) -> Iterator[tuple[Victim, Pair]]:
    made, pair = Victim(site), Pair(site)
    pair.start("master", "worker")
    yield made, pair
    pair.end(signal.SIGTERM, "worker", "master")
    # A git that was just being started is told of its parent's end a moment later.
    wait_for(lambda: not site.processes(), lambda: f"left running: {site.processes()}")


def test_kills_leave_no_trace(victim: tuple[Victim, Pair]) -> None:
    """Whatever is killed whenever: each stage passes once, one release, one deployment a run."""
    it, pair = victim
    finish(it, SEED)
    undisturbed = shape(it, 1)
    dice, struck = random.Random(SEED), Counter[str]()
    began = time.monotonic()
    ways = itertools.cycle(_WAYS)
    for _ in range(KILLS):
        what, number, names = next(ways)
        seen = strike(it, dice, SEED, partial(pair.end, number, *names))
        struck[f"{what} {' and '.join(names)}"] += 1
        struck[f"struck at {seen}"] += 1
        pair.start(*names)
    finish(it, SEED)
    runs = len(it.states())
    print(f"\n{KILLS} kills, {runs} runs, {time.monotonic() - began:.0f} s, seed {SEED}")
    print("\n".join(f"{count:5} {what}" for what, count in sorted(struck.items())))
    for number in range(1, runs + 1):
        assert shape(it, number) == undisturbed, f"run {number}, seed {SEED}"
        check_effects(it, number)
    check_folders(it, runs)
