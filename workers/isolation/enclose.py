"""Change from root to a worker's own user, or into namespaces, and become the worker.

Later work that needs root is done by the launcher, which is left behind (see `launcher`).

The worker's user has no special rights on this machine. Of a closed folder (the state folder, a
home) it sees only the parts it was given: in a mount namespace of its own an empty folder is
mounted there, with those parts bound into it. Only the standard library is imported as root.
"""

from __future__ import annotations

import ctypes
import json
import os
import stat
import sys
import zlib
from base64 import b64decode
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NoReturn

from slipway.scripts.guard import die_with_parent, forbid_new_rights

__all__ = ["closed_folders", "main"]

_NEW_MOUNTS = 0x00020000
_RDONLY, _NOSUID, _NODEV, _REMOUNT, _BIND = 1, 2, 4, 32, 4096
_REC, _SLAVE = 16384, 1 << 19


def main() -> None:
    """Become the worker that the order on the command line describes."""
    order = json.loads(zlib.decompress(b64decode("".join(sys.argv[2:]))))
    # Folders created here must be passable for the worker.
    os.umask(0o022)
    if "command" in order:
        _go_in(order)
    if order["mounts"]:
        _enclose(order)
    if order.get("tenants"):
        from slipway.workers.launcher import users as launcher

        launcher.start(order)
    _become(order)
    # After dropping root: the worker's user owns this folder and may have put anything there.
    from slipway.workers.isolation.inside import begin

    begin(order["begin"])


def _go_in(order: dict[str, Any]) -> NoReturn:
    """Become a worker in namespaces; the process that starts its stages stays outside of them."""
    from slipway.workers.launcher import rooms

    die_with_parent()
    if os.getppid() != order["parent"]:
        _give_up("slipway up has ended")
    rooms.start(order)
    os.execv(order["bwrap"], order["command"])  # noqa: S606  a list, and no shell


# ---- folders that another user cannot enter


def closed_folders(paths: Iterable[Path], user: int, group: int) -> list[Path]:
    """Return the closed folders that keep a user from reaching paths, each the topmost one."""
    found: set[Path] = set()
    for path in paths:
        for above in reversed(path.parents):
            if above.exists() and not _may_enter(above, user, group):
                found.add(above)
                break
    return sorted(found)


def _may_enter(folder: Path, user: int, group: int) -> bool:
    facts = folder.stat()
    if facts.st_uid == user:
        return bool(facts.st_mode & stat.S_IXUSR)
    if facts.st_gid == group:
        return bool(facts.st_mode & stat.S_IXGRP)
    return bool(facts.st_mode & stat.S_IXOTH)


# ---- mount namespace


def _enclose(order: dict[str, Any]) -> None:
    """Mount empty folders over closed ones, with the needed parts bound into them."""
    _call("unshare", _NEW_MOUNTS)
    # Private propagation: mounts made here must not appear outside.
    _mount(None, "/", None, _REC | _SLAVE)
    user, group = order["user"], order["group"]
    folders = [Path(one) for one in (*order["reads"], *order["writes"])]
    keys = {Path(one): owner for one, owner in order["keys"].items()}
    for closed in closed_folders([*folders, *keys], user, group):
        inside = sorted(one for one in folders if one.is_relative_to(closed) and one.is_dir())
        held = [(one, _opened(one, order)) for one in inside]
        copies = [(one, one.read_bytes()) for one in keys if one.is_relative_to(closed)]
        _mount("tmpfs", str(closed), "tmpfs", _NOSUID | _NODEV, "mode=0755,size=16m")
        for path, handle in held:
            path.mkdir(parents=True, exist_ok=True)
            _mount(f"/proc/self/fd/{handle}", str(path), None, _BIND | _REC)
            if str(path) in order["reads"]:
                _mount(None, str(path), None, _BIND | _REMOUNT | _RDONLY | _NOSUID | _NODEV)
            os.close(handle)
        for path, content in copies:
            _copy(path, content, *keys[path])


def _opened(folder: Path, order: dict[str, Any]) -> int:
    # A worker's writable folder may lie inside another's, where a link could have been put.
    link = 0 if str(folder) in order["reads"] else os.O_NOFOLLOW
    return os.open(folder, os.O_PATH | os.O_DIRECTORY | link)


def _copy(path: Path, content: bytes, user: int, group: int, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as stream:
        stream.write(content)
        os.fchown(handle, user, group)
        os.fchmod(handle, mode)


def _mount(
    source: str | None, target: str, kind: str | None, flags: int, data: str | None = None
) -> None:
    words = [one if one is None else os.fsencode(one) for one in (source, target, kind)]
    _call("mount", *words, flags, None if data is None else data.encode(), place=target)


def _call(name: str, *words: Any, place: str = "") -> None:
    """Call a C library function; end this process with a sentence if it fails."""
    libc = ctypes.CDLL(None, use_errno=True)
    longs = [ctypes.c_ulong(one) if isinstance(one, int) else one for one in words]
    if getattr(libc, name)(*(longs if name == "mount" else words)) != 0:
        number = ctypes.get_errno()
        where = f" at {place}" if place else ""
        _give_up(f"{name}{where}: {os.strerror(number)}")


# ---- the user


def _become(order: dict[str, Any]) -> None:
    """Become the worker's user for good, and die together with `slipway up`."""
    os.setgroups(order.get("groups", []))
    os.setresgid(order["group"], order["group"], order["group"])
    os.setresuid(order["user"], order["user"], order["user"])
    forbid_new_rights()
    # Linux clears PR_SET_PDEATHSIG at each change of user.
    die_with_parent()
    if os.getppid() != order["parent"]:
        _give_up("slipway up has ended")


def _give_up(why: str) -> NoReturn:
    sys.stderr.write(f"{why}\n")
    sys.exit(3)


if __name__ == "__main__":
    main()
