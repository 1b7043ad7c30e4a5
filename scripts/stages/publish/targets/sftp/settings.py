"""Settings of the target `sftp`."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from slipway.model.kinds.environment import PLAIN
from slipway.model.kinds.release_target import Target
from slipway.model.secrets.location import SecretName
from slipway.scripts.ssh.client import HOST, USER

__all__ = ["SftpTarget"]


def _as_list(given: Any) -> Any:
    return [given] if isinstance(given, str) else given


_HostKey = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True,
        pattern=r"^[a-z0-9@.-]+ [A-Za-z0-9+/]{30,}={0,2}( [^\x00-\x1f\x7f]*)?$",
    ),
]
_HostKeys = Annotated[
    tuple[_HostKey, ...],
    BeforeValidator(_as_list, json_schema_input_type=_HostKey | tuple[_HostKey, ...]),
]
_JUMP = (
    r"^([A-Za-z0-9_][A-Za-z0-9_.\\-]*@)?"
    r"([A-Za-z0-9_][A-Za-z0-9_.-]*|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?$"
)


class SftpTarget(Target):
    """A folder on another machine, over SFTP: any ssh server, also one without a shell."""

    runner: ClassVar[str] = "slipway.scripts.stages.publish.targets.sftp.target:SftpCopy"
    can_remove: ClassVar[bool] = True

    kind: Literal["sftp"]
    host: str = Field(pattern=HOST, examples=["files.example.org"])
    """The machine's name or address."""
    port: int = Field(default=22, ge=1, le=65535)
    """The port its ssh server listens on."""
    user: str = Field(pattern=USER, examples=["upload"])
    """Whom to log in as."""
    path: str = Field(min_length=1, pattern=PLAIN, examples=["/srv/www/releases"])
    """The folder there, which exists; relative to the user's home. It gets a folder for the
    project in it."""
    host_key: _HostKeys = Field(
        default=(),
        examples=["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9"],
    )
    """The machine's public key as ssh-keyscan prints it, without the name before it; or several,
    one of which it must show. A machine that shows another key is never sent anything."""
    known_hosts: str | None = Field(default=None, min_length=1, pattern=PLAIN)
    """Instead of that, a file of ssh's known hosts on the worker; relative to the state folder."""
    key: SecretName | None = None
    """The name of the stage's secret that is the private key, without a passphrase."""
    identity: str | None = Field(default=None, min_length=1, pattern=PLAIN)
    """Instead of that, a file with the private key, on the worker; relative to the state folder.
    None of key, identity and password: what the agent of the worker's user, and ssh itself, try."""
    password: SecretName | None = None
    """The name of the stage's secret that is the user's password."""
    jump: str | None = Field(default=None, pattern=_JUMP, examples=["upload@gate.example.org:22"])
    """A machine through which the other one is reached, as user@host:port. It gets the same key,
    and never the password."""
    jump_host_key: _HostKeys = ()
    """The public key of that machine, or several, if host-key is given, and not known-hosts."""
    public_url: str | None = Field(
        default=None, pattern=r"^https?://[^\s\x00-\x1f\x7f]+$", examples=["https://dl.example.org"]
    )
    """The address under which anybody may read what is in `path`, if a web server shows it."""

    @property
    def needed_secrets(self) -> tuple[str, ...]:
        """The key and the password, where secrets are named for them."""
        return tuple(one for one in (self.key, self.password) if one)

    def key_files(self) -> tuple[str, ...]:
        """Return the files of the private key and of the known hosts, if they are set."""
        return tuple(one for one in (self.identity, self.known_hosts) if one)

    @model_validator(mode="after")
    def _knows_the_machine(self) -> Self:
        if bool(self.host_key) == bool(self.known_hosts):
            msg = (
                "write one of host-key and known-hosts: the machine's public key, by which it is "
                f"known; ssh-keyscan -p {self.port} {self.host} prints it, to be compared"
            )
            raise ValueError(msg)
        if bool(self.jump_host_key) != bool(self.jump and self.host_key):
            msg = "jump-host-key goes with jump and host-key: each machine is known by its key"
            raise ValueError(msg)
        if self.key and self.identity:
            msg = "write one of key (a secret) and identity (a file on the worker)"
            raise ValueError(msg)
        return self
