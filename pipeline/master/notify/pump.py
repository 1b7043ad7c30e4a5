"""Pump: moves deliveries between the outbox and the channels' threads, in the reactor's thread."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from sqlalchemy.orm import Session
from twisted.internet import defer
from twisted.python import log

from slipway.artefacts.store import Store
from slipway.ledger.outbox import letters, queue
from slipway.ledger.outbox.queue import Answer, Leased
from slipway.master.notify.channel import Channel, Work
from slipway.master.notify.describer import Describer
from slipway.master.notify.journal import Journal
from slipway.model.errors import error_line
from slipway.model.notices.delivery import DeliveryState
from slipway.model.notices.notice import Notice
from slipway.model.notices.sending import Context, Recipient
from slipway.model.people import PersonSettings

__all__ = ["HANGS", "Pump", "key_of", "reader_of"]

#: A channel has at most so many deliveries at a time.
_AHEAD = 200
#: Seconds after which a sending is taken for one that never ends.
HANGS = 600.0
#: Seconds between two looks if nothing wakes it earlier.
_LONGEST = 30.0
_FULL = 2.0
_SOON = 0.1
_OLD = 90 * 86400.0


def key_of(*parts: str) -> str:
    """Return the idempotency key of a notice's delivery: 40 hexadecimal digits."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:40]


