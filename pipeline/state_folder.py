"""The state folder: all files that a site writes, and the secrets it generates."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from slipway.model.errors import WrongInput
from slipway.model.site import Site

__all__ = [
    "CONFIG",
    "NAME",
    "VARIABLE",
    "Home",
    "made_secret",
    "make_folder",
    "make_private",
    "write_private",
]

#: Environment variable with the state folder, if it is not beside pipeline.toml.
VARIABLE = "SLIPWAY_STATE"
#: Environment variable with the site's file, if `slipway up --config` names another one than that
#: beside master.cfg.
CONFIG = "SLIPWAY_CONFIG"
NAME = ".slipway"


@dataclass(frozen=True)
class Home:
    """The paths of a site's state folder; creating this object creates no files."""

    root: Path

    @classmethod
    def beside(cls, config: Path) -> Home:
        """Return the state folder for a pipeline.toml: $SLIPWAY_STATE, else beside the file."""
        named = os.environ.get(VARIABLE)
        return cls(Path(named).resolve() if named else config.resolve().parent / NAME)

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
        """The default folder for the output of `publish`."""
        return self.root / "releases"

    @property
    def code(self) -> Path:
        """The code of the stages, as it is sent to workers on other machines."""
        return self.root / "code"

    @property
    def cache(self) -> Path:
        """Files that can be recreated: environments, downloads."""
        return self.root / "cache"

    @property
    def kept_site(self) -> Path:
        """The copy of the pipeline.toml that the master runs with."""
        return self.root / "pipeline.toml"

    @property
    def lock(self) -> Path:
        """Lock file, held while a master runs on this folder."""
        return self.root / "lock"

    @property
    def admin_password(self) -> Path:
        """The web UI's admin password, generated at the first start."""
        return self.root / "admin-password"

    @property
    def worker_certificate(self) -> Path:
        """The certificate of the workers' port with its key, generated at the first start."""
        return self.root / "worker-certificate.pem"

    @property
    def keys(self) -> Path:
        """The folder of the keys that sign releases; made with the first release."""
        return self.root / "keys"

    @property
    def release_key(self) -> Path:
        """The private key that signs releases, unless the site is given another."""
        return self.keys / "release.key"

    @property
    def public_keys(self) -> Path:
        """The public keys of all releases, with what they say of each other."""
        return self.keys / "keys.json"

    @property
    def session_key(self) -> Path:
        """The key that signs login sessions, generated at the first start; not in the database."""
        return self.root / "session-key"

    @property
    def notices(self) -> Path:
        """The folder of the notices' journal and of the key of unsubscribe addresses."""
        return self.root / "notices"

    @property
    def ended_sessions(self) -> Path:
        """The login sessions that people have ended by signing out."""
        return self.root / "ended-sessions"

    def person_password(self, name: str) -> Path:
        """Return the file of a person's generated password; its hash lies beside it."""
        return self.root / "people" / f"{name}-password"

    def person_hash(self, name: str) -> Path:
        """Return the file of that password's hash."""
        return self.root / "people" / f"{name}-hash"

    def mirror(self, project: str) -> Path:
        """Return the folder of a project's bare mirror."""
        return self.root / "mirrors" / f"{project}.git"

    def isolated(self, name: str) -> Path:
        """Return the marker file of a local worker that was isolated at some start."""
        return self.root / f"worker-{name}-isolated"

    def worker(self, name: str) -> Path:
        """Return the base folder of a worker that runs on this machine."""
        return self.root / "workers" / name

    def worker_password(self, name: str) -> Path:
        """Return the file of a local worker's generated password."""
        return self.root / f"worker-{name}-password"

    def database_url(self, site: Site) -> str:
        """Return the database's URL; a relative SQLite path is resolved in the state folder."""
        url = site.site.database
        prefix = "sqlite:///"
        if url.startswith(prefix) and not Path(url.removeprefix(prefix)).is_absolute():
            return f"{prefix}{self.root / url.removeprefix(prefix)}"
        return url.replace("postgresql://", "postgresql+psycopg://", 1)


def make_folder(path: Path) -> None:
    """Create a folder of the state folder.

    Raises:
        WrongInput: A file has its name, or permission is denied.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"the folder {path} cannot be made: {error.strerror}; set {VARIABLE} to another"
        raise WrongInput(msg) from None


def make_private(home: Home, database: str) -> None:
    """Make a state folder accessible to its owner alone; earlier versions left it open to all.

    Args:
        home: The state folder.
        database: The URL of its database; SQLite's files may lie elsewhere.
    """
    if os.name != "posix":
        return
    home.root.chmod(0o700)
    kept = [home.root, home.master, home.root / "people", home.keys]
    files = [path for folder in kept if folder.is_dir() for path in folder.iterdir()]
    if database.startswith("sqlite:///"):
        file = Path(database.removeprefix("sqlite:///"))
        files += file.parent.glob(f"{file.name}*")
    for path in files:
        if path.is_file() and not path.is_symlink() and path.stat().st_mode & 0o077:
            path.chmod(0o600)


def made_secret(path: Path) -> str:
    """Return the secret in a file of ours; generate it the first time (mode 0600)."""
    try:
        kept = path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        make_folder(path.parent)
    else:
        if kept:
            return kept
        # Emptied by hand, or because the disk was full.
        path.unlink()
    made = secrets.token_urlsafe(24)
    write_private(path, made)
    return made


def write_private(path: Path, text: str) -> None:
    """Write a new file of one line that only its owner may read.

    Raises:
        FileExistsError: The file exists already.
    """
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(text + "\n")
