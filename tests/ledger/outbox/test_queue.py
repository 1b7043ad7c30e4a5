"""The queue: order, pauses, dead letters, bounds, digests, and what a killed master leaves."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from slipway.ledger.outbox import letters, queue
from slipway.ledger.outbox.collecting import Found, add
from slipway.ledger.outbox.queue import PATIENCE, Answer, Plan
from slipway.ledger.tables.outbox import Delivery, OutboxNotice
from slipway.model.errors import WrongInput
from slipway.model.notices.delivery import DeliveryState
from slipway.model.notices.events import Event
from slipway.model.notices.notice import Notice

NOW = 1_000_000.0
SENT, FAILED, DEAD = DeliveryState.SENT, DeliveryState.FAILED, DeliveryState.DEAD


@pytest.fixture
def put(session):
    """Put a notice into the queue, for some persons by one channel."""
    numbers = iter(range(1, 100_000))

    def make(*persons, channel="mail", **more):
        number = next(numbers)
        facts = {"id": f"run-{number}", "event": "run-failed", "at": NOW, "url": "http://x/"}
        facts |= {"title": f"it {number}", "project": "almanac"}
        names = ("thread", "topic")
        body = Notice(**facts, **{key: more.pop(key) for key in names if key in more})
        add(session, [Found(Event.RUN_FAILED, body.id, NOW, "almanac")])
        (row,) = queue.undescribed(session, 10)
        plans = [Plan(channel, one, **more) for one in persons or ("",)]
        queue.store(session, row.id, body.model_dump(mode="json", by_alias=True), plans, NOW)
        session.commit()
        return number

    return make


def take(session, now=NOW, most=100, a_minute=1000, channel="mail", **more):
    found = queue.lease(session, channel, now, most, a_minute, **more)
    session.commit()
    return found


def answer(session, taken, state, now=NOW, **more):
    queue.record(session, [Answer(one.id, state, "said", at=now, **more) for one in taken], now)
    session.commit()


def states(session):
    session.expire_all()
    return [one.state for one in session.scalars(select(Delivery).order_by(Delivery.id))]


def test_what_is_described_is_given_once_in_its_order(put, session):
    for _ in range(3):
        put()
    first = take(session, most=2)
    second = take(session)
    assert [one.body["id"] for one in (*first, *second)] == ["run-1", "run-2", "run-3"]
    answer(session, (*first, *second), SENT)
    assert take(session) == []
    assert states(session) == [SENT] * 3


def test_a_notice_is_described_once_whoever_comes_second(put, session):
    put()
    assert queue.undescribed(session, 10) == []
    assert queue.store(session, 1, {"id": "other"}, [Plan("mail")], NOW) == 0
    assert len(states(session)) == 1


def test_what_failed_is_tried_again_after_longer_and_longer_pauses_for_three_days(put, session):
    put()
    now, tries = NOW, []
    for _ in range(200):
        taken = take(session, now)
        if not taken:
            break
        tries.append(now - NOW)
        answer(session, taken, FAILED, now)
        now = queue.next_due(session, now) or now
    assert tries[:6] == [0, 1, 11, 71, 371, 1271]
    assert PATIENCE < tries[-1] < PATIENCE + 7 * 3600
    assert states(session) == [DEAD]


def test_a_server_that_asks_for_a_pause_gets_it_but_not_for_ever(put, session):
    put()
    answer(session, take(session), FAILED, after=500.0)
    assert queue.next_due(session, NOW) == NOW + 500
    answer(session, take(session, NOW + 500), FAILED, NOW + 500, after=1e12)
    assert queue.next_due(session, NOW) == NOW + 500 + 86400


def test_what_was_not_tried_costs_no_try(put, session):
    put()
    answer(session, take(session), DeliveryState.WAITING, after=60.0)
    assert take(session, NOW + 59) == []
    (again,) = take(session, NOW + 60)
    assert again.attempts == 0


def test_of_one_thread_nothing_passes_what_is_tried_again(put, session):
    put("ann", "ben", thread="run-1")
    put("ann", thread="run-1")
    put("ann", thread="run-2")
    taken = take(session, most=2)
    assert [one.person for one in taken] == ["ann", "ben"]
    answer(session, taken[:1], FAILED)
    answer(session, taken[1:], SENT)
    assert [one.body["thread"] for one in take(session)] == ["run-2"]
    again = take(session, NOW + 1)
    assert [one.body["id"] for one in again] == ["run-1"]
    assert take(session, NOW + 1) == []
    answer(session, again, SENT, NOW + 1)
    assert [one.body["id"] for one in take(session, NOW + 1)] == ["run-2"]


def test_channels_have_queues_of_their_own(put, session):
    put(channel="mail")
    put(channel="chat")
    assert len(take(session, channel="chat")) == 1
    assert len(take(session, channel="mail")) == 1


def test_what_a_killed_master_had_is_given_again_with_a_word(put, session):
    put()
    take(session)
    assert take(session) == []
    assert queue.free_leases(session) == 1
    session.commit()
    (again,) = take(session)
    assert again.attempts == 1


def test_what_is_above_the_bound_becomes_one_digest_for_each(put, session):
    for _ in range(50):
        put("ann", "ben")
    first = take(session, a_minute=10)
    assert len(first) == 10
    assert [one.body["event"] for one in first] == ["run-failed"] * 8 + ["digest"] * 2
    answer(session, first, SENT)
    digests = [one.body for one in first[8:]]
    assert [len(one["notices"]) + one["left_out"] for one in digests] == [46, 46]
    assert digests[0]["title"] == "46 notices of almanac"
    assert take(session) == []
    found = states(session)
    assert found.count(DeliveryState.GATHERED) == 92
    assert found.count(SENT) == 10


def test_a_digest_of_digests_counts_all_and_none_is_lost(put, session):
    total = 0
    for minute in range(5):
        for _ in range(40):
            put()
        taken = take(session, NOW + minute * 61, a_minute=1)
        answer(session, taken, SENT, NOW + minute * 61)
        for one in taken:
            total += len(one.body["notices"]) + one.body["left_out"]
    assert total == 200


def test_nothing_is_sent_while_the_minute_is_used_up(put, session):
    put()
    answer(session, take(session, a_minute=1), SENT)
    put()
    assert take(session, NOW + 30, a_minute=1) == []
    assert len(take(session, NOW + 61, a_minute=1)) == 1


def test_a_daily_digest_waits_for_its_time_and_one_alone_comes_as_it_is(put, session):
    put("ann", digest="day", due_at=NOW + 100)
    put("ann", digest="day", due_at=NOW + 100)
    put("ben", digest="day", due_at=NOW + 100)
    assert take(session, NOW + 99) == []
    taken = take(session, NOW + 100)
    assert [(one.person, one.body["event"]) for one in taken] == [
        ("ben", "run-failed"),
        ("ann", "digest"),
    ]


def test_the_latest_of_a_topic_takes_the_place_of_those_that_wait(put, session):
    for _ in range(3):
        put(thread="run-1", topic="stage:tests")
    put(thread="run-1", topic="stage:lint")
    taken = take(session, latest=True)
    assert [one.body["id"] for one in taken] == ["run-3", "run-4"]
    assert states(session)[:2] == [DeliveryState.MUTED] * 2


def test_where_the_latest_alone_is_sent_what_is_above_the_bound_waits(put, session):
    for number in range(5):
        put(thread=f"run-{number}", topic="stage:tests")
    first = take(session, a_minute=3, latest=True)
    assert [one.body["event"] for one in first] == ["run-failed"] * 3
    answer(session, first, SENT)
    assert take(session, NOW + 1, a_minute=3, latest=True) == []
    then = take(session, NOW + 61, a_minute=3, latest=True)
    assert [one.body["id"] for one in then] == ["run-4", "run-5"]
    assert DeliveryState.GATHERED not in states(session)


# ---- letters


def test_dead_letters_are_listed_resent_and_discarded(put, session):
    put("ann")
    put("ben")
    answer(session, take(session), DEAD)
    found = letters.list_deliveries(session, states=[DEAD])
    assert [(one.person, one.text) for one in found] == [("ben", "said"), ("ann", "said")]
    record, body = letters.read_delivery(session, found[0].id)
    assert (record.title, body["title"]) == ("it 2", "it 2")
    assert letters.resend(session, [found[0].id], NOW + 1) == 1
    assert letters.discard(session, [found[1].id], NOW + 1) == 1
    session.commit()
    assert [one.person for one in take(session, NOW + 1)] == ["ben"]
    assert states(session)[0] == DeliveryState.MUTED


def test_what_was_sent_is_not_sent_again_and_of_several_none_if_one_may_not(put, session):
    put()
    answer(session, take(session), SENT)
    put()
    answer(session, take(session), DEAD)
    with pytest.raises(WrongInput, match="delivery 1 is sent"):
        letters.resend(session, [2, 1], NOW)
    with pytest.raises(WrongInput, match="delivery 1 is sent"):
        letters.discard(session, [2, 1], NOW)
    with pytest.raises(WrongInput, match="no delivery 99"):
        letters.resend(session, [99], NOW)
    session.rollback()
    assert states(session) == [SENT, DEAD]


def test_old_notices_are_forgotten_but_for_dead_letters(put, session):
    for state in (SENT, DEAD):
        put()
        answer(session, take(session), state)
    put()
    assert letters.forget_old(session, NOW - 1) == 0
    assert letters.forget_old(session, NOW + 1) == 1
    session.commit()
    assert len(session.scalars(select(OutboxNotice)).all()) == 2