class Pump:
    """One round at a time: record answers, describe, lease, give; then wait to be woken."""

    def __init__(
        self,
        service: Any,
        journal: Journal,
        describer: Callable[[], Describer],
        unsubscribe: Callable[[str, str], str],
    ) -> None:
        """Initialize; `start` begins.

        Args:
            service: The notification service: master, ledger, channels, people, store.
            journal: The journal of answers.
            describer: Returns what describes notices, by the current settings.
            unsubscribe: Returns the address that ends a person's notices by a channel.
        """
        self._service, self._journal = service, journal
        self._describer, self._unsubscribe = describer, unsubscribe
        self._answers: list[Answer] = []
        self._timer: Any = None
        self._works = self._again = self._stopped = False
        self._begun = False
        self._forgot = 0.0

    def wake(self) -> None:
        """Have a round begin now, or right after the one at work."""
        if self._stopped:
            return
        if self._works:
            self._again = True
            return
        self._works, self._again = True, False
        done = defer.Deferred.fromCoroutine(self._round())
        done.addErrback(self._failed)
        done.addBoth(self._ended)

    def answered(self, answer: Answer) -> None:
        """Take an answer, in the reactor's thread."""
        self._answers.append(answer)
        self.wake()

    async def stop(self) -> None:
        """Record what has been answered; what is not stays leased, for the next start."""
        self._stopped = True
        self._set_timer(None)
        if self._service.is_ready:
            self._service.ledger.watch_outbox(None)
            await self._record()

    # ---- a round

    def _failed(self, failure: Any) -> None:
        log.msg(f"notices: the outbox is looked at again in a moment: {error_line(failure.value)}")
        self._set_timer(_FULL)

    def _ended(self, _result: Any) -> None:
        self._works = False
        if self._again:
            self.wake()

    async def _round(self) -> None:
        self._set_timer(None)
        if not self._service.is_ready:
            self._set_timer(_SOON)
            return
        if not self._begun:
            self._service.ledger.watch_outbox(self.wake)
            await self._service.ledger.call(_begin, self._journal.read(), time.time())
            self._journal.clear()
            self._begun = True
        await self._record()
        describer = self._describer()
        more = await describer.describe_some()
        if describer.rules is not None:
            self._service.rules = describer.rules
        soonest = _LONGEST if not more else 0.0
        due = await self._service.ledger.read(queue.due_by_channel)
        for name, channel in self._service.channels.items():
            if name in due:
                soonest = min(soonest, await self._feed(name, channel, due[name]))
        await self._forget()
        if not self._stopped:
            self._set_timer(max(soonest, 0.01))

    async def _record(self) -> None:
        if not self._answers:
            return
        answers, self._answers = self._answers, []
        try:
            await self._service.ledger.call(queue.record, answers, time.time())
        except BaseException:
            self._answers = answers + self._answers
            raise
        self._journal.recorded(sum(_is_kept(one) for one in answers))

    async def _feed(self, name: str, channel: Channel, due: float) -> float:
        """Give a channel what is due; return the seconds until there may be more."""
        now = time.time()
        if due > now:
            return due - now
        room = _AHEAD - channel.waiting
        if channel.pause or room < _AHEAD // 2:
            # Its next answer wakes the pump.
            return max(channel.pause, _FULL) if not channel.waiting else _LONGEST
        settings = channel.settings
        bounds = (settings.most_a_minute,)
        found = await self._service.ledger.call(
            _lease, name, now, room, *bounds, settings.latest_only
        )
        work = [one for leased in found if (one := self._work(leased)) is not None]
        if work:
            channel.put(work)
        return _LONGEST if work else _FULL

    def _work(self, leased: Leased) -> Work | None:
        person: PersonSettings | None = self._service.people.get(leased.person)
        try:
            notice = Notice.model_validate(leased.body)
        except ValidationError as error:
            self._dead(leased, f"this version cannot read the notice: {error_line(error)}")
            return None
        if leased.person and (person is None or not person.email):
            self._dead(leased, f"{leased.person} has no address any more")
            return None
        return Work(leased, notice, self._context(leased, notice, person))

    def _dead(self, leased: Leased, why: str) -> None:
        self._answers.append(Answer(leased.id, DeliveryState.DEAD, why, at=time.time()))
        self._again = True

    def _context(self, leased: Leased, notice: Notice, person: PersonSettings | None) -> Context:
        rules = self._service.rules
        zone = rules[leased.person].time_zone if leased.person in rules else "UTC"
        recipient = Recipient()
        if person is not None:
            name = person.name or leased.person
            recipient = Recipient(leased.person, person.email, name, zone)
        is_person = bool(leased.person)
        return Context(
            recipient=recipient,
            key=key_of(notice.id, leased.channel, leased.person),
            attempt=leased.attempts + 1,
            thread_key=key_of(notice.thread, leased.channel, leased.person)
            if notice.thread
            else "",
            unsubscribe=self._unsubscribe(leased.person, leased.channel) if is_person else "",
            rules_url=self._service.rules_url if is_person else "",
            read_artefact=reader_of(self._service.store_folder),
        )

    async def _forget(self) -> None:
        now = time.time()
        if now - self._forgot > 86400.0:  # noqa: PLR2004  a day
            self._forgot = now
            await self._service.ledger.call(letters.forget_old, now - _OLD)
            names = tuple(self._service.channels)
            await self._service.ledger.call(letters.bury, names, now - queue.PATIENCE, now)

    def _set_timer(self, seconds: float | None) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None
        if seconds is not None and not self._stopped:
            self._timer = self._service.master.reactor.callLater(seconds, self.wake)


def reader_of(store_folder: str) -> Callable[[str, int], bytes]:
    """Return a reader of the store's artefacts, within a bound."""

    def read(sha256: str, most: int) -> bytes:
        try:
            with Store(Path(store_folder)).path(sha256).open("rb") as stream:
                found = stream.read(most + 1)
        except (OSError, ValueError):
            return b""
        return found if len(found) <= most else b""

    return read


def _is_kept(answer: Answer) -> bool:
    """Return whether the journal has an answer."""
    return answer.state in {DeliveryState.SENT, DeliveryState.DEAD}


def _begin(session: Session, answers: list[Answer], now: float) -> None:
    """Record what the journal has, then give back what is still leased."""
    queue.record(session, answers, now)
    queue.free_leases(session)


def _lease(
    session: Session, channel: str, now: float, most: int, a_minute: int, latest: bool
) -> list[Leased]:
    return queue.lease(session, channel, now, most, a_minute, latest=latest)
