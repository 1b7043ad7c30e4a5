"""Speak with one service by Apprise, in a process of its own: `python -m` this module.

Apprise's plugins read whole answers, follow redirects with what is secret, and log what they send.
None of it reaches the master: here answers are read to a bound, redirects are not followed, and
nothing but this program's own lines of JSON leaves it. It says what went wrong by facts (a status,
the kind of an exception), never by a text of Apprise or of the service.
"""

from __future__ import annotations

import io
import json
import logging
import os
import sys
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TextIO

__all__ = ["main"]

_MOST_READ = 256_000
_MORE = "\n..."
#: What Apprise keeps free beside a title, for numbers of parts.
_COUNT = 40


@dataclass
class _Seen:
    """What went wrong first, or else the last answer: what follows a failure is its consequence."""

    facts: dict[str, Any] = field(default_factory=dict)
    has_failed: bool = False

    def answered(self, response: Any) -> None:
        """Keep an answer's status."""
        after = str(response.headers.get("retry-after", ""))[:100]
        is_bad = response.status_code >= 300  # noqa: PLR2004
        self._keep({"status": int(response.status_code), "after": after}, is_bad=is_bad)

    def failed(self, error: Exception) -> None:
        """Keep the kinds of an exception, its own first; its text may hold the address."""
        self._keep({"errors": [one.__name__ for one in type(error).__mro__]}, is_bad=True)

    def _keep(self, facts: dict[str, Any], *, is_bad: bool) -> None:
        if not self.has_failed:
            self.facts, self.has_failed = facts, is_bad


class _Speaker:
    """Apprise, for one process."""

    def __init__(self) -> None:
        import apprise  # it takes half a second, and may not be installed
        from apprise.conversion import convert_between

        self._apprise: Any = apprise
        self._convert: Any = convert_between
        self._seen = _Seen()
        self._timeout = 20.0
        self._asset = apprise.AppriseAsset(
            app_id="Slipway",
            app_desc="Slipway",
            app_url="",
            async_mode=False,
            interpret_emojis=False,
            interpret_escapes=False,
            pgp_autogen=False,
            pem_autogen=False,
            http_redirects=False,
            storage_mode=apprise.PersistentStoreMode.MEMORY,
            allow_templates=False,
            image_url_mask="",
            image_url_logo="",
        )
        self._bound_requests()

    def _bound_requests(self) -> None:
        """Have all that uses requests read little, follow nothing, and give up in time."""
        import requests

        original, speaker = requests.sessions.Session.request, self

        def request(session: Any, method: Any, url: Any, *given: Any, **keys: Any) -> Any:
            keys |= {"allow_redirects": False, "stream": True, "timeout": speaker._timeout}
            try:
                response = original(session, method, url, *given, **keys)
                content = response.raw.read(_MOST_READ, decode_content=True)
            except Exception as error:
                speaker._seen.failed(error)
                raise
            response.raw.close()
            response.raw = io.BytesIO(content)
            speaker._seen.answered(response)
            return response

        requests.sessions.Session.request = request  # type: ignore[method-assign, assignment]

    def do(self, order: Mapping[str, Any]) -> dict[str, Any]:
        """Look at an address, or send."""
        self._seen, self._timeout = _Seen(), float(order["timeout"])
        server = self._apprise.Apprise.instantiate(order["url"], asset=self._asset)
        if server is None:
            return self._unread(order["url"])
        facts = _facts(server)
        if "title" not in order:
            return facts
        sent = bool(self._send(server, order))
        return facts | self._seen.facts | {"sent": sent}

    def _unread(self, url: str) -> dict[str, Any]:
        """Return why an address cannot be used."""
        schema = url.partition("://")[0].lower()
        known = self._apprise.NotificationManager()
        if schema not in known:
            return {"unread": "unknown"}
        plugin: Any = known[schema]
        name = str(plugin.service_name)
        needed = plugin.requirements.get("packages_required") or []
        if not plugin.enabled:
            packages = [needed] if isinstance(needed, str) else [str(one) for one in needed]
            return {"unread": "library", "service": name, "packages": packages}
        return {"unread": "wrong", "service": name}

    def _send(self, server: Any, order: Mapping[str, Any]) -> bool:
        texts, kinds = self._apprise.NotifyFormat, self._apprise.NotifyType
        hub = self._apprise.Apprise(asset=self._asset)
        hub.add(server)
        server.overflow_mode = self._apprise.OverflowMode.TRUNCATE
        title, text = str(order["title"]), str(order["text"])
        if server.title_maxlen <= 0:
            # Apprise makes a heading of it, with signs that not every service takes away.
            title, text = "", f"{title}\n{text}"
        room = server.body_maxlen - len(title) - _COUNT
        form = server.resolve_format(texts.TEXT)

        def length(body: str) -> int:
            # Escapes make a text longer where the service takes another form.
            converted = self._convert(texts.TEXT, form, body)
            return max(len(converted), len(server.dialect_convert(converted, form)))

        return bool(
            hub.notify(
                body=_fitting(text, str(order["link"]), room, length),
                title=title,
                notify_type=kinds(order["type"]),
                body_format=texts.TEXT,
            )
        )


def _facts(server: Any) -> dict[str, Any]:
    secure = server.secure_protocol
    schemas = [secure] if isinstance(secure, str) else list(secure or ())
    return {
        "service": str(server.service_name),
        "host": str(getattr(server, "host", None) or ""),
        "verifies": bool(server.verify_certificate),
        "is_secure": bool(server.secure) or str(server.schema) in schemas,
        "secure": str(schemas[0]) if schemas else "",
    }


def _fitting(text: str, link: str, room: int, length: Callable[[str], int]) -> str:
    """Return a text with the link at its end, cut before it.

    Args:
        text: The text.
        link: What stays.
        room: What the service takes.
        length: Returns the length that a text has there.
    """
    kept = min(len(text), max(room, 0))
    while kept > 0:
        cut = text if kept == len(text) else text[:kept].rstrip() + _MORE
        made = f"{cut}\n\n{link}"
        size = length(made)
        if size <= room:
            return made
        # Closer each time, and by at least one character.
        kept = min(kept - 1, int(kept * room / size * 0.98))
    return link


def main() -> None:
    """Do what comes line by line, until the input ends."""
    out = _own_output()
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    speaker = _Speaker()
    for line in sys.stdin:
        try:
            done = speaker.do(json.loads(line))
        except Exception as error:  # noqa: BLE001  a plugin may raise anything
            done = {"errors": [one.__name__ for one in type(error).__mro__]}
        out.write(json.dumps(done) + "\n")
        out.flush()


def _own_output() -> TextIO:
    """Return the output, and send whatever else is written to nowhere."""
    mine = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    return mine


if __name__ == "__main__":
    main()
