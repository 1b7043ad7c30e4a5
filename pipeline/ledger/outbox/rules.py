"""People's own rules: read, set, and ended by an unsubscribe address."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from slipway.ledger.tables.outbox import PersonRules
from slipway.model.notices.rules import OwnRule, OwnRules

__all__ = ["end_channel", "list_rules", "read_rules", "set_rules"]


def read_rules(session: Session, person: str) -> OwnRules:
    """Return what a person has set; nothing if they have set nothing."""
    row = session.get(PersonRules, person)
    return OwnRules.model_validate(row.rules) if row is not None else OwnRules()


def list_rules(session: Session) -> dict[str, OwnRules]:
    """Return what each person has set, by name."""
    rows = session.scalars(select(PersonRules).order_by(PersonRules.person))
    return {one.person: OwnRules.model_validate(one.rules) for one in rows}


def set_rules(session: Session, person: str, rules: OwnRules, now: float) -> OwnRules:
    """Set a person's rules, all of them."""
    kept = rules.model_dump(mode="json", by_alias=True)
    row = session.get(PersonRules, person)
    if row is None:
        session.add(PersonRules(person=person, rules=kept, changed_at=now))
    elif row.rules != kept:
        row.rules, row.changed_at = kept, now
    session.flush()
    return rules


def end_channel(session: Session, person: str, channel: str, now: float) -> bool:
    """End all notices of a person by a channel.

    Returns:
        False if they had ended already.
    """
    rules = read_rules(session, person)
    ending = OwnRule(channel=channel, tell=False)
    if rules.rules[:1] == (ending,):
        return False
    # Before the others: the first that fits counts. The last gives way where there are too many.
    others = tuple(one for one in rules.rules if one.channel != channel)[:49]
    set_rules(session, person, rules.model_copy(update={"rules": (ending, *others)}), now)
    return True
