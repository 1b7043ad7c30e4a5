"""Transactions that write take turns from their beginning, in the master and across processes."""

import asyncio
import threading
import time
from types import MappingProxyType, SimpleNamespace

import pytest

from slipway.ledger import run_state, runs
from slipway.ledger.database.session import LedgerSession
from slipway.ledger.tables.runs import Run
from slipway.master.ledger_service import LedgerService
from slipway.model.states import StageState


class Pool:
    """Buildbot's pool with its two ways in, on asyncio's threads."""

    def __init__(self, engine):
        self.engine = engine

    async def do_with_transaction(self, work):
        def in_thread():
            with self.engine.begin() as connection:
                return work(connection)

        return await asyncio.to_thread(in_thread)


class LooseLedger(LedgerService):
    """A ledger whose master is given, not found by way of its parent."""

    master = None
    _pipelines = MappingProxyType({})
    _upgraded = True


@pytest.fixture
def ledger(engine):
    made = LooseLedger.__new__(LooseLedger)
    queue = SimpleNamespace(produce=lambda key, message: None)
    made.master = SimpleNamespace(db=SimpleNamespace(pool=Pool(engine)), mq=queue)
    return made


@pytest.mark.slow
def test_two_needs_that_end_at_once_start_what_waits_for_both(
    ledger, engine, start_in, make_stages
):
    stages = make_stages(one=(), other=(), join=("one", "other"))
    with LedgerSession(engine) as session:
        run = start_in(session)
        for result in runs.queue_ready(session, run, stages, 1.0):
            runs.begin(result, 1, "local", 2.0)
        session.commit()
        run_id = run.id

    def finish(session, name):
        run = session.get_one(Run, run_id)
        result = run_state.counting(run)[name, ""]
        time.sleep(0.1)
        runs.finish(result, StageState.PASSED, 3.0, 0)
        return [one.name for one in runs.queue_ready(session, run, stages, 3.0)]

    async def both():
        return await asyncio.gather(ledger.call(finish, "one"), ledger.call(finish, "other"))

    assert sorted(asyncio.run(both())) == [[], ["join"]]


def test_who_only_reads_waits_for_nobody(ledger, engine, start_in):
    with LedgerSession(engine) as session:
        start_in(session)
        session.commit()
    order, begun, seen = [], threading.Event(), threading.Event()

    def write(session):
        run = session.query(Run).one()
        order.append("writing")
        begun.set()
        assert seen.wait(30)
        run.subject = "changed"
        session.flush()
        order.append("written")

    def read(session):
        order.append(session.query(Run).one().subject)
        seen.set()

    async def both():
        writing = asyncio.create_task(ledger.call(write))
        await asyncio.to_thread(begun.wait)
        await ledger.read(read)
        await writing

    asyncio.run(both())
    assert order == ["writing", "a subject", "written"]
