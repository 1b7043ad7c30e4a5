"""Unsubscribe addresses: signed, without a session, for one person and one channel.

The token names the person and the channel and is signed by a key of the site's. It lets its holder
end these notices and nothing else; the person's own rules show it and can undo it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from pathlib import Path

from slipway.model.errors import WrongInput
from slipway.state_folder import made_secret

__all__ = ["PATH", "Unsubscribing"]

#: The page, below the site's URL.
PATH = "unsubscribe"
_LONGEST = 400
_KEY = "unsubscribe-key"


class Unsubscribing:
    """Makes and reads the tokens of one site."""

    def __init__(self, folder: Path) -> None:
        """Read the key, or make it.

        Args:
            folder: The folder of notices in the state folder.
        """
        self._key = made_secret(folder / _KEY).encode()

    def url(self, site: str, person: str, channel: str) -> str:
        """Return the address that ends a person's notices by a channel."""
        return f"{site}{PATH}?token={self.token(person, channel)}"

    def token(self, person: str, channel: str) -> str:
        """Return the token of a person and a channel."""
        text = f"{channel}\n{person}".encode()
        return f"{_encoded(text)}.{_encoded(self._sign(text))}"

    def read(self, token: str) -> tuple[str, str]:
        """Return the person and the channel of a token.

        Raises:
            WrongInput: The token was not made by this site.
        """
        text, _, signature = token[:_LONGEST].partition(".")
        try:
            given, signed = _decoded(text), _decoded(signature)
            channel, _, person = given.decode().partition("\n")
        except (ValueError, binascii.Error):
            given, signed, channel, person = b"", b"", "", ""
        if not person or not hmac.compare_digest(signed, self._sign(given)):
            msg = "this address is not whole; use the one in the notice, or sign in and set rules"
            raise WrongInput(msg)
        return person, channel

    def _sign(self, text: bytes) -> bytes:
        return hmac.new(self._key, text, hashlib.sha256).digest()[:20]


def _encoded(text: bytes) -> str:
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def _decoded(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
