"""Write a worker's own files, as the worker's user: `python -m slipway.workers.installation.files`.

The folder belongs to that user, and so do the stages that have run there: what an administrator
writes into it could go anywhere, by a link that a stage has left.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from slipway.scripts import removal
from slipway.workers.worker_tac import WorkerPlace, write_tac

__all__ = ["write_own_files"]


def write_own_files(place: WorkerPlace) -> None:
    """Write the files that a worker starts from; whatever stands in their way is removed.

    Args:
        place: The worker; its password's file is somebody else's.
    """
    for name in ("info", "buildbot.tac"):
        removal.remove(place.folder / name)
    write_tac(place)
    home = place.folder / "home"
    if home.is_symlink() or not home.is_dir():
        removal.remove(home)
    home.mkdir(mode=0o700, exist_ok=True)


if __name__ == "__main__":
    given = json.load(sys.stdin)
    paths = {name: Path(given[name]) for name in ("folder", "password_file")}
    write_own_files(WorkerPlace(**{**given, **paths}))
