"""Reach the server of each notifier and sign in; nothing is sent."""

from __future__ import annotations

import threading
import time

from slipway.cli.lib.sending_site import sending_site
from slipway.cli.preflight.findings import Finding, Outlook
from slipway.master.notify.senders import make_sender
from slipway.model.errors import SlipwayError, error_line
from slipway.model.kinds.notice import Notifier
from slipway.scripts.terminal_text import plain

__all__ = ["channels"]

#: Seconds that all servers have to answer, side by side.
_PATIENCE = 20.0


def channels(outlook: Outlook, seconds: float = _PATIENCE) -> list[Finding]:
    """Return a warning for each notifier that could send nothing now.

    Args:
        outlook: The site.
        seconds: How long the servers may take, together.
    """
    tries = {name: _Try(outlook, one) for name, one in outlook.site.notify.items()}
    for one in tries.values():
        one.start()
    end = time.monotonic() + seconds
    for one in tries.values():
        one.join(max(0.0, end - time.monotonic()))
    found = []
    for name, one in tries.items():
        why = f"it has not answered within {seconds:g} s" if one.is_alive() else one.why
        if why:
            found.append(Finding(("notify", name), why))
    return found


class _Try(threading.Thread):
    """A thread for one server; the command's end does not wait for it."""

    def __init__(self, outlook: Outlook, notifier: Notifier) -> None:
        super().__init__(daemon=True)
        self._outlook, self._notifier = outlook, notifier
        self.why = ""

    def run(self) -> None:
        outlook = self._outlook
        try:
            site = sending_site(outlook.site, outlook.folder, outlook.home)
            sender = make_sender(self._notifier, site)
            try:
                sender.check()
            finally:
                sender.close()
        except SlipwayError as error:
            self.why = plain(str(error))
        except (Exception, SystemExit) as error:  # noqa: BLE001  a plugin may raise anything
            self.why = plain(error_line(error))
