"""Settings of the target `webdav`."""

from __future__ import annotations

import ipaddress
from typing import Annotated, ClassVar, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from slipway.model.kinds.environment import PLAIN
from slipway.model.kinds.release_target import Target
from slipway.model.secrets.location import SecretName

__all__ = ["WebdavTarget"]


def _plain_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        msg = f'"{url}" is no address: {error}'
        raise ValueError(msg) from None
    if not host or parts.username is not None or parts.query or parts.fragment:
        msg = f'"{url}": write https://HOST/PATH, without a user, a question mark and a hash'
        raise ValueError(msg)
    return url


_Url = Annotated[str, Field(pattern=r"^https?://[^\s\x00-\x1f\x7f]+$"), AfterValidator(_plain_url)]


class WebdavTarget(Target):
    """A folder of a web server, over WebDAV: nginx, Apache, Nextcloud and others."""

    runner: ClassVar[str] = "slipway.scripts.stages.publish.targets.webdav.target:WebdavCopy"
    can_remove: ClassVar[bool] = True

    kind: Literal["webdav"]
    url: _Url = Field(examples=["https://cloud.example.org/remote.php/dav/files/upload/Releases"])
    """The address of a folder there, which exists. It gets a folder for the project in it."""
    user: str | None = Field(default=None, min_length=1, pattern=r"^[^:\x00-\x1f\x7f]+$")
    """Whom to log in as, with `password`."""
    password: SecretName | None = None
    """The name of the stage's secret that is the user's password."""
    login: Literal["basic", "digest"] = "basic"
    """How the server asks for the password."""
    token: SecretName | None = None
    """Instead of a user, the name of the stage's secret that is a token (Bearer)."""
    authorities: str | None = Field(default=None, min_length=1, pattern=PLAIN)
    """A PEM file on the worker with the authorities that may have signed the server's certificate;
    relative to the state folder. None: those the system trusts."""
    public_url: _Url | None = Field(default=None, examples=["https://dl.example.org/releases"])
    """The address under which anybody may read the folder. None: people read it at `url`, and what
    is there is read back by the login."""

    @property
    def needed_secrets(self) -> tuple[str, ...]:
        """The password or the token, where secrets are named for them."""
        return tuple(one for one in (self.password, self.token) if one)

    def key_files(self) -> tuple[str, ...]:
        """Return the file of the authorities, if it is set."""
        return (self.authorities,) if self.authorities else ()

    @model_validator(mode="after")
    def _logs_in_one_way(self) -> Self:
        if (self.user is None) != (self.password is None):
            msg = "user and password go together; password is the name of a secret"
            raise ValueError(msg)
        if self.user and self.token:
            msg = "write one of user and token"
            raise ValueError(msg)
        in_the_clear = self.token or (self.user and self.login == "basic")
        parts = urlsplit(self.url)
        if in_the_clear and parts.scheme == "http" and not _is_here(parts.hostname or ""):
            msg = f'url: "{self.url}" would send the password in the clear; write https://'
            raise ValueError(msg)
        return self


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
