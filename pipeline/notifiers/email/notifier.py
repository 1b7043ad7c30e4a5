"""Settings of the notifier `email`."""

from __future__ import annotations

from collections.abc import Iterator
from email.headerregistry import Address
from email.utils import parseaddr
from enum import StrEnum
from pathlib import Path
from typing import ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from slipway.model.duration import Duration
from slipway.model.kinds.notice import Notifier
from slipway.model.secrets.location import SecretPlace
from slipway.model.site import is_loopback
from slipway.notifiers.email.openpgp_settings import Encrypt, MailOpenPgp
from slipway.notifiers.trust import lacking_authorities

__all__ = ["EmailNotifier", "Security"]


class Security(StrEnum):
    """How the connection to the server is kept from others."""

    STARTTLS = "starttls"
    """It begins in plain and is encrypted before anything is said; without that nothing is sent."""
    TLS = "tls"
    """It is encrypted from its first byte."""
    NONE = "none"
    """It is not, and nobody signs in by it, unless the server is this machine."""


_PORTS = {Security.STARTTLS: 587, Security.TLS: 465, Security.NONE: 25}


class EmailNotifier(Notifier):
    """Send mails to people by an SMTP server: one to each, with text and HTML."""

    runner: ClassVar[str] = "slipway.notifiers.email.sender:EmailSender"
    to_persons: ClassVar[bool] = True

    kind: Literal["email"]
    host: str = Field(min_length=1, max_length=253, pattern=r"^[A-Za-z0-9._:-]+$")
    """The server's name, as in its certificate."""
    port: int | None = Field(default=None, ge=1, le=65535)
    """Its port. None: 587 for "starttls", 465 for "tls", 25 for "none"."""
    security: Security = Security.STARTTLS
    """One of "starttls", "tls" (from the first byte), and "none": only for a server that takes mail
    from this machine without a password."""
    sender: str = Field(min_length=3, max_length=320, examples=["Slipway <ci@example.org>"])
    """Who the mails are from."""
    user: str = Field(default="", max_length=320)
    """Who signs in at the server. Empty: nobody."""
    password: SecretPlace | None = None
    """The user's password."""
    token: SecretPlace | None = None
    """In place of a password: an OAuth 2 access token (XOAUTH2), by a command that gets one."""
    authorities: str | None = None
    """A PEM file with the certificate authorities to trust in place of the system's; relative to
    the folder of pipeline.toml."""
    timeout: Duration = 30
    """How long the server may take for an answer."""
    openpgp: MailOpenPgp | None = None
    """Sign mails, and encrypt them. None: they are neither."""

    @field_validator("sender")
    @classmethod
    def _is_an_address(cls, sender: str) -> str:
        if not sender.isprintable():
            msg = "is one line without control characters"
            raise ValueError(msg)
        name, address = parseaddr(sender)
        local, at, domain = address.rpartition("@")
        try:
            Address(name, addr_spec=address)
            domain.encode("ascii")
        except (ValueError, IndexError):
            at = ""
        if not (local and at and domain):
            msg = 'is no address; write "ci@example.org" or "Slipway <ci@example.org>"'
            raise ValueError(msg)
        return sender

    @model_validator(mode="after")
    def _signs_in_safely(self) -> Self:
        given = [one for one in (self.password, self.token) if one is not None]
        if self.user and len(given) != 1:
            msg = "a user signs in by a password or a token; write one of them"
            raise ValueError(msg)
        if given and not self.user:
            msg = "a password or token is a user's; write user, too"
            raise ValueError(msg)
        if given and self.security is Security.NONE and not is_loopback(self.host):
            msg = 'a password is not sent in plain to another machine; write security = "starttls"'
            raise ValueError(msg)
        return self

    @property
    def server_port(self) -> int:
        """The port."""
        return self.port or _PORTS[self.security]

    @property
    def sender_address(self) -> str:
        """The address alone."""
        return parseaddr(self.sender)[1]

    def problems(self, folder: Path) -> Iterator[str]:
        """Yield sentences of files that are not there: authorities, recipients' keys."""
        yield from lacking_authorities(self.authorities, folder)
        signs = self.openpgp
        if signs is None:
            return
        if signs.keys is not None and not (folder / signs.keys).is_dir():
            yield f'openpgp.keys: there is no folder "{signs.keys}"'
        if signs.key is None and signs.encrypt is Encrypt.POSSIBLE:
            yield "openpgp: without a key that signs, who has no key gets mails that are plain"

    @property
    def secret_places(self) -> tuple[SecretPlace, ...]:
        """The places of its secrets, that of the OpenPGP key's passphrase among them."""
        passphrase = self.openpgp.passphrase if self.openpgp else None
        return (*super().secret_places, *([passphrase] if passphrase else []))
