"""Notification service: finds events in the ledger and passes them to the channels."""

from __future__ import annotations

import time
from typing import Any, ClassVar

from buildbot.util.service import BuildbotService
from twisted.internet import defer
from twisted.python import log

from slipway.ledger.notices import happened
from slipway.master.ledger_service import find_ledger
from slipway.master.notify.channel import Channel
from slipway.model.kinds.notice import Notifier

__all__ = ["Notices"]

#: Maximum age in seconds of events; sent ones are remembered as long.
_DAY = 86400.0


class Notices(BuildbotService):
    """The notification service, one per master. Events from before its start are not sent."""

    compare_attrs: ClassVar[tuple[str, ...]] = ("notifiers", "url")

    def checkConfig(self, *, notifiers: dict[str, Notifier], url: str) -> None:
        """Accept the arguments; pipeline.toml was validated before."""
        super().checkConfig()

    _channels: tuple[Channel, ...] = ()
    _consumer: Any = None

    async def reconfigService(self, *, notifiers: dict[str, Notifier], url: str) -> None:
        """Apply new arguments while the master runs."""
        self.notifiers, self.url = notifiers, url
        self._end_channels()
        reactor = self.master.reactor

        def report(sentence: str) -> None:
            reactor.callFromThread(log.msg, sentence)

        self._channels = tuple(Channel(name, one, report) for name, one in notifiers.items())
        await super().reconfigService()

    async def startService(self) -> None:
        """Subscribe to changes of the ledger."""
        await super().startService()
        self._began = time.time()
        self._sent: dict[str, float] = {}
        self._turn = defer.DeferredLock()
        self._consumer = await self.master.mq.startConsuming(
            self._changed, ("slipway", None, "changed")
        )

    async def stopService(self) -> None:
        """Unsubscribe and stop the channels."""
        if self._consumer is not None:
            self._consumer.stopConsuming()
            self._consumer = None
        self._end_channels()
        await super().stopService()

    def _end_channels(self) -> None:
        for channel in self._channels:
            channel.end()
        self._channels = ()

    def _changed(self, _key: object, event: dict[str, Any]) -> None:
        if self._channels:
            work = self._turn.run(
                lambda: defer.Deferred.fromCoroutine(self._look(event["project"], event["runs"]))
            )
            work.addErrback(lambda failure: log.err(failure, "looking for notices to send"))

    async def _look(self, project: str, numbers: list[int]) -> None:
        now = time.time()
        since = max(self._began, now - _DAY)
        ledger = find_ledger(self.master)
        found = await ledger.read(happened, project, numbers, since, self.url)
        for notice in found:
            if notice.id not in self._sent:
                # Not when it happened: a gate found for its last asking is older than that.
                self._sent[notice.id] = now
                for channel in self._channels:
                    channel.put(notice)
        self._sent = {one: at for one, at in self._sent.items() if at >= since}
