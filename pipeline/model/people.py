"""People of a site, authentication, and anonymous access."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, field_validator, model_validator

from slipway.model.base import Name, Part
from slipway.model.secrets.location import SecretPlace

__all__ = [
    "ADMIN",
    "OAUTH",
    "Access",
    "PersonName",
    "PersonSettings",
    "check_people",
    "is_password_hash",
]

#: The person that Slipway creates, with a generated password.
ADMIN = "admin"

#: A name as providers and reverse proxies send it: a login or an email address.
PersonName = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@+-]*$", max_length=100),
]

_HASH = re.compile(
    r"\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,2})\$[A-Za-z0-9+/]{11,}\$[A-Za-z0-9+/]{16,}"
)
#: Upper limits of a hash's cost: memory in KiB, and passes; `slipway passwd` uses far less.
_MOST_MEMORY, _MOST_PASSES = 1 << 20, 20
_HOW = 'write what "slipway passwd NAME" prints, never the password itself'

#: The OAuth providers that Buildbot supports.
OAUTH = ("github", "gitlab", "google", "bitbucket")


def is_password_hash(text: str) -> bool:
    """Return whether a text is an argon2id hash with an acceptable cost."""
    found = _HASH.fullmatch(text)
    if found is None:
        return False
    memory, passes, lanes = (int(part) for part in found.groups())
    return 8 * lanes <= memory <= _MOST_MEMORY and 1 <= passes <= _MOST_PASSES and lanes > 0


class PersonSettings(Part):
    """One person: how they sign in, and what they may do."""

    password: str | None = None
    """The argon2id hash that `slipway passwd NAME` prints. None: this person cannot sign in with a
    password, only by a provider, a reverse proxy or a token."""
    password_from: SecretPlace | None = None
    """Location of that hash, if not in this file."""
    made_password: bool = False
    """True: `slipway up` makes a password and keeps it in the state folder, as it does for the
    admin. For trying things out: the password lies there as it is typed."""
    roles: tuple[Name, ...] = ("viewer",)
    """Their roles: viewer, developer, releaser, admin, each with the rights of those before;
    any other name is a role that gates may ask for."""
    name: str = Field(default="", max_length=100)
    """Displayed name. Empty: the name of the table."""
    email: str = Field(default="", max_length=254, pattern=r"^([^@\s]+@[^@\s]+)?$")
    """Address for notices."""

    @field_validator("password", mode="before")
    @classmethod
    def _is_a_hash(cls, value: object) -> object:
        if value is None or (isinstance(value, str) and is_password_hash(value)):
            return value
        msg = f"is no argon2id hash; {_HOW}"
        raise ValueError(msg)

    @model_validator(mode="after")
    def _one_password(self) -> PersonSettings:
        given = (self.password is not None, self.password_from is not None, self.made_password)
        if sum(given) > 1:
            msg = "write one of password, password-from and made-password"
            raise ValueError(msg)
        return self


class Access(Part):
    """Access without login, and the login methods."""

    anonymous: Literal["viewer", "none"] = "viewer"
    """Rights without login: read, or nothing."""
    provider: Literal["people", "github", "gitlab", "google", "bitbucket", "proxy-header"] = (
        "people"
    )
    """Login method: with the passwords of this file, with an account elsewhere, or at a
    reverse proxy that names them in a header. What they may do is always said by [people.NAME]."""
    client_id: str = ""
    """The client's id at github, gitlab, google or bitbucket."""
    client_secret: SecretPlace | None = None
    """Location of the client's secret."""
    server: str | None = Field(default=None, pattern=r"^https?://[^\s]+$")
    """The provider's own address, for a GitLab or GitHub Enterprise of yours."""
    header: str = Field(default="X-Remote-User", pattern=r"^[A-Za-z0-9-]+$")
    """The header in which the reverse proxy names the person (proxy-header)."""
    header_pattern: str = r"(?P<username>[^ ]+)"
    """Format of the header: a regular expression with a group named username."""
    trusted_addresses: tuple[str, ...] = ()
    """Addresses or networks of reverse proxies; only they may name a person or a client's
    address."""
    session_hours: float = Field(default=24, gt=0, le=24 * 90)
    """Duration of a login session in hours."""

    @field_validator("header_pattern")
    @classmethod
    def _names_a_person(cls, pattern: str) -> str:
        try:
            groups = re.compile(pattern).groupindex
        except re.error as error:
            msg = f'"{pattern}" is no regular expression: {error}'
            raise ValueError(msg) from None
        if "username" not in groups:
            msg = f'"{pattern}" has no group (?P<username>...), which says who it is'
            raise ValueError(msg)
        return pattern

    @field_validator("trusted_addresses")
    @classmethod
    def _are_networks(cls, addresses: tuple[str, ...]) -> tuple[str, ...]:
        for address in addresses:
            try:
                ipaddress.ip_network(address)
            except ValueError:
                msg = f'"{address}" is no address or network; an example: "127.0.0.1", "10.0.0.0/8"'
                raise ValueError(msg) from None
        return addresses

    @model_validator(mode="after")
    def _whole(self) -> Access:
        if self.provider in OAUTH and not (self.client_id and self.client_secret):
            msg = f'provider "{self.provider}" needs client-id and client-secret; it gives you both'
            raise ValueError(msg)
        if self.provider == "gitlab" and self.server is None:
            msg = 'provider "gitlab" needs server, such as "https://gitlab.com"'
            raise ValueError(msg)
        if self.provider == "proxy-header" and not self.trusted_addresses:
            msg = (
                'provider "proxy-header" needs trusted-addresses, such as ["127.0.0.1"]: from '
                "anybody else the header proves nothing"
            )
            raise ValueError(msg)
        return self


def check_people(people: dict[str, PersonSettings]) -> dict[str, PersonSettings]:
    """Refuse a person with the reserved name of the admin.

    Raises:
        ValueError: A person is named `admin`, in any case of letters.
    """
    taken = next((name for name in people if name.lower() == ADMIN), None)
    if taken is not None:
        msg = (
            f'"{taken}" is the person Slipway makes by itself; take another name and write '
            'roles = ["admin"]'
        )
        raise ValueError(msg)
    return people
