"""A worker, as the master sees it: it is greeted, and can be asked about its machine."""

from __future__ import annotations

import time
from typing import Any

from buildbot.worker import Worker
from twisted.internet import defer
from twisted.python import log
from twisted.python.failure import Failure
from twisted.spread import pb

from slipway import __version__
from slipway.workers.health.master_facts import clock_sentence, read_time, version_sentence

__all__ = ["NoAnswer", "SiteWorker"]

#: Seconds that a worker may take to answer a greeting, and for the checks of its machine.
_GREETING, _CHECKING = 30, 90
_OLD = b"twisted.spread.flavors.NoSuchMethod"


class NoAnswer(Exception):
    """A worker does not answer; the message is a sentence for people."""


class SiteWorker(Worker):
    """A worker of the site."""

    _told: frozenset[str] = frozenset()

    @defer.inlineCallbacks
    def attached(self, conn: Any) -> Any:
        """Greet the worker once it is there; nothing waits for its answer."""
        yield super().attached(conn)
        if self.conn is conn:
            greeting: Any = defer.ensureDeferred(self._greet(conn))
            greeting.addErrback(log.err, f"while greeting the worker {self.workername}")

    async def _greet(self, conn: Any) -> None:
        """Tell the worker who the master is; log what is wrong with its version or clock."""
        sent = time.time()
        try:
            answer = await self._call(conn, "slipway_greet", _GREETING, __version__, sent)
        except NoAnswer:
            # Gone again; or its stages will say that it is of an older version.
            return
        facts = answer if isinstance(answer, dict) else {}
        version, theirs = str(facts.get("version", "?"))[:40], read_time(facts.get("time"))
        # Half the way there and back is taken for the way there.
        here = (sent + time.time()) / 2
        ahead = 0.0 if theirs is None else theirs - here
        whose = f"the worker {self.workername}"
        sentences = {
            "version": version_sentence(__version__, _printable(version), whose),
            "clock": clock_sentence(ahead, whose),
        }
        told = frozenset(name for name, sentence in sentences.items() if sentence)
        for name in sorted(told - self._told):
            log.msg(sentences[name])
        self._told = told

    async def ask_for_checks(self) -> tuple[Any, float]:
        """Have the worker check its machine.

        Returns:
            Whatever it answers, and the time by the master's clock when it was asked.

        Raises:
            NoAnswer: It is not connected, is too old, or does not answer.
        """
        if self.conn is None:
            msg = "it is not connected; check it on its machine: slipway worker check DIR"
            raise NoAnswer(msg)
        return await self._call(self.conn, "slipway_check", _CHECKING), time.time()

    async def _call(self, conn: Any, name: str, patience: float, *given: Any) -> Any:
        try:
            calling: Any = conn.mind.callRemote(name, *given)
            return await calling.addTimeout(patience, self.master.reactor)
        except defer.TimeoutError:
            msg = f"it has not answered within {patience} s"
            raise NoAnswer(msg) from None
        except (pb.PBConnectionLost, pb.DeadReferenceError):
            msg = "it has lost its connection"
            raise NoAnswer(msg) from None
        except pb.RemoteError as error:
            if error.remoteType in (_OLD, _OLD.decode()):
                msg = "it was set up by an older Slipway, which cannot do that; make a new bundle"
            else:
                msg = "it failed; its log says why"
            raise NoAnswer(msg) from None
        except Exception:  # noqa: BLE001  whatever a worker sends, the master goes on
            log.err(Failure(), f"while asking the worker {self.workername}")
            msg = "its answer makes no sense; the master's log says more"
            raise NoAnswer(msg) from None


def _printable(text: str) -> str:
    return "".join(sign if sign.isprintable() else "?" for sign in text)
