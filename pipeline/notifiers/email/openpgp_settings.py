"""Settings of mails that are signed or encrypted by OpenPGP."""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from slipway.model.base import Part
from slipway.model.secrets.location import SecretPlace

__all__ = ["Encrypt", "MailOpenPgp"]


class Encrypt(StrEnum):
    """Whether mails are encrypted."""

    NEVER = "never"
    """They are signed alone."""
    POSSIBLE = "where-possible"
    """To those of whom there is a key."""
    ALWAYS = "always"
    """Who has no key gets none: the notice becomes a dead letter."""


class MailOpenPgp(Part):
    """Mails are signed by a key, and encrypted to those of the recipients."""

    key: str | None = Field(default=None, pattern=r"^[0-9A-Fa-f]{40}$|^[0-9A-Fa-f]{64}$")
    """The whole fingerprint of the key that signs, as `gpg --list-secret-keys` prints it. None:
    mails are not signed."""
    home: str | None = Field(default=None, min_length=1)
    """The folder of GnuPG with that key, relative to that of pipeline.toml. None: that of the user
    who runs the master."""
    passphrase: SecretPlace | None = None
    """The key's passphrase. None: it has none, or the user's agent knows it."""
    encrypt: Encrypt = Encrypt.NEVER
    """One of "never", "where-possible" and "always"."""
    keys: str | None = Field(default=None, min_length=1)
    """A folder with public keys of recipients, relative to that of pipeline.toml: a file
    ADDRESS.asc or PERSON.asc for each."""
    wkd: bool = False
    """True: keys that are not in that folder are asked of the recipient's own domain by HTTPS, as
    the Web Key Directory says."""
    program: str = Field(default="gpg", min_length=1)
    """GnuPG's program."""

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        has_keys = self.keys is not None or self.wkd
        if self.encrypt is not Encrypt.NEVER and not has_keys:
            msg = "to encrypt, say where the keys of recipients are: write keys, or wkd = true"
            raise ValueError(msg)
        if self.encrypt is Encrypt.NEVER and self.key is None:
            msg = 'neither signs nor encrypts; write key, or encrypt = "where-possible"'
            raise ValueError(msg)
        return self
