"""Settings of the deployers: a program, a folder, a folder over ssh."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, field_validator

from slipway.model.duration import Duration
from slipway.model.kinds.environment import PLAIN, Deployer, check_words
from slipway.scripts.ssh.client import HOST, USER

__all__ = ["CommandDeployer", "FolderDeployer", "SshDeployer"]


class CommandDeployer(Deployer):
    """Any program: it is told the release's folder and the gate's parameters."""

    runner: ClassVar[str] = "slipway.scripts.stages.deploy.program:CommandDeployment"

    kind: Literal["command"]
    argv: tuple[str, ...] = Field(min_length=1)
    """The program and its arguments. It gets SLIPWAY_RELEASE (the folder of the release's
    artefacts), SLIPWAY_PARAM_NAME for each parameter, and all of it as JSON on its input."""
    idempotent: bool = False
    """True: doing it twice does no harm, so a deployment whose worker died is tried again."""
    timeout: Duration = 900
    """Maximum duration; then its whole process tree is ended and it has failed."""
    cwd: str | None = None
    """The folder to run it in; relative to the state folder. None: the release's folder."""

    _words = field_validator("argv")(check_words)

    @property
    def may_repeat(self) -> bool:
        """True: the settings declare the program idempotent."""
        return self.idempotent

    def written_folders(self) -> dict[str, str]:
        """Return the working folder, if one is set."""
        return {"cwd": self.cwd} if self.cwd is not None else {}


class _Place(Deployer):
    """A folder of unpacked releases, one of them `current`."""

    runner: ClassVar[str] = "slipway.scripts.stages.deploy.releases_folder:PlaceDeployment"
    # The previous release is still in the folder.
    needs_previous: ClassVar[bool] = False

    path: str = Field(min_length=1, pattern=PLAIN)
    artefact: str | None = Field(default=None, min_length=1)
    """Which archives of the release to unpack, as a pattern. None: the one archive it has."""
    keep: int = Field(default=5, ge=1, le=1000)
    """Number of releases kept; the current and the previous one always are."""
    restart: tuple[str, ...] = ()
    """The program to run once `current` is switched, with its arguments; it runs in `path`. What
    is to go on running it must start in a session of its own."""
    stop: tuple[str, ...] = ()
    """The program to run before `current` is taken away: where the first deployment of all fails,
    and there is nothing to go back to."""
    timeout: Duration = 300
    """Maximum duration of `restart` and of `stop`."""

    _words = field_validator("restart", "stop")(check_words)

    @property
    def may_repeat(self) -> bool:
        """True: unpacking and switching are idempotent."""
        return True


class FolderDeployer(_Place):
    """A folder on the worker's machine: unpacked beside, then the link `current` is switched."""

    has_own_tenant: ClassVar[bool] = True

    kind: Literal["folder"]
    path: str = Field(min_length=1, pattern=PLAIN)
    """The folder; relative to the state folder. It gets `releases/` and the link `current`."""

    def written_folders(self) -> dict[str, str]:
        """Return the folder of releases."""
        return {"path": self.path}


class SshDeployer(_Place):
    """The same on another machine, through the system's own ssh. There: Python 3.8 or newer."""

    kind: Literal["ssh"]
    path: str = Field(min_length=1, pattern=PLAIN)
    """The folder there; relative to the user's home. It gets `releases/` and the link `current`."""
    host: str = Field(pattern=HOST, examples=["app1.example.org"])
    """The machine's name or address, or what the worker's ssh configuration calls it."""
    user: str | None = Field(default=None, pattern=USER)
    """Whom to log in as. None: as ssh itself decides."""
    port: int | None = Field(default=None, ge=1, le=65535)
    """The port its ssh server listens on. None: as ssh itself decides."""
    identity: str | None = Field(default=None, min_length=1, pattern=PLAIN)
    """A file with the private key, on the worker; relative to the state folder. None: as ssh
    itself decides. There is nobody to type a passphrase."""
    known_hosts: str | None = Field(default=None, min_length=1, pattern=PLAIN)
    """A file with the machine's public key, on the worker; relative to the state folder. None:
    ssh's own. A key that is not in it is never accepted."""
    python: str = Field(default="python3", pattern=r"^[A-Za-z0-9_./+-]+$")
    """The Python there."""

    def key_files(self) -> tuple[str, ...]:
        """Return the files of the private key and of the known hosts, if they are set."""
        return tuple(one for one in (self.identity, self.known_hosts) if one)
