"""Channel: sends the deliveries of one notifier in its own thread, and says how each went."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from slipway.ledger.outbox.queue import Answer, Leased
from slipway.master.notify.senders import make_sender
from slipway.model.errors import error_line
from slipway.model.kinds.notice import Notifier
from slipway.model.notices.delivery import DeliveryState
from slipway.model.notices.notice import Notice
from slipway.model.notices.sending import Context, Refused, Retry, Sender, SendingSite
from slipway.scripts.terminal_text import plain

__all__ = ["PAUSES", "Channel", "Work"]

#: Seconds of a channel's pauses while its server is away; the last one is repeated.
PAUSES = (1.0, 5.0, 15.0, 60.0, 300.0)
#: Seconds without work after which a connection is closed, or made anew where it stays.
_IDLE = 20.0
#: Seconds between two looks at what has come, where a connection stays.
_LISTENS = 0.5
_LONGEST = 1000


@dataclass(frozen=True)
class Work:
    """A delivery with all that its sender needs."""

    leased: Leased
    notice: Notice
    context: Context


@dataclass
class _Pause:
    """How long nothing is tried, since nothing can be sent."""

    tries: int = 0
    until: float = 0.0
    why: str = ""

    def begin(self, why: str, after: float | None) -> None:
        pause = PAUSES[min(self.tries, len(PAUSES) - 1)]
        self.tries += 1
        self.why = why
        self.until = time.monotonic() + min(max(pause, after or 0.0), 86400.0)

    @property
    def left(self) -> float:
        return max(0.0, self.until - time.monotonic())


@dataclass
class _State:
    """What the reactor's thread sees of a channel."""

    since: float | None = None
    """When the sending that is at work began."""
    pause: _Pause = field(default_factory=_Pause)


