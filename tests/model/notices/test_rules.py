"""Rules of people: what fits, quiet hours across midnight and clock changes, digests."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from slipway.model.notices.notice import Notice
from slipway.model.notices.rules import OwnRule, OwnRules, next_digest, quiet_until


def at(text, zone="Europe/Berlin"):
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


@pytest.mark.parametrize(
    ("quiet", "now", "until"),
    [
        ("22:00-07:00", "2026-03-03 23:30", "2026-03-04 07:00"),
        ("22:00-07:00", "2026-03-04 06:59", "2026-03-04 07:00"),
        ("22:00-07:00", "2026-03-04 07:00", "2026-03-04 07:00"),
        ("22:00-07:00", "2026-03-04 21:59", "2026-03-04 21:59"),
        ("12:00-13:30", "2026-03-04 12:15", "2026-03-04 13:30"),
        ("12:00-13:30", "2026-03-04 11:59", "2026-03-04 11:59"),
        # The night in which clocks go forward, and the one in which they go back.
        ("22:00-07:00", "2026-03-28 23:00", "2026-03-29 07:00"),
        ("22:00-07:00", "2026-10-24 23:00", "2026-10-25 07:00"),
        ("", "2026-03-04 02:00", "2026-03-04 02:00"),
    ],
)
def test_quiet_hours_end_by_the_clock_on_the_persons_wall(quiet, now, until):
    assert quiet_until(quiet, "Europe/Berlin", at(now)) == at(until)


def test_quiet_hours_are_in_the_persons_own_zone():
    now = at("2026-03-04 12:00", "UTC")
    assert quiet_until("22:00-07:00", "UTC", now) == now
    assert quiet_until("22:00-07:00", "Pacific/Auckland", now) > now


def test_digests_come_at_eight_and_on_mondays():
    assert next_digest("day", "Europe/Berlin", at("2026-03-04 07:00")) == at("2026-03-04 08:00")
    assert next_digest("day", "Europe/Berlin", at("2026-03-04 08:00")) == at("2026-03-05 08:00")
    assert next_digest("week", "Europe/Berlin", at("2026-03-04 09:00")) == at("2026-03-09 08:00")
    assert next_digest("week", "Europe/Berlin", at("2026-03-09 07:00")) == at("2026-03-09 08:00")
    assert next_digest("day", "Europe/Berlin", at("2026-03-28 09:00")) == at("2026-03-29 08:00")


def test_a_rule_fits_by_all_that_it_names():
    facts = {"id": "a", "event": "deployed", "at": 1.0, "url": "", "title": ""}
    facts |= {"project": "almanac", "branch": "release/2", "environment": "live"}
    notice = Notice.model_validate(facts)
    assert OwnRule().fits(notice, "mail")
    assert OwnRule(branches=("release/*",), environments=("live",)).fits(notice, "mail")
    others = ({"channel": "chat"}, {"events": ("run-passed",)}, {"projects": ("other",)})
    others += ({"branches": ("main",)}, {"environments": ("test",)})
    assert not any(OwnRule.model_validate(one).fits(notice, "mail") for one in others)


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("time_zone", "Mars/Olympus", "is no time zone"),
        ("time_zone", "../../etc/passwd", "is no time zone"),
        ("quiet", "25:00-07:00", "are no hours"),
        ("quiet", "22:00-22:00", "are no hours"),
        ("rules", [{"branches": ["a..b"]}], "branch"),
        ("rules", [{}] * 51, "at most 50"),
    ],
)
def test_what_is_no_rule_is_refused_in_a_sentence(key, value, sentence):
    with pytest.raises(ValueError, match=sentence):
        OwnRules.model_validate({key: value})
