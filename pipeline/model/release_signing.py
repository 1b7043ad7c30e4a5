"""Settings of who signs releases."""

from __future__ import annotations

from typing import Self

from pydantic import Field, field_validator, model_validator

from slipway.model.base import Part
from slipway.model.secrets.location import PLACES, SecretPlace

__all__ = ["OpenPgp", "ReleaseKey", "Sigstore"]


class ReleaseKey(SecretPlace):
    """Where the private key is that signs releases, or the program that signs with it."""

    file: str | None = None
    """Path of a file with the private key as PEM, readable by its owner alone."""
    program: tuple[str, ...] | None = Field(
        default=None, min_length=1, examples=[["sign-by-token", "--slot", "1"]]
    )
    """A program and its arguments, run where `pipeline.toml` lies, that signs: it gets the bytes on
    its standard input and prints the Ed25519 signature, as 64 bytes, in base64 or in hexadecimal
    digits. It has 60 seconds; no shell reads it."""
    public_key: str | None = None
    """The file with the program's public key, as PEM."""

    @field_validator("program")
    @classmethod
    def _is_a_program(cls, program: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if program is not None and (not program[0] or any("\0" in word for word in program)):
            msg = "the program's name is empty, or a word holds a NUL; no system can start that"
            raise ValueError(msg)
        return program

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        places = (self.env, self.file, self.command, self.program)
        if sum(one is not None for one in places) != 1:
            msg = f'write one place: {PLACES}, or program = ["program", "argument"]'
            raise ValueError(msg)
        if (self.program is None) != (self.public_key is None):
            msg = 'program and public-key belong together: public-key = "release.pub"'
            raise ValueError(msg)
        return self


class OpenPgp(Part):
    """An OpenPGP key that signs SHA256SUMS, too: SHA256SUMS.asc."""

    key: str = Field(pattern=r"^[0-9A-Fa-f]{40}$|^[0-9A-Fa-f]{64}$")
    """Its whole fingerprint, as `gpg --list-secret-keys` prints it."""
    home: str | None = Field(default=None, min_length=1)
    """The folder of its keys, relative to that of pipeline.toml. None: that of the user who runs
    the master."""
    passphrase: SecretPlace | None = None
    """Its passphrase. None: it has none, or the user's agent knows it."""
    program: str = Field(default="gpg", min_length=1)
    """GnuPG's program."""


class Sigstore(Part):
    """A signature of SHA256SUMS without a key: SHA256SUMS.sigstore.json."""

    token: SecretPlace | None = None
    """An identity token of OpenID Connect. None: that of the machine the master runs on, such as a
    virtual machine of Google's."""
    trust_config: str | None = Field(default=None, min_length=1)
    """The file that names a private instance of sigstore. None: the public one."""
