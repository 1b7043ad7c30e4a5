"""The state folder: where a site keeps everything it writes, and the secrets it makes."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from slipway.model.errors import WrongInput
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
    def releases(self) -> Path:
        """What `publish` has made, where a stage names no other folder."""
        return self.root / "releases"

    @property
    def cache(self) -> Path:
        """What can be made again: environments, downloads."""
        return self.root / "cache"

    @property
    def kept_site(self) -> Path:
        """A copy of the pipeline.toml that the master runs by."""
        return self.root / "pipeline.toml"

    @property
    def lock(self) -> Path:
        """Held while a master runs on this folder."""
        return self.root / "lock"

    @property
    def admin_password(self) -> Path:
        """The web UI's admin password, made at the first start."""
        return self.root / "admin-password"

    @property
    def session_key(self) -> Path:
        """What proves that a session began here, made at the first start; not in the database."""
        return self.root / "session-key"

    @property
    def ended_sessions(self) -> Path:
        """The sessions that people have ended by signing out."""
        return self.root / "ended-sessions"

    def person_password(self, name: str) -> Path:
        """Return the file of a password that was made for somebody; its hash lies beside it."""
        return self.root / "people" / f"{name}-password"

    def person_hash(self, name: str) -> Path:
        """Return the file of that password's hash."""
        return self.root / "people" / f"{name}-hash"

    def mirror(self, project: str) -> Path:
        """Return the folder of a project's bare mirror."""
        return self.root / "mirrors" / f"{project}.git"

    def isolated(self, name: str) -> Path:
        """A file that is there when a local worker has been kept apart at some start."""
        return self.root / f"worker-{name}-isolated"

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


def make_private(home: Home, database: str) -> None:
    """Let nobody but its owner into a state folder; one of an earlier version was open to all.

    Args:
        home: The state folder.
        database: The URL of its database; SQLite's files may lie elsewhere.
    """
    if os.name != "posix":
        return
    home.root.chmod(0o700)
    kept = [home.root, home.master, home.root / "people"]
    files = [path for folder in kept if folder.is_dir() for path in folder.iterdir()]
    if database.startswith("sqlite:///"):
        file = Path(database.removeprefix("sqlite:///"))
        files += file.parent.glob(f"{file.name}*")
    for path in files:
        if path.is_file() and not path.is_symlink() and path.stat().st_mode & 0o077:
            path.chmod(0o600)


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
