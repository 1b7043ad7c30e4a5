"""The journal of answers, and the tokens of unsubscribe addresses."""

from __future__ import annotations

import pytest

from slipway.ledger.outbox.queue import Answer
from slipway.master.notify.journal import Journal
from slipway.master.notify.unsubscribing import Unsubscribing
from slipway.model.errors import WrongInput
from slipway.model.notices.delivery import DeliveryState

SENT = DeliveryState.SENT


def test_what_was_answered_is_found_by_the_next_master(tmp_path):
    path = tmp_path / "notices" / "answered.jsonl"
    first = Journal(path)
    assert first.read() == []
    first.write(Answer(1, SENT, "250 ok\n", at=5.0))
    first.write(Answer(2, DeliveryState.DEAD, "no", at=6.0))
    found = Journal(path).read()
    assert found == [
        Answer(1, SENT, "250 ok\n", at=5.0),
        Answer(2, DeliveryState.DEAD, "no", at=6.0),
    ]
    assert path.stat().st_mode & 0o777 == 0o600
    first.recorded(1)
    assert len(Journal(path).read()) == 2
    first.recorded(1)
    assert Journal(path).read() == []
    first.write(Answer(3, SENT, at=7.0))
    assert [one.delivery for one in Journal(path).read()] == [3]
    first.close()


@pytest.mark.parametrize("rest", [b'{"delivery": 2, "sta', b"\x00\xff\n", b"[]\n{}\n", b'"x"\n'])
def test_a_half_line_is_left_out(tmp_path, rest):
    path = tmp_path / "answered.jsonl"
    Journal(path).write(Answer(1, SENT, at=5.0))
    with path.open("ab") as stream:
        stream.write(rest)
    assert [one.delivery for one in Journal(path).read()] == [1]
    Journal(path).clear()
    assert Journal(path).read() == []


def test_a_token_is_of_one_person_and_one_channel_and_of_this_site(tmp_path):
    ours = Unsubscribing(tmp_path / "ours")
    token = ours.token("ann@example.org", "mail")
    assert Unsubscribing(tmp_path / "ours").read(token) == ("ann@example.org", "mail")
    assert ours.url("http://x/", "ann", "mail").startswith("http://x/unsubscribe?token=")
    other = ours.token("ben", "mail")
    theirs = Unsubscribing(tmp_path / "theirs").token("ann@example.org", "mail")
    mixed = f"{other.partition('.')[0]}.{token.partition('.')[2]}"
    for bad in (theirs, mixed, token[:-1], f"{token}x", "", ".", "a.b", "\0", "é.é", "x" * 10**6):
        with pytest.raises(WrongInput, match="is not whole"):
            ours.read(bad)
