"""Notifiers: the kinds of channels that send notices, and what all of them can be told."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import AfterValidator, Field

from slipway.model.base import Name
from slipway.model.git_names import check_branch, matches
from slipway.model.kinds.registry import Kind, Kinds
from slipway.model.notices.events import ALL, Event
from slipway.model.notices.notice import Notice
from slipway.model.notices.rules import Digest, Quiet, TimeZone
from slipway.model.people import PersonName
from slipway.model.secrets.location import SecretPlace

__all__ = ["NOTIFIERS", "Notifier", "wanted_events"]


class Notifier(Kind):
    """A channel: a way to tell people, whom, and what of."""

    to_persons: ClassVar[bool] = False
    """True: each person is sent to alone, by their address. False: the channel itself is told,
    once, such as an IRC channel or a program; it asks nobody's rules."""
    latest_only: ClassVar[bool] = False
    """True: of the notices of one thread and topic that wait, only the latest is sent; and what is
    above `most_a_minute` waits, it becomes no digest."""
    default_events: ClassVar[tuple[Event, ...]] = ALL
    """The events where pipeline.toml names none."""

    kind: str
    """The kind of notifier."""
    events: tuple[Event, ...] = ()
    """The events that are sent. None given: all that the kind is for."""
    projects: tuple[Name, ...] = ()
    """The projects it tells of. None given: all."""
    branches: tuple[Annotated[str, AfterValidator(check_branch)], ...] = ()
    """The branches it tells of: names, and patterns in which a star stands for anything. None
    given: all."""
    environments: tuple[Name, ...] = ()
    """The environments it tells of; what concerns no environment is told of anyway. None given:
    all."""
    concerned: bool = True
    """Whether those are told whom a notice concerns: of a failed run the authors since the last
    good one and who started it, of a gate who may approve."""
    people: tuple[PersonName, ...] = ()
    """People who are told, whomever it concerns. Only for kinds that tell persons."""
    roles: tuple[Name, ...] = ()
    """Roles whose people are told, whomever it concerns. Only for kinds that tell persons."""
    quiet: Quiet = ""
    """Hours such as "22:00-07:00" in which nothing is sent; it comes at their end. A person's own
    hours count instead."""
    time_zone: TimeZone = "UTC"
    """The time zone of these hours and of digests."""
    digest: Digest = ""
    """"day" or "week": what has happened is told once a day or week, at 8 o'clock. Empty: at
    once. A person's own rules count instead."""
    most_a_minute: int = Field(default=30, ge=1, le=100_000)
    """So many are sent a minute; what is above becomes one digest for each recipient."""
    most_recipients: int = Field(default=200, ge=1, le=100_000)
    """A notice for more recipients than this is refused as a mistake."""

    @property
    def secret_places(self) -> tuple[SecretPlace, ...]:
        """The places of its secrets, so that workers are kept from their files."""
        found = (getattr(self, name) for name in type(self).model_fields)
        return tuple(one for one in found if isinstance(one, SecretPlace))

    @property
    def wanted_events(self) -> tuple[Event, ...]:
        """The events that are sent."""
        return self.events or self.default_events

    def wants(self, notice: Notice) -> bool:
        """Return whether the channel tells of a notice at all."""
        if notice.event in {Event.DIGEST, Event.TRIAL}:
            return True
        return (
            notice.event in self.wanted_events
            and (not self.projects or notice.project in self.projects)
            and (not self.branches or not notice.run or _any(self.branches, notice.branch))
            and (
                not self.environments
                or not notice.environment
                or notice.environment in self.environments
            )
        )

    def problems(self, folder: Path) -> Iterable[str]:  # noqa: ARG002  for kinds with files
        """Yield sentences about what will keep it from sending, found without the network.

        Args:
            folder: Where pipeline.toml lies: base of relative paths.
        """
        return ()


def wanted_events(notifiers: Iterable[Notifier]) -> frozenset[Event]:
    """Return the events that any of some notifiers may be told of."""
    found: set[Event] = set()
    for one in notifiers:
        # A person's own rules may ask for whatever there is.
        found.update(ALL if one.to_persons else (), one.wanted_events)
    return frozenset(found)


def _any(patterns: Iterable[str], branch: str) -> bool:
    return any(matches(one, branch) for one in patterns)


#: The kinds of notifiers. A kind's `runner` is a function `send(settings, notice, context)` or a
#: subclass of `slipway.model.notices.sending.Sender`.
NOTIFIERS: Kinds[Notifier] = Kinds("slipway.notifiers", lambda: Notifier, "kind")

if TYPE_CHECKING:
    AnyNotifier = Notifier
else:
    AnyNotifier = Annotated[Notifier, NOTIFIERS]
