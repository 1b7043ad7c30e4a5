"""Settings and sender of the notifier `webhook`."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from http import HTTPStatus
from pathlib import Path
from typing import ClassVar, Literal
from urllib.parse import urlsplit
from urllib.request import getproxies

import httpx
from pydantic import Field, field_validator

from slipway.model.duration import Duration
from slipway.model.kinds.notice import Notifier
from slipway.model.notices.notice import Notice
from slipway.model.notices.sending import Context, Refused, Retry, Sender
from slipway.model.secrets.location import SecretPlace
from slipway.notifiers.addresses import check_address
from slipway.notifiers.answers import beginning, one_line, pause_of
from slipway.notifiers.trust import lacking_authorities, reach, trust_of

__all__ = ["WebhookNotifier", "WebhookSender", "sign"]

_PREFIX = "whsec_"


class WebhookNotifier(Notifier):
    """Send each notice as JSON to a URL, signed as https://www.standardwebhooks.com says."""

    runner: ClassVar[str] = "slipway.notifiers.webhook.notifier:WebhookSender"

    kind: Literal["webhook"]
    url: str = Field(max_length=2000, examples=["https://chat.example.org/hooks/slipway"])
    """The address. https:// unless it is this machine."""
    secret: SecretPlace
    """What signs each notice: "whsec_" and base64, or any text of at least 16 characters."""
    old_secret: SecretPlace | None = None
    """The one before. While both are written each notice has both signatures, so that the receiver
    may change at any time."""
    authorities: str | None = None
    """A PEM file with the certificate authorities to trust in place of the system's; relative to
    the folder of pipeline.toml."""
    timeout: Duration = 20
    """How long the receiver may take."""

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        return check_address(url, "https://chat.example.org/hooks/slipway", "secret")

    def problems(self, folder: Path) -> Iterator[str]:
        """Yield a sentence if the file of authorities cannot be read."""
        yield from lacking_authorities(self.authorities, folder)


def sign(secret: str, identity: str, moment: int, body: bytes) -> str:
    """Return the signature of a message, as its header has it.

    Source of the form: https://github.com/standard-webhooks/standard-webhooks, "Signature scheme".

    Args:
        secret: The secret.
        identity: The message's identity.
        moment: When it is sent, in seconds since 1970.
        body: Its bytes.

    Raises:
        Retry: The secret is none.
    """
    if secret.startswith(_PREFIX):
        try:
            key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
        except (binascii.Error, ValueError):
            key = b""
    else:
        key = secret.encode()
    if len(key) < 16:  # noqa: PLR2004  128 bits, below which keys can be guessed
        msg = (
            "secret: is too short to be safe; make one: "
            'python -c "import secrets; print(secrets.token_hex(32))"'
        )
        raise Retry(msg, channel=True)
    digest = hmac.new(key, f"{identity}.{moment}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


class WebhookSender(Sender):
    """Sends notices to one URL."""

    settings: WebhookNotifier
    _client: httpx.Client | None = None
    clock: Callable[[], float] = staticmethod(time.time)

    def send(self, notice: Notice, context: Context) -> str:
        """Send a notice.

        Returns:
            What the receiver answered.

        Raises:
            Retry: It is away, or says 429 or 5xx.
            Refused: It says that it will never take this.
        """
        body = json.dumps(notice.model_dump(mode="json", by_alias=True)).encode()
        moment = int(self.clock())
        headers = {
            "content-type": "application/json",
            "user-agent": "Slipway",
            "webhook-id": context.key,
            "webhook-timestamp": str(moment),
            "webhook-signature": " ".join(
                sign(one, context.key, moment, body) for one in self._secrets()
            ),
        }
        return self._answer(body, headers)

    def check(self) -> str:
        """Reach the receiver and verify its certificate; nothing is posted."""
        for one in self._secrets():
            sign(one, "", 0, b"")
        if getproxies().keys() & {"http", "https", "all"}:
            return "it is reached through a proxy, and was not tried"
        parts = urlsplit(self.settings.url)
        is_tls = parts.scheme == "https"
        trust = trust_of(self.settings.authorities, self.site.folder) if is_tls else None
        port = parts.port or (443 if is_tls else 80)
        reach(parts.hostname or "", port, trust, self.settings.timeout)
        return f"{self._where} answers"

    def close(self) -> None:
        """End the connection."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _secrets(self) -> Iterator[str]:
        yield self.site.secret(self.settings.secret, "secret")
        if self.settings.old_secret is not None:
            yield self.site.secret(self.settings.old_secret, "old_secret")

    def _answer(self, body: bytes, headers: dict[str, str]) -> str:
        where = self._where
        try:
            with self._connected().stream(
                "POST", self.settings.url, content=body, headers=headers
            ) as answer:
                said = one_line(beginning(answer))
        except httpx.TransportError as error:
            self.close()
            why = one_line(str(error) or type(error).__name__)
            msg = f"{where} cannot be reached: {why}"
            raise Retry(msg, channel=True) from None
        code = answer.status_code
        if answer.is_success:
            return f"{code} {said}".strip()
        told = f"{where} answers {code}{f': {said}' if said else ''}"
        if answer.is_redirect:
            msg = f"{told}; notices are sent nowhere else: write the address it leads to as url"
            raise Retry(msg, channel=True)
        if code in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.REQUEST_TIMEOUT} or code >= 500:  # noqa: PLR2004
            raise Retry(told, after=pause_of(answer.headers.get("retry-after", "")), channel=True)
        if code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND}:
            # All notices get this answer until somebody has corrected the settings.
            msg = f"{told}; correct url or secret"
            raise Retry(msg, channel=True)
        raise Refused(told)

    @property
    def _where(self) -> str:
        """The address without what may be a secret in it."""
        parts = urlsplit(self.settings.url)
        return f"{parts.scheme}://{parts.netloc}/..."

    def _connected(self) -> httpx.Client:
        if self._client is None:
            trust = trust_of(self.settings.authorities, self.site.folder)
            # The machine's variables for proxies count; a .netrc does not.
            self._client = httpx.Client(
                verify=trust, timeout=self.settings.timeout, follow_redirects=False
            )
        return self._client
