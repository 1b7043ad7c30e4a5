"""Send notices by Apprise, which runs in a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import ssl
import subprocess
import sys
import threading
from collections.abc import Mapping
from typing import Any

from slipway.model.notices.events import Mood
from slipway.model.notices.notice import Notice
from slipway.model.notices.sending import Context, Retry, Sender
from slipway.notifiers.apprise.failures import failure, unusable
from slipway.notifiers.apprise.notifier import LACKS, AppriseNotifier, has_apprise
from slipway.notifiers.apprise.texts import texts_of
from slipway.notifiers.trust import trust_of

__all__ = ["AppriseSender"]

_TYPES = {
    Mood.GOOD: "success",
    Mood.BAD: "failure",
    Mood.WAITS: "warning",
    Mood.PLAIN: "info",
}
#: The variables that its process gets; what else the master has may be secret.
_VARIABLES = (
    *("PATH", "PYTHONPATH", "SYSTEMROOT", "TMPDIR", "TEMP", "LANG", "LC_ALL"),
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "DBUS_SESSION_BUS_ADDRESS"),
)
#: A service may be asked several times for one notice: to sign in, to join, to send.
_REQUESTS = 6
_LOADING = 30.0
_END = 2.0


class AppriseSender(Sender):
    """Sends to one address of Apprise."""

    settings: AppriseNotifier
    _child: _Child | None = None

    def send(self, notice: Notice, context: Context) -> str:  # noqa: ARG002  one recipient
        """Send a notice.

        Returns:
            The service's name.

        Raises:
            Retry: The service is away or refuses; or the address cannot be used.
        """
        title, text = texts_of(notice)
        order = {"title": title, "text": text, "link": notice.url, "type": _TYPES[notice.mood]}
        url = self._usable_url()[0]
        found = self._ask(url, order)
        if not found.get("sent"):
            raise failure(found, self.settings.timeout)
        status = f" ({found['status']})" if found.get("status") else ""
        return f"{found.get('service', '')} has taken it{status}"

    def check(self) -> str:
        """Read the address; the service is not asked, for most can only be asked to tell people."""
        return f"the address is one of {self._usable_url()[1]}; nobody was told"

    def close(self) -> None:
        """End the process."""
        child, self._child = self._child, None
        if child is not None:
            child.end()

    def _usable_url(self) -> tuple[str, str]:
        """Return the address and its service's name.

        Raises:
            Retry: It cannot be used, or Apprise is not here.
        """
        if not has_apprise():
            raise Retry(LACKS, channel=True)
        url = self.site.secret(self.settings.url, "url")
        found = self._ask(url, {})
        problem = unusable(found, url)
        if problem is not None:
            raise problem
        return url, str(found["service"])

    def _ask(self, url: str, order: Mapping[str, Any]) -> dict[str, Any]:
        """Have something done with an address, and return the facts of it."""
        if self._child is None:
            self._child = _Child(self._variables())
        patience = _LOADING + self.settings.timeout * _REQUESTS
        given = {"url": url, "timeout": self.settings.timeout, **order}
        found = self._child.ask(given, patience)
        if found is None:
            self.close()
            msg = f"Apprise did not answer within {patience:.0f} seconds, or has ended"
            raise Retry(msg, channel=True)
        return found

    def _variables(self) -> dict[str, str]:
        """Return the environment of the process."""
        found = {name: os.environ[name] for name in _VARIABLES if name in os.environ}
        # A .netrc of the master's user is not for services.
        found |= {"NETRC": os.devnull, "PYTHONUTF8": "1"}
        authorities = self.settings.authorities
        if authorities is not None:
            trust_of(authorities, self.site.folder)
            found["REQUESTS_CA_BUNDLE"] = str((self.site.folder / authorities).resolve())
        elif system := ssl.get_default_verify_paths().cafile:
            found["REQUESTS_CA_BUNDLE"] = os.environ.get("SSL_CERT_FILE") or system
        return found


class _Child:
    """The process in which Apprise runs."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._answers: queue.Queue[str] = queue.Queue()
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "slipway.notifiers.apprise.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=dict(variables),
            encoding="utf-8",
        )
        self._reader = threading.Thread(target=self._read, name="apprise", daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self._process.stdout or ():
            self._answers.put(line)
        self._answers.put("")

    def ask(self, order: Mapping[str, Any], patience: float) -> dict[str, Any] | None:
        """Return the answer; None if there is none in time."""
        stream = self._process.stdin
        try:
            if stream is not None:
                stream.write(json.dumps(order) + "\n")
                stream.flush()
            found: dict[str, Any] = json.loads(self._answers.get(timeout=patience))
        except (OSError, ValueError, queue.Empty):
            return None
        return found

    def end(self) -> None:
        """End it, whatever it does: it keeps nothing."""
        self._process.kill()
        self._process.wait()
        self._reader.join(_END)
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
