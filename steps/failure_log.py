"""Stream failures into an HTML log of the step while the stage runs.

Evidence comes with the events of the running script: a Buildbot worker runs one command for a
builder at a time, and a second one, such as an upload, would end the first.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from twisted.internet import defer, threads
from twisted.python import log

from slipway.model.protocol.artefact_name import as_allowed
from slipway.model.protocol.event import (
    MOST_SHOWN,
    AnyEvent,
    ArtefactLeft,
    Document,
    Evidence,
    Picture,
    Piece,
    TestResult,
)
from slipway.steps import failure_html
from slipway.steps.ledger_api import Incoming

__all__ = ["LOG", "Failures", "Kept"]

LOG = "failures"
_SHOWN = frozenset({"failed", "error", "flaky", "quarantined"})
#: Maximum bytes of evidence of one stage; more is mentioned in the log but not kept.
_MOST = 32_000_000


@dataclass
class Kept:
    """A piece of evidence with the bytes that have arrived so far."""

    announced: Evidence
    data: bytearray = field(default_factory=bytearray)
    problem: str = ""

    def finish(self) -> None:
        """Set `problem` if the evidence is missing or incomplete."""
        if not self.problem and self.announced.missing:
            self.problem = self.announced.missing
        if self.problem:
            return
        if not self.announced.sha256:
            self.problem = "is empty" if not self.announced.size else "was not sent"
        elif hashlib.sha256(self.data).hexdigest() != self.announced.sha256:
            self.problem = "did not arrive whole"


class Failures:
    """Consumer of a stage's events; an error in here never makes the stage fail."""

    def __init__(
        self,
        open_log: Callable[[], Awaitable[Any]],
        incoming: Callable[[], Incoming],
        keep: Callable[[list[ArtefactLeft]], Awaitable[None]],
    ) -> None:
        """Initialize.

        Args:
            open_log: Creates the log; called at the first failure.
            incoming: Returns a writer for the store.
            keep: Records the artefacts that were put into the store.
        """
        self._open_log, self._incoming, self._keep = open_log, incoming, keep
        self._log: Any = None
        self._held: dict[str, list[Kept]] = {}
        self._coming: dict[str, Kept] = {}
        self._names: set[str] = set()
        self._taken = self._shown = self._more = 0
        self._closed = False
        self._turn = defer.DeferredLock()

    def take(self, event: AnyEvent) -> None:
        """Take an event of any kind without blocking; failures are queued for display."""
        if isinstance(event, Picture | Document):
            self._announced(event)
        elif isinstance(event, Piece):
            self._come(event)
        elif isinstance(event, TestResult):
            evidence = self._held.pop(event.place, [])
            if event.status in _SHOWN:
                self._show(event, evidence)

    def _announced(self, announced: Evidence) -> None:
        kept = Kept(announced)
        if self._taken + announced.size > _MOST and announced.sha256:
            kept.problem = "is left out: this stage has brought too much to show"
        elif announced.sha256:
            self._taken += announced.size
            self._coming[announced.sha256] = kept
        if announced.test:
            self._held.setdefault(announced.test, []).append(kept)
        elif kept.problem or not announced.sha256:
            self._show(None, [kept])

    def _come(self, piece: Piece) -> None:
        kept = self._coming.get(piece.sha256)
        if kept is None:
            return
        try:
            kept.data += base64.b64decode(piece.data, validate=True)
        except binascii.Error:
            kept.problem = "did not arrive whole"
        if kept.problem or len(kept.data) >= kept.announced.size:
            del self._coming[piece.sha256]
            if not kept.announced.test:
                self._show(None, [kept])

    def _show(self, test: TestResult | None, evidence: list[Kept]) -> None:
        if self._shown >= MOST_SHOWN:
            self._more += 1
            return
        self._shown += 1
        self._turn.run(lambda: defer.Deferred.fromCoroutine(self._write(test, evidence)))

    async def _write(self, test: TestResult | None, evidence: list[Kept]) -> None:
        """Write one failure to the log, then put its evidence into the store."""
        if self._closed:
            return
        try:
            for kept in evidence:
                kept.finish()
            shown = [
                failure_html.Shown(one.announced, bytes(one.data), one.problem) for one in evidence
            ]
            await self._add(await threads.deferToThread(failure_html.failure, test, shown))
            await self._store([one for one in evidence if not one.problem])
        except Exception:  # noqa: BLE001  the stage's result is worth more than its page
            log.err(None, "a failure could not be shown")

    async def _add(self, html: str) -> None:
        if self._log is None:
            self._log = await self._open_log()
            html = failure_html.head() + html
        await self._log.addContent(html)

    async def _store(self, evidence: list[Kept]) -> None:
        artefacts = []
        for kept in evidence:
            incoming = self._incoming()
            try:
                incoming.write(bytes(kept.data))
                announced = kept.announced
                await threads.deferToThread(incoming.commit, announced.sha256, len(kept.data))
            except Exception as error:  # noqa: BLE001  such as a full disk
                incoming.abort()
                remark = f"{kept.announced.title or kept.announced.path} is not kept: {error}"
                await self._add(failure_html.remark(remark))
            else:
                artefacts.append(self._artefact(kept))
        if artefacts:
            await self._keep(artefacts)

    def _artefact(self, kept: Kept) -> ArtefactLeft:
        file = as_allowed(kept.announced.path)
        name, number = f"evidence/{file}", 1
        while name in self._names:
            number += 1
            name = f"evidence/{number}-{file}"
        self._names.add(name)
        return ArtefactLeft(
            path=kept.announced.path,
            name=name,
            sha256=kept.announced.sha256,
            size=len(kept.data),
            media_type=kept.announced.media_type[:127],
            role="report",
        )

    async def close(self) -> None:
        """Wait until everything is written, report how much was left out, and close the log."""
        await self._turn.acquire()
        self._closed = True
        self._turn.release()
        try:
            if self._more:
                await self._add(failure_html.remark(failure_html.more(self._more)))
            if self._log is not None:
                await self._log.finish()
        except Exception:  # noqa: BLE001  as above
            log.err(None, "the log of failures could not be ended")
