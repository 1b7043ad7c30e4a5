"""The state folder: where a site keeps everything it writes, and the secrets it makes."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from slipway.model.errors import MissingTool, WrongInput
from slipway.model.secret import SecretPlace
from slipway.model.site import Site

#: Where the state folder lies, if not beside pipeline.toml.
VARIABLE = "SLIPWAY_STATE"
#: The site's file, where `slipway up --config` names another than the one beside master.cfg.
CONFIG = "SLIPWAY_CONFIG"
NAME = ".slipway"


@dataclass(frozen=True)
class Home:
    """A site's state folder. Nothing is made until it is written."""

    root: Path

    @classmethod
    def beside(cls, config: Path) -> Home:
        """Return the state folder of a pipeline.toml: $SLIPWAY_STATE, else beside the file."""
        told = os.environ.get(VARIABLE)
        return cls(Path(told).resolve() if told else config.resolve().parent / NAME)

    @property
    def master(self) -> Path:
        """The Buildbot master's base folder."""
        return self.root / "master"

    @property
    def store(self) -> Path:
        """The artefact store."""
        return self.root / "store"

    @property
    def cache(self) -> Path:
        """What can be made again: environments, downloads."""
        return self.root / "cache"

    @property
    def lock(self) -> Path:
        """Held while a master runs on this folder."""
        return self.root / "lock"

    @property
    def admin_password(self) -> Path:
        """The web UI's admin password, made at the first start."""
        return self.root / "admin-password"

    def person_password(self, name: str) -> Path:
        """Return the file of a password that was made for somebody; its hash lies beside it."""
        return self.root / "people" / f"{name}-password"

    def person_hash(self, name: str) -> Path:
        """Return the file of that password's hash."""
        return self.root / "people" / f"{name}-hash"

    def mirror(self, project: str) -> Path:
        """Return the folder of a project's bare mirror."""
        return self.root / "mirrors" / f"{project}.git"

    def worker(self, name: str) -> Path:
        """Return the base folder of a worker that runs on this machine."""
        return self.root / "workers" / name

    def worker_password(self, name: str) -> Path:
        """Return the file of a password that was made for a local worker."""
        return self.root / f"worker-{name}-password"

    def database_url(self, site: Site) -> str:
        """Return the database's URL; a relative SQLite path lies in the state folder."""
        url = site.site.database
        prefix = "sqlite:///"
        if url.startswith(prefix) and not Path(url.removeprefix(prefix)).is_absolute():
            return f"{prefix}{self.root / url.removeprefix(prefix)}"
        return url.replace("postgresql://", "postgresql+psycopg://", 1)


def make_folder(path: Path) -> None:
    """Make a folder of the state folder.

    Raises:
        WrongInput: A file is in its way, or it may not be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"the folder {path} cannot be made: {error.strerror}; set {VARIABLE} to another"
        raise WrongInput(msg) from None


def made_secret(path: Path) -> str:
    """Return the secret in a file of ours; the first time, make one (mode 0600)."""
    try:
        kept = path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        make_folder(path.parent)
    else:
        if kept:
            return kept
        # Emptied by hand, or by a disk that was full.
        path.unlink()
    made = secrets.token_urlsafe(24)
    write_private(path, made)
    return made


def write_private(path: Path, text: str) -> None:
    """Write a new file of one line that its owner alone may read.

    Raises:
        FileExistsError: It is there already.
    """
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(text + "\n")


def given_secret(place: SecretPlace, base: Path, key: str) -> str:
    """Return a secret from where pipeline.toml says it is.

    Args:
        place: The environment variable or the file.
        base: What a relative path counts from.
        key: The key it is for, for the error sentence.

    Raises:
        WrongInput: It is not there, empty, or others may read the file.
        MissingTool: The environment variable is not set.
    """
    if place.env is not None:
        value = os.environ.get(place.env, "")
        if not value:
            msg = f"{key}: the environment variable {place.env} is not set; export it"
            raise MissingTool(msg)
        return value
    path = base / str(place.file)
    try:
        text = path.read_text(encoding="utf-8").strip()
        mode = path.stat().st_mode
    except OSError as error:
        msg = f"{key}: the file {path} cannot be read: {error.strerror}"
        raise WrongInput(msg) from None
    except UnicodeDecodeError:
        msg = f"{key}: the file {path} is not UTF-8 text; write the secret as its first line"
        raise WrongInput(msg) from None
    if os.name == "posix" and mode & 0o077:
        msg = f"{key}: others may read {path} (mode {mode & 0o777:o}); run chmod 600 on it"
        raise WrongInput(msg)
    if not text:
        msg = f"{key}: the file {path} is empty"
        raise WrongInput(msg)
    return text.splitlines()[0]
