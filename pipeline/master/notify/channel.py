"""Notification channel: sends the notices of one notifier in order, in its own thread."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable

from slipway.master.notify.senders import make_sender
from slipway.model.errors import error_line
from slipway.model.kinds.notice import Notifier
from slipway.model.notices.notice import Notice
from slipway.model.notices.sending import Context, Recipient, SendingSite
from slipway.scripts.terminal_text import plain

__all__ = ["MOST", "PAUSES", "Channel"]

#: Maximum number of waiting notices; further ones are dropped.
MOST = 1000
#: Seconds before each retry.
PAUSES = (1.0, 10.0, 60.0)


class Channel:
    """Sends notices and retries failures; never blocks a run."""

    def __init__(self, name: str, settings: Notifier, report: Callable[[str], None]) -> None:
        """Start the thread.

        Args:
            name: The notifier's name in pipeline.toml.
            settings: The notifier.
            report: Called in the channel's thread with a sentence about each notice that was not
                sent.
        """
        self._name, self._settings, self._report = name, settings, report
        self._waiting: queue.Queue[Notice | None] = queue.Queue(MOST)
        self._ended = threading.Event()
        # A daemon thread: a notifier that hangs must not block the end of the master.
        self._thread = threading.Thread(target=self._work, name=f"notify {name}", daemon=True)
        self._thread.start()

    def put(self, notice: Notice) -> None:
        """Queue a notice if this channel wants it."""
        if not self._settings.wants(notice):
            return
        try:
            self._waiting.put_nowait(notice)
        except queue.Full:
            self._report(f"notify.{self._name}: {MOST} notices wait; {notice.id} is left out")

    def end(self) -> None:
        """Stop sending; does not wait for a notice that is being sent."""
        self._ended.set()
        with contextlib.suppress(queue.Full):
            self._waiting.put_nowait(None)

    def _work(self) -> None:
        while not self._ended.is_set():
            notice = self._waiting.get()
            if notice is not None and not self._ended.is_set():
                self._send(notice)

    def _send(self, notice: Notice) -> None:
        for pause in (*PAUSES, None):
            try:
                context = Context(Recipient(), key=notice.id)
                make_sender(self._settings, SendingSite()).send(notice, context)
            except (Exception, SystemExit) as error:  # noqa: BLE001  a plugin may raise anything
                why = plain(error_line(error))[:300]
                if pause is None:
                    self._report(f"notify.{self._name}: {notice.id} was not sent: {why}")
                elif self._ended.wait(pause):
                    return
            else:
                return
