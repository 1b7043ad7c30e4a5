"""Many services wait for one start."""

from types import SimpleNamespace

from twisted.internet import defer, task

from slipway.master.scheduling.startup_barrier import wait_for_start


def test_a_thousand_wait_and_none_is_lost():
    clock, started = task.Clock(), []
    master = SimpleNamespace(initLock=defer.DeferredLock(), reactor=clock)
    master.initLock.acquire()

    async def service(number):
        await wait_for_start(master)
        started.append(number)

    failures = []
    for number in range(1000):
        defer.ensureDeferred(service(number)).addErrback(failures.append)
    assert started == []
    master.initLock.release()
    for _ in range(1001):
        clock.advance(0)
    assert (started, failures) == (list(range(1000)), [])
    assert not master.initLock.locked


def test_who_is_stopped_waits_no_longer_and_takes_nothing():
    clock, told = task.Clock(), []
    master = SimpleNamespace(initLock=defer.DeferredLock(), reactor=clock)
    master.initLock.acquire()
    stopped, other = wait_for_start(master), wait_for_start(master)
    stopped.addCallback(told.append)
    other.addCallback(told.append)
    stopped.cancel()
    assert told == [False]
    master.initLock.release()
    stopped.cancel()
    clock.advance(0)
    assert told == [False, True]
    assert not master.initLock.locked
