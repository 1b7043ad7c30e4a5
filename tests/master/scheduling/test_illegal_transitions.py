"""An illegal transition, which only a defect can bring about, holds no run and no other run up."""

from collections.abc import Mapping

import pytest
from buildbot.process.results import SUCCESS
from twisted.internet import defer

from slipway.ledger.transitions import IllegalRow
from slipway.master.scheduling.scheduler import PipelineScheduler
from slipway.model import states
from slipway.model.site import Project
from slipway.model.states import RunState

from .engine import Engine, make_ledger

STAGES = {
    "a": {"uses": "command", "argv": ["true"]},
    "b": {"uses": "command", "argv": ["true"], "needs": ["a"]},
}


class Forgetting:
    """A gate service that has nothing to forget."""

    async def forget(self):
        pass


class Scheduler(PipelineScheduler):
    """The real one's joins, on the engine's ledger and requests."""

    def __init__(self, engine):
        self.engine, self.transitions, self.gates = engine, engine.transitions, Forgetting()

    async def dispatch(self, work, *arguments, **options):
        return self.engine.dispatch(work, *arguments, **options)

    async def ended(self, request_id):
        self.engine.requests[request_id].update(complete=True, results=SUCCESS)
        await self._ended(request_id, SUCCESS)


@pytest.fixture
def engine():
    ledger = make_ledger()
    yield Engine(ledger, "demo", Project(repository="x", stages=STAGES))
    ledger.dispose()


@pytest.fixture
def forbid(monkeypatch):
    """Return what takes transitions of a kind out of the table, as a defect would."""

    def take(kind, old, *allowed):
        table: Mapping = {**states.LEGAL, kind: {**states.LEGAL[kind], old: allowed}}
        monkeypatch.setattr(states, "LEGAL", table)

    return take


def wait(work):
    done = []
    defer.ensureDeferred(work).addCallbacks(done.append, done.append)
    (result,) = done
    return result


def test_a_run_that_cannot_end_as_it_should_has_failed(engine, forbid):
    engine.start()
    for name in ("a", "b"):
        (request,) = engine.waiting()
        engine.begin(request)
        if name == "b":
            forbid(RunState, RunState.RUNNING, RunState.FAILED)
            stage_id = engine.requests[request]["stage"]
            with pytest.raises(IllegalRow):
                engine.say(request, 0)
            wait(Scheduler(engine)._passed(stage_id))
        else:
            engine.say(request, 0)
    ((state, attempts),) = engine.runs()
    assert (state, attempts["b", "", 1][0]) == ("failed", "passed")


def test_a_stage_whose_end_cannot_be_followed_up_has_failed(engine, forbid):
    engine.start()
    engine.begin(1)
    forbid(RunState, RunState.RUNNING, RunState.FAILED, RunState.WAITING)
    forbid(states.StageState, "running", "failed")
    # Its script has passed, and the master died before it could say so.
    assert wait(Scheduler(engine).ended(1)) is None
    ((state, attempts),) = engine.runs()
    assert (state, attempts["a", "", 1][0]) == ("failed", "failed")
    # Nothing of it is left open, and the next run goes on as ever.
    assert engine.waiting() == engine.working() == []
