"""Namespaces for a worker that must be of the same user as the master: bubblewrap's arguments.

What is not named here is not there: neither homes nor other sites' folders, which are the same
user's. Processes outside cannot be seen, so neither signalled nor looked into.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from slipway.workers.needs import Needs

#: What a machine's own programs need; nothing of a user's lies there.
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_SHARED = ("/etc", "/nix", "/gnu", "/sys", "/var/cache/fontconfig", "/var/lib/ca-certificates")
_TEMPORARY = ("/tmp", "/var/tmp")  # noqa: S108  those of the worker alone
_NAMESPACES = (
    *("--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"),
    *("--die-with-parent", "--new-session"),
)
#: Variables that name a file or a folder that programs must read.
_PLACES = ("CERT", "CA_BUNDLE", "CAINFO", "FIND_LINKS", "POSTGRESQL_BIN")


def bubblewrap(needs: Needs, environ: Mapping[str, str]) -> list[str]:
    """Return bubblewrap's argument list, up to the program.

    Args:
        needs: What the worker needs; what is not there yet is left out.
        environ: The environment variables it will have.
    """
    reads = [Path("/etc/resolv.conf").resolve(), *_additions(needs), *needs.reads, *needs.keys]
    outside = [one for one in (*reads, *_named(environ)) if not one.is_relative_to(needs.state)]
    words = ["bwrap", *_NAMESPACES, *_system()]
    words += [
        "--proc",
        "/proc",
        "--dev",
        "/dev",
        "--dir",
        "/run",
        *_temporary(needs.folder / "tmp"),
    ]
    words += _bind("--ro-bind", (one for one in outside if not _seen(one)))
    for path in needs.hides:
        if path.is_file() and (_seen(path) or any(path.is_relative_to(one) for one in outside)):
            words += ["--ro-bind", os.devnull, str(path)]
    # Over whatever was bound above it: of the state folder there is nothing but what follows.
    words += ["--tmpfs", str(needs.state)]
    kept = (*needs.mirrors, *needs.keys)
    words += _bind("--ro-bind", (one for one in kept if one.is_relative_to(needs.state)))
    words += _bind("--bind", (needs.folder, *needs.writes))
    return [*words, "--remount-ro", str(needs.state)]


def _system() -> list[str]:
    words = []
    for name in _SYSTEM:
        path = Path(name)
        if path.is_symlink():
            words += ["--symlink", str(path.readlink()), name]
        elif path.exists():
            words += ["--ro-bind", name, name]
    for name in _SHARED:
        words += ["--ro-bind-try", name, name]
    return words


def _temporary(folder: Path) -> list[str]:
    """Return a place for temporary files: on the disk, where the worker has one."""
    how = ["--bind", str(folder)] if folder.is_dir() else ["--tmpfs"]
    return [word for name in _TEMPORARY for word in (*how, name)]


def _bind(how: str, paths: Iterable[Path]) -> list[str]:
    there = [str(path) for path in paths if path.exists()]
    return [word for path in there for word in (how, path, path)]


def _additions(needs: Needs) -> list[Path]:
    """Return what was installed beside the system, except what is this user's own."""
    try:
        found = list(Path("/opt").iterdir())
    except OSError:
        return []
    mine = os.geteuid()
    theirs = [one for one in found if one.stat().st_uid != mine]
    return [one for one in theirs if not needs.state.is_relative_to(one)]


def _named(environ: Mapping[str, str]) -> list[Path]:
    found = [value for key, value in environ.items() if any(one in key.upper() for one in _PLACES)]
    return [Path(value) for value in found if value.startswith("/") and Path(value).exists()]


def _seen(path: Path) -> bool:
    shown = [one for one in (*_SYSTEM, *_SHARED) if not Path(one).is_symlink()]
    return any(path.is_relative_to(one) for one in shown)
