"""End the programs that deployments have left running: `python -I deployed.py FOLDER`.

The subfolders of FOLDER are environments. Their contents are untrusted, because committers wrote
them and the caller may be root: nothing in them is run or trusted. A process is ended only if it
belongs to the folder's owner, was started by a deployment, and works in the folder. Linux only.

Standard library only: `make stop` works without an environment.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from pathlib import Path

__all__ = ["end", "main", "of_place"]

#: Environment variable of deployers and all that they start; see `process_tree.DEPLOYED`.
_MARK = b"SLIPWAY_DEPLOYED="
_GRACE, _PATIENCE = 10.0, 20.0


def main(root: Path) -> int:
    """End the programs of each environment, and print one line for each.

    Returns:
        0 if nothing runs any more, 1 if something is left.
    """
    failed = []
    for place in sorted(root.iterdir()) if root.is_dir() else ():
        if place.is_symlink() or not place.is_dir() or not os.path.lexists(place / "current"):
            continue
        if end(place):
            failed.append(place)
            sys.stderr.write(f"something of {place} does not end: {of_place(place)}\n")
        else:
            sys.stdout.write(f"nothing of {place} runs any more\n")
    return 1 if failed else 0


def end(place: Path) -> list[int]:
    """End the processes of an environment: SIGTERM first, SIGKILL after ten seconds.

    Returns:
        The ids of the processes that are left after 20 seconds.
    """
    begun, sent = time.monotonic(), signal.SIGTERM
    while (found := of_place(place)) and time.monotonic() < begun + _PATIENCE:
        for pid in found:
            with contextlib.suppress(OSError):
                os.kill(pid, sent)
        time.sleep(0.05)
        if time.monotonic() > begun + _GRACE:
            sent = signal.SIGKILL
    return found


def of_place(place: Path) -> list[int]:
    """Return the ids of the processes that a deployment has left running in a folder."""
    owner, folder = place.lstat().st_uid, os.path.realpath(place)
    return [
        int(one.name)
        for one in Path("/proc").glob("[0-9]*")
        if int(one.name) != os.getpid() and _is_of(one, owner, folder)
    ]


def _is_of(process: Path, owner: int, folder: str) -> bool:
    with contextlib.suppress(OSError):
        words = (process / "status").read_text(errors="replace").partition("\nUid:")[2].split()
        where = str((process / "cwd").readlink()).removesuffix(" (deleted)")
        if int(words[0]) == owner and Path(where).is_relative_to(folder):
            environ = (process / "environ").read_bytes().split(b"\0")
            return any(one.startswith(_MARK) for one in environ)
    return False


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
