"""Settings of the notifier `irc`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from slipway.model.duration import Duration
from slipway.model.kinds.notice import Notifier
from slipway.model.secrets.location import SecretPlace
from slipway.model.site import is_loopback
from slipway.notifiers.trust import lacking_authorities

__all__ = ["IrcNotifier"]

#: A channel's name; source: RFC 2812, section 1.3.
_ChannelName = Annotated[str, StringConstraints(pattern=r"^[#&+!][^\s,:\x00-\x1f]{1,49}$")]
#: A name; source: RFC 2812, section 2.3.1, with the length that networks allow today.
_SPECIAL = r"\[\]\\`_^{|}"
_NickName = Annotated[
    str, StringConstraints(pattern=rf"^[A-Za-z{_SPECIAL}][A-Za-z0-9{_SPECIAL}-]{{0,29}}$")
]


class IrcNotifier(Notifier):
    """Tell channels of an IRC network, a line for each notice."""

    runner: ClassVar[str] = "slipway.notifiers.irc.sender:IrcSender"

    kind: Literal["irc"]
    host: str = Field(min_length=1, max_length=253, pattern=r"^[A-Za-z0-9._:-]+$")
    """The server's name, as in its certificate."""
    port: int | None = Field(default=None, ge=1, le=65535)
    """Its port. None: 6697, or 6667 without TLS."""
    tls: bool = True
    """False: the connection is not encrypted."""
    channels: tuple[_ChannelName, ...] = Field(min_length=1, max_length=20, examples=[["#almanac"]])
    """The channels that are told."""
    commands: bool = False
    """True: whoever is in one of the channels may ask what runs, ended and waits, by the nick and a
    word, such as "slipway: status". Nothing can be started, approved or deployed there."""
    nick: _NickName = "slipway"
    """The name it has there; if it is taken, with an underscore more."""
    user: str = Field(default="", max_length=60, pattern=r"^[!-~]*$")
    """The account it signs in to (SASL PLAIN). Empty: none."""
    password: SecretPlace | None = None
    """The account's password."""
    authorities: str | None = None
    """A PEM file with the certificate authorities to trust in place of the system's; relative to
    the folder of pipeline.toml."""
    timeout: Duration = 30
    """How long the server may take for an answer."""

    @model_validator(mode="after")
    def _signs_in_safely(self) -> Self:
        if bool(self.user) != (self.password is not None):
            msg = "an account has a user and a password; write both, or none"
            raise ValueError(msg)
        if self.user and not self.tls and not is_loopback(self.host):
            msg = "a password is not sent in plain to another machine; leave out tls = false"
            raise ValueError(msg)
        return self

    @property
    def server_port(self) -> int:
        """The port."""
        return self.port or (6697 if self.tls else 6667)

    def problems(self, folder: Path) -> Iterator[str]:
        """Yield a sentence if the file of authorities cannot be read."""
        yield from lacking_authorities(self.authorities, folder)
