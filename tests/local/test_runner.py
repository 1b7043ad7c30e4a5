"""`slipway run` and the ledger: any graph, any exit codes, and both do the same."""

from __future__ import annotations

import itertools
import os
import threading
from pathlib import Path
from typing import Any

import pytest
from buildbot.process.results import FAILURE, SUCCESS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slipway.local.runner import LocalRun, Outcome
from slipway.local.working_tree import Trip
from slipway.model import run_state as rules
from slipway.model.cell import cells
from slipway.model.protocol.event import AnyEvent
from slipway.model.protocol.job import RunFacts
from slipway.model.site import Project
from slipway.model.states import StageState
from tests.master.scheduling.engine import Engine, make_ledger
from tests.master.scheduling.world import _stage, graphs

#: More of them, and others each time: SLIPWAY_EXAMPLES=2000.
_SEARCH = int(os.environ.get("SLIPWAY_EXAMPLES", "0"))
_COUNT = itertools.count()
FACTS = RunFacts(number=1, revision="", branch="", committed_at=1, version="1.0")

Codes = dict[tuple[str, str], list[int]]


class Simulated(LocalRun):
    """A run whose scripts end as they are told to, each in its pool's thread."""

    def __init__(self, project: Project, codes: Codes) -> None:
        self.codes, self.order, self.told = codes, [], []
        self._noted = threading.Lock()
        trip = Trip("demo", project, Path(), Path(), FACTS)
        super().__init__(trip, list(project.stages), self.tell)

    def tell(self, title: str, event: AnyEvent) -> None:
        self.told.append((title, event))

    def do(self, outcome: Outcome) -> None:
        with self._noted:
            self.order.append((outcome.name, outcome.cell.name))
            for name in self.trip.project.stages[outcome.name].needs:
                assert rules.met(self.have, name, self.stages), f"{outcome.name} before {name}"
        key = (outcome.name, outcome.cell.name)
        outcome.exit_code = self.codes[key][outcome.tries]
        if outcome.state == StageState.CANCELLED:
            return
        outcome.enter(StageState.RUNNING, "it begins")
        outcome.enter(StageState("failed" if outcome.exit_code else "passed"), "it ends")


@pytest.fixture(scope="module")
def ledger():
    made = make_ledger()
    yield made
    made.dispose()


def made(graph: dict[str, dict[str, Any]], *, fail_fast: bool = False) -> Project:
    stages = {name: _stage(keys) for name, keys in graph.items()}
    return Project.model_validate({"repository": "x", "fail-fast": fail_fast, "stages": stages})


def on_a_master(ledger: Any, project: Project, codes: Codes) -> tuple[str, dict[Any, str]]:
    """Run it in the ledger; return the run's state and those of the newest attempts."""
    engine = Engine(ledger, f"local{next(_COUNT)}", project)
    engine.start()
    while engine.waiting():
        request = engine.waiting()[0]
        _, name, cell, attempt = engine.ids()[engine.requests[request]["stage"]]
        assert engine.begin(request)
        code = codes[name, cell][attempt - 1]
        engine.say(request, code)
        engine.end(request, FAILURE if code else SUCCESS)
    ((state, attempts),) = engine.runs()
    newest: dict[Any, tuple[int, str]] = {}
    for (name, cell, attempt), (told, stale) in attempts.items():
        if not stale and attempt > newest.get((name, cell), (0, ""))[0]:
            newest[name, cell] = (attempt, told)
    return state, {key: told for key, (_, told) in newest.items()}


@pytest.mark.slow
@settings(
    max_examples=_SEARCH or 40,
    deadline=None,
    # The same examples each time: a suite that fails by chance tells nothing.
    derandomize=not _SEARCH,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(st.data(), graphs())
def test_a_run_here_is_what_a_run_on_a_master_is(ledger, data, graph):
    # A person is needed for these; `slipway run` is that person.
    project = made({name: {**keys, "manual": False} for name, keys in graph.items()})
    codes = {
        (name, cell.name): data.draw(
            st.lists(st.sampled_from((0, 0, 1, 3)), min_size=3, max_size=3)
        )
        for name, stage in project.stages.items()
        for cell in cells(stage)
    }
    here = Simulated(project, codes)
    code = here.run(data.draw(st.integers(1, 3)))
    state, attempts = on_a_master(ledger, project, codes)
    tried = {key: one.state for key, one in here.outcomes.items() if one.state != "skipped"}
    assert tried == attempts
    assert (code != 0) == (state == "failed")
    assert rules.verdict({k: here.outcomes[k] for k in tried}, here.stages) == state
    never = [one for key, one in here.outcomes.items() if key not in attempts]
    assert all(one.summary for one in never), "each of these says why it did not start"


def test_the_first_failure_ends_the_others_where_that_is_asked():
    graph = {"bad": {}, "next": {}, "clean": {"on_failure": ("bad",)}, "late": {"needs": ("next",)}}
    codes = {(name, ""): [0] for name in graph} | {("bad", ""): [1]}
    here = Simulated(made(graph, fail_fast=True), codes)
    assert here.run(1) == 1
    states = {name: one.state for (name, _), one in here.outcomes.items()}
    assert states["bad"] == "failed"
    assert states["clean"] == "passed"
    # One at a time: when the first has failed, the second may have passed or was cancelled.
    assert states["next"] in {"passed", "cancelled"}
    if states["next"] == "cancelled":
        assert here.outcomes["next", ""].summary == "bad failed (fail-fast)"
        assert states["late"] == "skipped"
