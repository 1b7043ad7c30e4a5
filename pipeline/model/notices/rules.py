"""Rules: who is told of what, when, and by which channel."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, Field

from slipway.model.base import Name, Part
from slipway.model.git_names import check_branch, matches
from slipway.model.notices.events import Event
from slipway.model.notices.notice import Notice

__all__ = [
    "MOST_RULES",
    "Digest",
    "OwnRule",
    "OwnRules",
    "Quiet",
    "TimeZone",
    "next_digest",
    "quiet_until",
]

#: When notices are gathered: never, at the end of a day, or of a week.
Digest = Literal["", "day", "week"]
#: A person has so many rules at most.
MOST_RULES = 50
_QUIET = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")
_DIGEST_HOUR = 8


def _check_zone(name: str) -> str:
    if name not in available_timezones():
        msg = f'"{name[:60]}" is no time zone; an example: "Europe/Berlin"'
        raise ValueError(msg)
    return name


def _check_quiet(text: str) -> str:
    found = _QUIET.fullmatch(text)
    if text and (found is None or found[1] + found[2] == found[3] + found[4]):
        msg = f'"{text[:60]}" are no hours; an example: "22:00-07:00"'
        raise ValueError(msg)
    return text


#: The IANA name of a time zone.
TimeZone = Annotated[str, AfterValidator(_check_zone)]
#: Hours of a day, such as "22:00-07:00". Empty: none.
Quiet = Annotated[str, AfterValidator(_check_quiet)]


class OwnRule(Part):
    """One rule of a person: of what they want to be told, or not. The first that fits counts."""

    channel: Name | Literal[""] = ""
    """The notifier's name. Empty: each."""
    events: tuple[Event, ...] = ()
    """None: each."""
    projects: tuple[Name, ...] = ()
    branches: tuple[Annotated[str, AfterValidator(check_branch)], ...] = ()
    environments: tuple[Name, ...] = ()
    tell: bool = True
    """False: what fits is not sent. True: it is, even where it does not concern the person."""
    digest: Digest = ""

    def fits(self, notice: Notice, channel: str) -> bool:
        """Return whether a notice by a channel is meant."""
        return (
            self.channel in {"", channel}
            and (not self.events or notice.event in self.events)
            and (not self.projects or notice.project in self.projects)
            and (not self.branches or any(matches(one, notice.branch) for one in self.branches))
            and (not self.environments or notice.environment in self.environments)
        )


class OwnRules(Part):
    """What a person has set for themself."""

    time_zone: TimeZone = "UTC"
    quiet: Quiet = ""
    """Hours in which nothing is sent to them; it comes at their end."""
    rules: tuple[OwnRule, ...] = Field(default=(), max_length=MOST_RULES)


def quiet_until(quiet: str, zone: str, now: float) -> float:
    """Return the time at which quiet hours end; `now` if there are none at the moment."""
    found = _QUIET.fullmatch(quiet)
    if found is None:
        return now
    local = datetime.fromtimestamp(now, ZoneInfo(zone))
    begin, end = (int(found[one]) * 60 + int(found[one + 1]) for one in (1, 3))
    minute = local.hour * 60 + local.minute
    is_quiet = begin <= minute < end if begin < end else minute >= begin or minute < end
    if not is_quiet:
        return now
    day = local if minute < end else local + timedelta(days=1)
    ending = day.replace(hour=end // 60, minute=end % 60, second=0, microsecond=0, fold=1)
    return max(now, ending.timestamp())


def next_digest(digest: str, zone: str, now: float) -> float:
    """Return when the next digest of a person is due: at 8, on Mondays if it is weekly."""
    local = datetime.fromtimestamp(now, ZoneInfo(zone))
    due = local.replace(hour=_DIGEST_HOUR, minute=0, second=0, microsecond=0)
    if due <= local:
        due += timedelta(days=1)
    if digest == "week":
        due += timedelta(days=-due.weekday() % 7)
    return due.timestamp()
