"""The worker's side of its isolation: as its own user, or in its own namespaces, it begins here."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any, NoReturn

#: What a worker needs of its Python, and of what is installed for it.
_NEEDED = ("platform", "ssl", "pydantic", "buildbot_worker.bot", "slipway.scripts.stage")
_TWISTD = "from twisted.scripts.twistd import run; run()"


def begin(order: dict[str, Any]) -> None:
    """Do what is ordered: write the worker's file and become it, or try the isolation.

    Args:
        order: `place` of a worker, or `tries`: files that must not be readable from here.
    """
    os.umask(0o022)
    if "tries" in order:
        _try(order["tries"], order["folder"])
    from slipway.workers.launcher import handover
    from slipway.workers.worker_tac import WorkerPlace, write_tac

    told = order["place"]
    place = WorkerPlace(Path(told["folder"]), told["name"], told["host"], told["port"], None)
    os.chdir(place.folder)
    tidy(place.folder)
    if handover.VARIABLE in os.environ:
        # Stages are other users': of what is the worker's they see nothing.
        os.umask(0o077)
        handover.install(place.folder)
    words = [sys.executable, "-P", "-c", _TWISTD, "--nodaemon", "--no_save"]
    words += ["--pidfile", "", "--python", str(write_tac(place))]
    os.execv(sys.executable, words)  # noqa: S606  a list, and no shell


def tidy(folder: Path) -> None:
    """Remove what stages have put in the way of the worker's next start."""
    from slipway.scripts import removal
    from slipway.workers.launcher import handover

    for name in ("info", "buildbot.tac", handover.PROGRAMS):
        removal.remove(folder / name)
    log, home = folder / "twistd.log", folder / "home"
    if log.is_symlink() or not log.is_file():
        removal.remove(log)
    if home.is_symlink() or not home.is_dir():
        removal.remove(home)
    home.mkdir(mode=0o700, exist_ok=True)
    home.chmod(0o700)


def _try(files: list[str], folder: str) -> NoReturn:
    """See that the worker can do its work here and read nothing of the master's."""
    for file in files:
        try:
            with open(file, "rb"):  # noqa: PTH123  as a stage's program would
                sys.stderr.write(f"{file} can be read all the same\n")
                sys.exit(1)
        except OSError:
            continue
    if Path(folder).is_dir():
        os.chdir(folder)
    # Anew: this Python was begun by the master's user, and had read much of itself as that.
    words = [sys.executable, "-P", "-c", f"import {', '.join(_NEEDED)}"]
    try:
        os.execv(sys.executable, words)  # noqa: S606  a list, and no shell
    except OSError as error:
        sys.stderr.write(f"the worker may not run {sys.executable}: {error.strerror}\n")
        sys.exit(1)


if __name__ == "__main__":
    begin(json.loads(sys.argv[1]))