class Channel:
    """Sends what it is given, one after the other; never blocks whoever gives it."""

    def __init__(
        self,
        name: str,
        settings: Notifier,
        site: SendingSite,
        answered: Callable[[Channel, Answer], None],
        report: Callable[[str], None],
    ) -> None:
        """Start the thread.

        Args:
            name: The notifier's name in pipeline.toml.
            settings: The notifier.
            site: The site.
            answered: Called in the channel's thread with how each delivery went.
            report: Called in the channel's thread with sentences for the master's log.
        """
        self.name, self.settings = name, settings
        self._site, self._answered, self._report = site, answered, report
        self._work: queue.Queue[Sequence[Work] | None] = queue.Queue()
        self._ended, self._lock = threading.Event(), threading.Lock()
        self._state = _State()
        self._open: list[int] = []
        self._given_up = False
        self._sender: Sender | None = None
        # A daemon thread: a channel that hangs must not hold the end of the master.
        self._thread = threading.Thread(target=self._run, name=f"notify {name}", daemon=True)
        self._thread.start()

    # ---- for the reactor's thread

    @property
    def waiting(self) -> int:
        """The number of deliveries that were given and are not answered."""
        return len(self._open)

    @property
    def pause(self) -> float:
        """Seconds for which nothing should be given, since the server is away."""
        return self._state.pause.left

    @property
    def hangs(self) -> float:
        """Seconds since the sending began that is at work; 0 if none is."""
        since = self._state.since
        return 0.0 if since is None else time.monotonic() - since

    @property
    def is_alive(self) -> bool:
        """True while its thread has not ended."""
        return self._thread.is_alive()

    @property
    def is_given_up(self) -> bool:
        """True if nothing that it still says counts."""
        return self._given_up

    @property
    def at_work(self) -> int | None:
        """The delivery that is being sent."""
        return self._open[0] if self._open else None

    def give_up(self) -> list[int]:
        """End a channel that hangs: whatever its thread still says does not count.

        Returns:
            The deliveries that it was given and has not answered, the one at work first.
        """
        with self._lock:
            self._given_up = True
            found = list(self._open)
        self.end()
        return found

    def put(self, work: Sequence[Work]) -> None:
        """Give deliveries."""
        with self._lock:
            self._open += [one.leased.id for one in work]
        self._work.put(work)

    def end(self) -> None:
        """Stop; does not wait for a delivery that is being sent."""
        self._ended.set()
        self._work.put(None)

    def join(self, seconds: float) -> None:
        """Wait for the thread's end, at most some seconds."""
        self._thread.join(seconds)

    # ---- the channel's thread

    def _run(self) -> None:
        try:
            stays = self._begin()
            while not self._ended.is_set():
                try:
                    work = self._work.get(timeout=_LISTENS if stays else _IDLE)
                except queue.Empty:
                    if stays:
                        self._listen()
                    else:
                        self._close()
                    continue
                if work is not None:
                    self._send_all(work)
        finally:
            self._close()

    def _begin(self) -> bool:
        """Connect what stays; return whether it does."""
        try:
            sender = self._made()
            if sender.stays:
                sender.begin()
        except (Exception, SystemExit) as error:  # noqa: BLE001  a plugin may raise anything
            self._lost(error)
        return self._sender is not None and self._sender.stays

    def _listen(self) -> None:
        """Do what has come; connect anew after a loss, when its pause is over."""
        if self._state.pause.left:
            return
        try:
            sender = self._made()
            sender.begin()
            self._state.pause.tries = 0
            sender.listen()
        except (Exception, SystemExit) as error:  # noqa: BLE001  a plugin may raise anything
            self._lost(error)

    def _lost(self, error: BaseException) -> None:
        """Close, and pause as after a sending for which the server was away."""
        after = error.after if isinstance(error, Retry) else None
        why = str(error) if isinstance(error, Retry | Refused) else error_line(error)
        self._state.pause.begin(why, after)
        self._close()
        self._report(f"notify.{self.name}: {plain(why)[:300]}")

    def _made(self) -> Sender:
        if self._sender is None:
            self._sender = make_sender(self.settings, self._site)
        return self._sender

    def _close(self) -> None:
        if self._sender is not None:
            with contextlib.suppress(Exception):
                self._sender.close()

    def _send_all(self, work: Sequence[Work]) -> None:
        failed: set[tuple[str, str]] = set()
        for one in work:
            thread = (one.leased.person, one.leased.thread)
            is_behind = bool(one.leased.thread) and thread in failed
            if self._ended.is_set() or is_behind or self._state.pause.left:
                answer = Answer(one.leased.id, DeliveryState.WAITING, after=self.pause)
            else:
                answer = self._send(one)
            if answer.state == DeliveryState.FAILED:
                failed.add(thread)
            with self._lock:
                self._open.remove(one.leased.id)
            self._answered(self, answer)

    def _send(self, one: Work) -> Answer:
        self._state.since = time.monotonic()
        try:
            said = self._made().send(one.notice, one.context) or ""
        except Refused as error:
            return self._ended_badly(one, DeliveryState.DEAD, error)
        except Retry as error:
            if error.channel:
                self._state.pause.begin(str(error), error.after)
                self._close()
            return self._ended_badly(one, DeliveryState.FAILED, error, error.after)
        except OSError as error:
            self._state.pause.begin(error_line(error), None)
            self._close()
            return self._ended_badly(one, DeliveryState.FAILED, error)
        except (Exception, SystemExit) as error:  # noqa: BLE001  a plugin may raise anything
            self._close()
            return self._ended_badly(one, DeliveryState.FAILED, error)
        finally:
            self._state.since = None
        self._state.pause.tries = 0
        return Answer(
            one.leased.id, DeliveryState.SENT, plain(str(said))[:_LONGEST], at=time.time()
        )

    def _ended_badly(
        self, one: Work, state: DeliveryState, error: BaseException, after: float | None = None
    ) -> Answer:
        sentence = str(error) if isinstance(error, Retry | Refused) else error_line(error)
        why = plain(sentence or type(error).__name__)[:_LONGEST]
        what = "will not be sent" if state == DeliveryState.DEAD else "was not sent"
        to = f" to {one.leased.person}" if one.leased.person else ""
        self._report(f"notify.{self.name}: {one.notice.id}{to} {what}: {why[:300]}")
        return Answer(one.leased.id, state, why, after, at=time.time())
