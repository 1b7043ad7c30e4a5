"""Notification service: has the outbox sent by the site's channels."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from buildbot.util.service import BuildbotService
from twisted.internet import defer, task, threads
from twisted.python import log

from slipway.ledger.outbox.questions import answer
from slipway.ledger.outbox.queue import Answer
from slipway.master.ledger_service import find_ledger
from slipway.master.notify.channel import Channel
from slipway.master.notify.describer import Describer
from slipway.master.notify.journal import Journal
from slipway.master.notify.pump import HANGS, Pump
from slipway.master.notify.unsubscribing import Unsubscribing
from slipway.model.kinds.notice import Notifier
from slipway.model.notices.delivery import DeliveryState
from slipway.model.notices.rules import OwnRules
from slipway.model.notices.sending import SendingSite, rules_url
from slipway.model.people import PersonSettings
from slipway.model.site import SiteSettings
from slipway.secrets.reading import given_secret
from slipway.state_folder import Home
from slipway.steps.ledger_api import SERVICE

__all__ = ["NOTICES", "Notices", "find_notices"]

#: The name of the service.
NOTICES = "slipway-notices"
_WATCH = 20.0
#: Seconds that an answer to a chat may take.
_PATIENCE = 10.0
#: Seconds that the end of the master waits for channels that are sending.
_LAST = 2.0


def find_notices(master: Any) -> Notices:
    """Return a master's notification service."""
    service: Notices = master.service_manager.namedServices[NOTICES]
    return service


class Notices(BuildbotService):
    """The notification service, one per master."""

    compare_attrs: ClassVar[tuple[str, ...]] = ("notifiers", "people", "settings", "folder", "home")

    channels: dict[str, Channel]
    rules: dict[str, OwnRules]
    """People's own rules, as of the last notice."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.channels, self.rules = {}, {}
        self._pump: Pump | None = None
        self._watching = task.LoopingCall(self._watch)
        super().__init__(*args, **kwargs)

    def checkConfig(
        self,
        *,
        notifiers: dict[str, Notifier],
        people: dict[str, PersonSettings],
        settings: SiteSettings,
        folder: str,
        home: str,
    ) -> None:
        """Accept the arguments; pipeline.toml was validated before."""
        super().checkConfig()

    async def reconfigService(
        self,
        *,
        notifiers: dict[str, Notifier],
        people: dict[str, PersonSettings],
        settings: SiteSettings,
        folder: str,
        home: str,
    ) -> None:
        """Apply new arguments while the master runs; channels that are as they were go on."""
        was_site = (getattr(self, "settings", None), getattr(self, "folder", None))
        self.notifiers, self.people, self.settings = notifiers, people, settings
        self.folder, self.home = folder, home
        if self._pump is not None:
            self._make_channels(anew=was_site != (settings, folder))
            self._pump.wake()
        await super().reconfigService()

    async def startService(self) -> None:
        """Start the channels and the pump."""
        await super().startService()
        home = Home(Path(self.home))
        self.unsubscribing = Unsubscribing(home.notices)
        self._journal = Journal(home.notices / "answered.jsonl")
        self._pump = Pump(self, self._journal, self._describer, self._unsubscribe_url)
        self._make_channels(anew=True)
        self._watching.start(_WATCH, now=False)
        self._pump.wake()

    async def stopService(self) -> None:
        """Stop; what is being sent is waited for shortly."""
        if self._watching.running:
            self._watching.stop()
        pump, self._pump = self._pump, None
        if pump is not None:
            for channel in self.channels.values():
                channel.end()
            await self._wait_for_channels()
            await pump.stop()
            self._journal.close()
        await super().stopService()

    @property
    def is_ready(self) -> bool:
        """True once the ledger service is there: services start in any order."""
        return SERVICE in self.master.service_manager.namedServices

    @property
    def ledger(self) -> Any:
        """The ledger service."""
        return find_ledger(self.master)

    @property
    def store_folder(self) -> str:
        """The artefact store."""
        return str(self.ledger.store_folder)

    def wake(self) -> None:
        """Look at the outbox now."""
        if self._pump is not None:
            self._pump.wake()

    # ---- channels

    def _make_channels(self, *, anew: bool) -> None:
        before, self.channels = self.channels, {}
        for name, settings in self.notifiers.items():
            known = before.get(name)
            if known is not None and known.settings == settings and not anew:
                self.channels[name] = before.pop(name)
            else:
                self.channels[name] = self._make(name, settings)
        for channel in before.values():
            channel.end()

    def _make(self, name: str, settings: Notifier) -> Channel:
        site = replace(self.sending_site(), answer=partial(self._answer, settings))
        return Channel(name, settings, site, self._answered, self._say)

    def sending_site(self) -> SendingSite:
        """Return what senders know of the site."""
        folder = Path(self.folder)
        return SendingSite(
            title=self.settings.title,
            url=self.settings.url,
            folder=folder,
            state_folder=Path(self.home),
            secret=lambda place, key: given_secret(place, folder, key),
        )

    def _answer(self, settings: Notifier, question: str) -> tuple[str, ...]:
        """Answer a question of a chat, in the channel's thread, about the channel's projects."""
        reactor = self.master.reactor

        def begin() -> defer.Deferred[tuple[str, ...]]:
            of = frozenset(settings.projects or self.ledger.projects) & set(self.ledger.projects)
            read = self.ledger.read(answer, question, of, self.settings.url, time.time())
            return defer.Deferred.fromCoroutine(read).addTimeout(_PATIENCE, reactor)

        found: tuple[str, ...] = threads.blockingCallFromThread(reactor, begin)
        return found

    def _say(self, sentence: str) -> None:
        self.master.reactor.callFromThread(log.msg, sentence)

    def _answered(self, channel: Channel, answer: Answer) -> None:
        """Take an answer, in the channel's thread."""
        if channel.is_given_up:
            return
        if answer.state in {DeliveryState.SENT, DeliveryState.DEAD}:
            self._journal.write(answer)
        self.master.reactor.callFromThread(self._pass_on, answer)

    def _pass_on(self, answer: Answer) -> None:
        if self._pump is not None:
            self._pump.answered(answer)

    def _watch(self) -> None:
        """Give up the sendings that never end, and have their channels begin anew."""
        for name, channel in list(self.channels.items()):
            if channel.hangs < HANGS:
                continue
            log.msg(f"notify.{name}: a sending takes longer than {HANGS:.0f} seconds; given up")
            for delivery in channel.give_up():
                why = f"it took longer than {HANGS:.0f} seconds"
                is_first = delivery == channel.at_work
                state = DeliveryState.FAILED if is_first else DeliveryState.WAITING
                self._pass_on(Answer(delivery, state, why, at=time.time()))
            self.channels[name] = self._make(name, channel.settings)

    async def _wait_for_channels(self) -> None:
        reactor = self.master.reactor
        end = reactor.seconds() + _LAST
        while any(one.is_alive for one in self.channels.values()) and reactor.seconds() < end:
            await task.deferLater(reactor, 0.02)

    # ---- for the pump

    def _describer(self) -> Describer:
        return Describer(
            self.ledger, self.master.db, self.notifiers, self.people, self.settings.url
        )

    def _unsubscribe_url(self, person: str, channel: str) -> str:
        return self.unsubscribing.url(self.settings.url, person, channel)

    @property
    def rules_url(self) -> str:
        """URL of the page where people set their own rules."""
        return rules_url(self.settings.url)
