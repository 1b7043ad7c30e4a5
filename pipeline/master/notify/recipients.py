"""Decide who is told of a notice by which channel, and when. Pure: no ledger, no clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from slipway.ledger.outbox.queue import Plan
from slipway.model.access import ADMIN_ROLE, held
from slipway.model.kinds.notice import Notifier
from slipway.model.notices.delivery import DeliveryState
from slipway.model.notices.details import Concerned
from slipway.model.notices.events import EVENTS, Concern
from slipway.model.notices.notice import Notice
from slipway.model.notices.rules import OwnRule, OwnRules, next_digest, quiet_until
from slipway.model.people import PersonSettings

__all__ = ["Audience", "plans"]

_NO_RULES = OwnRules()


@dataclass(frozen=True)
class Audience:
    """The people of a site, and what they have set for themselves."""

    people: Mapping[str, PersonSettings]
    own: Mapping[str, OwnRules] = field(default_factory=dict)

    def with_role(self, role: str) -> list[str]:
        """Return the people with a role, in their order in pipeline.toml."""
        return [name for name, one in self.people.items() if role in held(one.roles)]

    def concerned(
        self, notice: Notice, asker: str, approvers: tuple[str, ...]
    ) -> tuple[Concerned, ...]:
        """Return whom a notice concerns; nobody of what they have done themselves.

        Args:
            notice: The notice.
            asker: Who started or asked.
            approvers: Who may approve and has not.
        """
        found: dict[str, Concern] = {}
        by_concern = {
            Concern.BLAMED: [one.person for one in notice.blamed if one.person],
            Concern.ASKED: [asker] if asker in self.people else [],
            Concern.MAY_APPROVE: approvers,
            Concern.ADMIN: self.with_role(ADMIN_ROLE),
        }
        for concern in EVENTS[notice.event].concerns:
            for person in by_concern.get(concern, ()):
                found.setdefault(person, concern)
        if Concern.MAY_APPROVE in EVENTS[notice.event].concerns:
            # Who has asked knows it.
            found.pop(notice.person, None)
        return tuple(Concerned(person=one, why=why) for one, why in found.items())


def plans(
    notice: Notice, channels: Mapping[str, Notifier], audience: Audience, now: float
) -> list[Plan]:
    """Return the deliveries of a notice.

    Args:
        notice: The notice.
        channels: The site's notifiers, by name.
        audience: The people.
        now: Seconds since 1970.
    """
    made: list[Plan] = []
    for name, notifier in channels.items():
        if notifier.to_persons:
            made += _to_persons(notice, name, notifier, audience, now)
        elif notifier.wants(notice):
            made.append(_timed(Plan(name), notifier, now))
    return made


def _to_persons(
    notice: Notice, channel: str, notifier: Notifier, audience: Audience, now: float
) -> list[Plan]:
    by_site = set(_by_site(notice, notifier, audience)) if notifier.wants(notice) else set()
    candidates = [one for one in audience.people if one in by_site or one in audience.own]
    found = []
    for person in candidates:
        settings = audience.people[person]
        own = audience.own.get(person, _NO_RULES)
        rule = next((one for one in own.rules if one.fits(notice, channel)), None)
        plan = _of_person(person, channel, is_meant=person in by_site, rule=rule)
        if plan is None:
            continue
        if plan.state == DeliveryState.WAITING and not settings.email:
            why = f"there is no address; write email in [people.{person}]"
            plan = Plan(channel, person, DeliveryState.MUTED, text=why)
        quiet = (own.quiet, own.time_zone) if own.quiet else (notifier.quiet, notifier.time_zone)
        zone = own.time_zone if person in audience.own else notifier.time_zone
        digest = rule.digest if rule is not None else notifier.digest
        hours = quiet_until(*quiet, now)
        due = max(hours, next_digest(digest, zone, now)) if digest else hours
        found.append(Plan(channel, person, plan.state, due, digest, plan.text))
    waiting = [one for one in found if one.state == DeliveryState.WAITING]
    if len(waiting) > notifier.most_recipients:
        why = (
            f"it would go to {len(waiting)} people and may go to {notifier.most_recipients}; "
            f"raise most-recipients of notify.{channel}, or name fewer"
        )
        return [Plan(channel, "", DeliveryState.DEAD, text=why)]
    return found


def _by_site(notice: Notice, notifier: Notifier, audience: Audience) -> Iterator[str]:
    if notifier.concerned:
        yield from (one.person for one in notice.concerned)
    yield from notifier.people
    for role in notifier.roles:
        yield from audience.with_role(role)


def _of_person(person: str, channel: str, *, is_meant: bool, rule: OwnRule | None) -> Plan | None:
    if rule is None:
        return Plan(channel, person) if is_meant else None
    if rule.tell:
        return Plan(channel, person)
    why = "a rule of their own says no"
    return Plan(channel, person, DeliveryState.MUTED, text=why) if is_meant else None


def _timed(plan: Plan, notifier: Notifier, now: float) -> Plan:
    due, zone = quiet_until(notifier.quiet, notifier.time_zone, now), notifier.time_zone
    if notifier.digest:
        due = max(due, next_digest(notifier.digest, zone, now))
    return replace(plan, due_at=due, digest=notifier.digest)
