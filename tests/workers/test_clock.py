"""Timers keep their time when the machine's clock is set, forward or back."""

import subprocess
import sys

import pytest

#: A process of its own: its clock is set, and a reactor runs once a process.
PROGRAM = """
import sys, time
true, ahead = time.time, [0.0]
time.time = lambda: true() + ahead[0]
from twisted.internet import reactor
from slipway.workers import clock
clock._PAUSE = 0.3
FRESH_LONG = 3000
watch = clock.ClockWatch(reactor)
watch.startService()
moved = clock.log.addObserver(lambda said: "clock was set" in str(said) and gone.append("moved"))
began, jump, gone = time.monotonic(), float(sys.argv[1]), []
def look():
    fresh = [one for one in gone if one[0] == "fresh"]
    if "moved" in gone and fresh and ("soon" in gone or jump > 0):
        reactor.stop()
reactor.callLater(2.0, gone.append, "soon")
far = reactor.callLater(5400, gone.append, "far")
def set_clock():
    # Two are made before anybody has looked at the clock.
    ahead[0] = jump
    reactor.callLater(0.5, lambda: gone.append(("fresh", time.monotonic() - set_at)))
    set_at = time.monotonic()
    reactor.callLater(FRESH_LONG, gone.append, "never")
reactor.callLater(0.7, set_clock)
# Events, such as a worker's messages, are what still wakes a reactor whose timers stand still.
import threading
def poke():
    while True:
        time.sleep(0.05)
        reactor.callFromThread(look)
threading.Thread(target=poke, daemon=True).start()
reactor.run()
(_, fresh), = [one for one in gone if one[0] == "fresh"]
assert "never" not in gone
print(time.monotonic() - began, far.getTime() - reactor.seconds(), fresh)
"""


def run(jump):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(jump)],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    passed, left, fresh = map(float, done.stdout.split())
    # What was made after the clock was set is by the new one, whoever has looked at it by then.
    assert 0.4 < fresh < 60
    return passed, left


@pytest.mark.slow
def test_a_clock_that_is_set_back_keeps_no_timer_waiting():
    passed, left = run(-3600)
    assert 1.9 <= passed < 60
    assert 5300 < left < 5400


@pytest.mark.slow
def test_a_clock_that_is_set_forward_takes_nothing_of_a_long_timer():
    passed, left = run(3600)
    assert passed < 60
    assert 5300 < left <= 5400
