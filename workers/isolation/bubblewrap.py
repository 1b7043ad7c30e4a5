"""Build bubblewrap's arguments for a worker that must run as the master's user.

Only what is named here exists inside: no homes and no other sites' folders, which belong to the
same user. Processes outside are invisible, so they can be neither signalled nor inspected.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from slipway.workers.isolation.account import TENANTS
from slipway.workers.isolation.needs import Needs

__all__ = ["for_tenant", "for_worker"]

#: Needed by a machine's own programs; contains no user's files.
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_SHARED = ("/etc", "/nix", "/gnu", "/sys", "/var/cache/fontconfig", "/var/lib/ca-certificates")
_TEMPORARY = ("/tmp", "/var/tmp")  # noqa: S108  those of the worker alone
_NAMESPACES = (
    *("--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"),
    "--new-session",
)
#: Variables that name a file or a folder that programs must read.
_PLACES = ("CERT", "CA_BUNDLE", "CAINFO", "FIND_LINKS", "POSTGRESQL_BIN")


def for_worker(needs: Needs, environ: Mapping[str, str]) -> list[str]:
    """Return bubblewrap's arguments for a worker: its own folder and the programs it needs.

    Args:
        needs: The worker's needs; missing files and folders are left out.
        environ: The environment variables of the process.
    """
    mirrors = set(needs.mirrors)
    reads = [one for one in needs.reads if one not in mirrors]
    words = _room(needs, environ, reads, needs.temporary(), (needs.folder,))
    # Rooms are built from these: a compromised worker must not put a link in their place.
    above = needs.folder / TENANTS
    words += _bind("--ro-bind", [above])
    words += _bind("--bind", map(needs.area, needs.tenants))
    return ["--die-with-parent", *words, "--tmpfs", str(needs.temporary().parent)]


def for_tenant(needs: Needs, environ: Mapping[str, str], name: str) -> list[str]:
    """Return bubblewrap's arguments for the stages of one tenant, without other tenants' files.

    Args:
        needs: As of `for_worker`.
        environ: As of `for_worker`.
        name: The tenant's name.
    """
    tenant = needs.tenants[name]
    others = set(needs.mirrors) - {tenant.mirror}
    reads = [one for one in needs.reads if one not in others]
    writes = (needs.area(name), *tenant.writes)
    return _room(needs, environ, [*reads, *tenant.keys], needs.temporary(name), writes)


def _room(
    needs: Needs,
    environ: Mapping[str, str],
    reads: Sequence[Path],
    temporary: Path,
    writes: Sequence[Path],
) -> list[str]:
    readable = [Path("/etc/resolv.conf").resolve(), *_additions(needs), *reads]
    outside = [one for one in (*readable, *_named(environ)) if not one.is_relative_to(needs.state)]
    words = [*_NAMESPACES, *_system(), "--proc", "/proc", "--dev", "/dev", "--dir", "/run"]
    words += _temporary(temporary, [*readable, *writes, needs.state])
    words += _bind("--ro-bind", (one for one in outside if not _is_visible(one)))
    for path in needs.hides:
        if path.is_file() and (
            _is_visible(path) or any(path.is_relative_to(one) for one in outside)
        ):
            words += ["--ro-bind", os.devnull, str(path)]
    # Mount over anything that was bound above: only the following parts of the state folder exist.
    words += ["--tmpfs", str(needs.state)]
    words += _bind("--ro-bind", (one for one in readable if one.is_relative_to(needs.state)))
    words += _bind("--bind", writes)
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


def _temporary(folder: Path, shown: Iterable[Path]) -> list[str]:
    """Return bubblewrap's arguments for `/tmp` and `/var/tmp`: on the disk where possible.

    Args:
        folder: The folder that is shown there.
        shown: Paths that are bound over it. A temporary folder that contains one is a new tmpfs:
            bubblewrap creates the mount points, and a stage could leave a link for one.
    """
    kept = {name: folder.is_dir() for name in _TEMPORARY}
    for path in shown:
        kept |= dict.fromkeys((one for one in _TEMPORARY if path.is_relative_to(one)), False)
    how = {name: ["--bind", str(folder)] if kept[name] else ["--tmpfs"] for name in kept}
    return [word for name, words in how.items() for word in (*words, name)]


def _bind(how: str, paths: Iterable[Path]) -> list[str]:
    there = [str(path) for path in paths if path.exists()]
    return [word for path in there for word in (how, path, path)]


def _additions(needs: Needs) -> list[Path]:
    """Return the folders of software installed beside the system, without this user's own."""
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


def _is_visible(path: Path) -> bool:
    shown = [one for one in (*_SYSTEM, *_SHARED) if not Path(one).is_symlink()]
    return any(path.is_relative_to(one) for one in shown)
