"""Back up a running site: a consistent snapshot of its database, and the files belonging to it."""

from __future__ import annotations

import os
import secrets
import shutil
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import make_url

from slipway.artefacts.store import Store
from slipway.ledger.database import backup
from slipway.model.errors import MissingTool, WrongInput
from slipway.scripts.postgresql.programs import find_programs
from slipway.state_folder import Home, write_private

__all__ = ["DUMP", "SQLITE", "Made", "make"]

_SQLITE_URL = "sqlite:///"
SQLITE, DUMP = "state.sqlite", "state.dump"
#: Seconds to wait for a pruning to end.
_PATIENCE = 60.0


@dataclass(frozen=True)
class Made:
    """The contents of a backup."""

    database: Path
    checked: backup.Checked
    store: int | None = None
    """Number of files of the store. None: not requested."""
    releases: int | None = None
    """Number of releases. None: not requested."""
    lacks: tuple[str, ...] = ()
    """Artefacts that the ledger names and the store lacks."""
    signs: bool = False
    """True: it holds the private key that signs releases."""


def make(home: Home, url: str, target: Path, *, everything: bool) -> Made:
    """Make a backup atomically: in a temporary folder, which is renamed when it is complete.

    Args:
        home: The state folder; a master may be running on it.
        url: The database's URL.
        target: The folder to create; it must not exist.
        everything: Include the artefact store and the releases; hard-linked on the same disk.

    Returns:
        The contents of the backup.

    Raises:
        WrongInput: The folder exists already, or there is nothing to back up.
        StageFailed: The database is damaged.
        MissingTool: A program is missing, the database cannot be read, or the disk is full.
    """
    target = Path(os.path.abspath(target))  # noqa: PTH100  a link that is there is in the way
    _check_source(url)
    _check_target(home, target)
    # Copied after the database, the store holds everything that the database names, as long as
    # nothing is pruned meanwhile.
    with _aside(target) as part, Store(home.store).held(_PATIENCE):
        database, checked = _copy_database(url, part)
        _copy_certificate(home.worker_certificate, part)
        signs = _copy_keys(home, part)
        found = Made(target / database.name, checked, signs=signs)
        if everything:
            files = _copy_store(home.store, part / "store")
            releases = _copy_releases(home.releases, part / "releases")
            lacks = _lacking(Store(part / "store"), checked.files)
            found = replace(found, store=files, releases=releases, lacks=lacks)
    return found


def _copy_certificate(source: Path, part: Path) -> None:
    """Copy the certificate that workers know: with a new one each would have to be set up again."""
    if source.exists():
        write_private(part / source.name, source.read_text("utf-8").rstrip("\n"))


def _copy_keys(home: Home, part: Path) -> bool:
    """Copy the keys that sign releases: with others nobody who knows these would trust the site.

    Returns:
        Whether there is a private one among them.
    """
    found = [one for one in (home.public_keys, home.release_key) if one.exists()]
    for one in found:
        (part / one.parent.name).mkdir(mode=0o700, exist_ok=True)
        write_private(part / one.parent.name / one.name, one.read_text("utf-8").rstrip("\n"))
    return home.release_key in found


def _check_source(url: str) -> None:
    if url.startswith(_SQLITE_URL) and not Path(url.removeprefix(_SQLITE_URL)).exists():
        source = url.removeprefix(_SQLITE_URL)
        msg = f"there is nothing to back up yet: {source} is made by the first `slipway up`"
        raise WrongInput(msg)


def _check_target(home: Home, target: Path) -> None:
    if target.exists() or target.is_symlink():
        msg = f"{target} is there already; name a folder that is not"
        raise WrongInput(msg)
    if not target.parent.is_dir():
        msg = f"the folder {target.parent} is not there; make it first"
        raise WrongInput(msg)
    if any(target.is_relative_to(one.resolve()) for one in (home.store, home.releases)):
        msg = f"{target} lies in what is to be copied; name a folder elsewhere"
        raise WrongInput(msg)


@contextmanager
def _aside(target: Path) -> Iterator[Path]:
    part = target.with_name(f".{target.name}.{secrets.token_hex(8)}.part")
    try:
        part.mkdir(mode=0o700)
        yield part
        part.rename(target)
    except RecursionError:
        msg = "the backup cannot be written: folders among the releases are nested too deeply"
        raise MissingTool(msg) from None
    except OSError as error:
        what = error.filename or target
        msg = f"the backup cannot be written: {error.strerror or error} ({what})"
        raise MissingTool(msg) from None
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _copy_database(url: str, part: Path) -> tuple[Path, backup.Checked]:
    if not url.startswith(_SQLITE_URL):
        _dump(url, part / DUMP)
        # The dump was read back; its rows are those of the database itself.
        return part / DUMP, backup.check(url)
    source = Path(url.removeprefix(_SQLITE_URL))
    backup.copy_sqlite(source, part / SQLITE)
    return part / SQLITE, backup.check_sqlite(part / SQLITE)


def _dump(url: str, target: Path) -> None:
    """Dump a PostgreSQL database with its own programs, and read the dump's contents back."""
    place = make_url(url).set(drivername="postgresql")
    # Not on the command line, which every user of the machine can see.
    secret = {"PGPASSWORD": str(place.password)} if place.password is not None else {}
    named = place.set(password=None).render_as_string(hide_password=False)
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    dump = [_program("pg_dump"), "--format=custom", f"--file={target}", f"--dbname={named}"]
    for words in (dump, [_program("pg_restore"), "--list", str(target)]):
        done = subprocess.run(
            words,
            env={**os.environ, **secret},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        if done.returncode != 0:
            reason = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
            msg = f"{Path(words[0]).name} could not copy the database: {reason}"
            raise MissingTool(msg)


def _program(name: str) -> str:
    return shutil.which(name) or find_programs().path(name)


def _copy_store(source: Path, target: Path) -> int:
    target.mkdir(mode=0o700)
    count = 0
    for file in Store(source).files():
        place = target / file.parent.name / file.name
        place.parent.mkdir(exist_ok=True)
        _link(file, place)
        count += 1
    return count


def _lacking(store: Store, files: dict[str, int]) -> tuple[str, ...]:
    return tuple(
        sha256
        for sha256, size in files.items()
        if not store.has(sha256) or store.path(sha256).stat().st_size != size
    )


def _copy_releases(source: Path, target: Path) -> int:
    """Copy published releases; names that begin with a dot are unfinished and skipped."""
    if not source.is_dir():
        target.mkdir(mode=0o700)
        return 0
    shutil.copytree(
        source,
        target,
        symlinks=True,
        copy_function=_link,
        ignore=lambda _, names: [name for name in names if name.startswith(".")],
    )
    return sum(1 for _ in target.glob("*/*/release.json") if not _.parent.is_symlink())


def _link(source: Path | str, target: Path | str) -> None:
    """Hard-link a file if it lies on the same disk; else copy it."""
    if stat.S_IFMT(os.lstat(source).st_mode) not in {stat.S_IFREG, stat.S_IFLNK}:
        # A pipe that a stage has put there belongs to no release.
        return
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=False)
