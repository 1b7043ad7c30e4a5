"""Check notifiers: people and roles they name, addresses, and what they find out by themselves."""

from __future__ import annotations

from collections.abc import Iterator

from slipway.cli.preflight.findings import Finding, Outlook
from slipway.model.access import held
from slipway.model.errors import error_line
from slipway.model.kinds.notice import Notifier

__all__ = ["notifiers"]


def notifiers(outlook: Outlook) -> Iterator[Finding]:
    """Find what keeps notices from being sent, without the network."""
    for name, one in outlook.site.notify.items():
        path = ("notify", name)
        try:
            problems = list(one.problems(outlook.folder))
        except Exception as error:  # noqa: BLE001  a plugin may raise anything
            problems = [f"it cannot be checked: {error_line(error)}"]
        for sentence in problems:
            yield Finding(path, sentence)
        yield from (_of_persons if one.to_persons else _of_channel)(outlook, name, one)


def _of_channel(_outlook: Outlook, name: str, one: Notifier) -> Iterator[Finding]:
    for key in ("people", "roles"):
        if getattr(one, key):
            why = f'kind "{one.kind}" tells no persons, so {key} has no effect; take it out'
            yield Finding(("notify", name, key), why)


def _of_persons(outlook: Outlook, name: str, one: Notifier) -> Iterator[Finding]:
    people = outlook.site.people
    for place, person in enumerate(one.people):
        if person not in people:
            why = f'there is no [people.{person}]; add it, or take "{person}" out'
            yield Finding(("notify", name, "people", place), why, error=True)
        elif not people[person].email:
            why = f"there is no email in [people.{person}], so they cannot be told"
            yield Finding(("notify", name, "people", place), why)
    roles = {role for person in people.values() for role in held(person.roles)}
    for place, role in enumerate(one.roles):
        if role not in roles:
            yield Finding(("notify", name, "roles", place), f'nobody has the role "{role}"')
    if not any(person.email for person in people.values()):
        why = "nobody in [people.NAME] has an email, so nobody can be told"
        yield Finding(("notify", name), why)
