"""Guesses of passwords: slowed down, and in nobody's way who knows theirs."""

import pytest
from twisted.internet import defer, task

from slipway.master.access.login_throttle import Attempt, Throttle
from slipway.master.access.session_marks import Sessions
from slipway.model.access import Unknown


@pytest.fixture
def clock():
    return task.Clock()


@pytest.fixture
def throttle(clock):
    return Throttle(clock)


def turn(throttle, name="ann", address="a", **more):
    """Begin an attempt: fired once it may be checked."""
    return defer.ensureDeferred(throttle.turn(Attempt(name, address, **more)))


def fail(throttle, clock, times, name="ann", address="a", **more):
    for _ in range(times):
        waiting = turn(throttle, name, address, **more)
        while not waiting.called:
            clock.advance(1)


def test_pauses_grow_and_end(throttle, clock):
    fail(throttle, clock, 5)
    waits = []
    for _ in range(7):
        began, waiting = clock.seconds(), turn(throttle)
        while not waiting.called:
            clock.advance(1)
        waits.append(clock.seconds() - began)
    assert waits == [1, 2, 4, 8, 15, 15, 15]
    clock.advance(3601)
    assert turn(throttle).called


def test_whoever_guesses_at_the_end_of_each_pause_keeps_nobody_out(throttle, clock):
    fail(throttle, clock, 30)
    # The same name, from the same address: in line after one guess.
    guess, right = turn(throttle), turn(throttle)
    clock.advance(15)
    assert guess.called
    clock.advance(15)
    assert right.called
    throttle.passed(Attempt("ann", "a"))
    assert turn(throttle).called


def test_others_are_not_kept_out(throttle, clock):
    fail(throttle, clock, 100)
    assert turn(throttle, "bob", "a").called
    assert turn(throttle, "ann", "b").called
    assert not turn(throttle).called


def test_names_tried_once_each_are_slowed_down_where_they_failed(throttle, clock):
    for number in range(20):
        fail(throttle, clock, 1, str(number))
    assert throttle.crowded("a")
    # Who has not failed here passes; who has, waits at once.
    assert turn(throttle, "bob").called
    assert not turn(throttle, "3").called
    assert turn(throttle, "3", "b").called


def test_one_name_tried_from_everywhere_is_slowed_down(throttle, clock):
    for number in range(50):
        fail(throttle, clock, 1, address=str(number))
    assert turn(throttle, address="new").called
    assert not turn(throttle, address="new").called


def test_a_browser_that_has_signed_in_before_is_counted_apart(throttle, clock):
    fail(throttle, clock, 100)
    for _ in range(5):
        assert turn(throttle, browser="hers").called
    assert not turn(throttle, browser="hers").called
    assert turn(throttle, browser="his").called
    fail(throttle, clock, 30, "bob", "c", browser="his")
    assert not throttle.crowded("c")


def test_names_that_nobody_has_wait_as_others_do(throttle, clock):
    fail(throttle, clock, 5, "nobody", known=False)
    assert not turn(throttle, "nobody", known=False).called


def test_a_line_is_short_and_says_so(throttle, clock):
    fail(throttle, clock, 5)
    waiting = [turn(throttle) for _ in range(5)]
    refused = []
    turn(throttle).addErrback(refused.append)
    assert refused[0].check(Unknown)
    assert refused[0].value.status == 429
    assert "try again in 1 seconds" in str(refused[0].value)
    # Who goes away makes room.
    waiting[3].cancel()
    waiting[3].addErrback(lambda failure: failure.trap(defer.CancelledError))
    waiting.append(turn(throttle))
    clock.pump([1] * 100)
    assert all(one.called for one in waiting)
    assert throttle._lines == {}
    assert not throttle._waiting


def test_who_leaves_while_it_is_their_turn_holds_nobody_up(throttle, clock):
    fail(throttle, clock, 5)
    gone, stays = turn(throttle), turn(throttle)
    gone.addErrback(lambda failure: failure.trap(defer.CancelledError))
    gone.cancel()
    clock.advance(15)
    assert stays.called


def test_the_lines_of_an_address_are_bounded(throttle, clock):
    for number in range(40):
        fail(throttle, clock, 1, f"n{number}")
    refused = []
    # One address that many have failed from: each name waits.
    waiting = [turn(throttle, f"n{n}").addErrback(refused.append) for n in range(40)]
    assert len(refused) == 15
    # Who has failed nowhere, or from elsewhere, need not care.
    assert turn(throttle, "bob").called
    fail(throttle, clock, 5, "ann", "b")
    assert not turn(throttle, "ann", "b").called
    clock.pump([1] * 100)
    assert all(one.called for one in waiting)
    assert not throttle._waiting


def test_who_signs_in_is_forgiven_and_others_are_not(throttle, clock):
    fail(throttle, clock, 4)
    turn(throttle)
    throttle.passed(Attempt("ann", "a"))
    for _ in range(5):
        assert turn(throttle).called
    for number in range(60):
        turn(throttle, str(number), "c")
        throttle.passed(Attempt(str(number), "c"))
    assert not throttle.crowded("c")


@pytest.mark.slow
def test_what_it_remembers_is_bounded_and_strangers_push_nobody_out(throttle, clock):
    fail(throttle, clock, 10)
    for number in range(12_000):
        turn(throttle, str(number), "b", known=False)
    kept = throttle._failures
    assert len(kept["nobody"]) <= 10_000
    assert not turn(throttle).called


def test_a_browser_shows_what_it_got_for_its_name_alone(tmp_path):
    sessions = Sessions("a key", tmp_path / "ended", 1)
    kept = sessions.browser("ann")
    assert sessions.browser_number("ann", kept)
    assert sessions.browser("ann") != kept
    assert "ann" not in kept
    assert not sessions.browser_number("bob", kept)
    for wrong in ("", ".", kept + "x", kept[1:], "x." + kept.partition(".")[2], "é.é"):
        assert not sessions.browser_number("ann", wrong)
    assert not Sessions("another", tmp_path / "ended", 1).browser_number("ann", kept)
