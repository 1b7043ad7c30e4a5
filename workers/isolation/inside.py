"""The worker's side of its isolation: the first code that runs as its user or in its namespaces."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any, NoReturn

__all__ = ["begin", "tidy"]

#: Python arguments and paths that a worker needs.
_NEEDED = ("platform", "ssl", "pydantic", "buildbot_worker.bot", "slipway.scripts.stage")
_TWISTD = "from twisted.scripts.twistd import run; run()"


def begin(order: dict[str, Any]) -> None:
    """Execute an order: write the worker's file and become the worker, or test the isolation.

    Args:
        order: `place` of a worker, or `tries`: files that must not be readable from here.
    """
    os.umask(0o022)
    if "tries" in order:
        _try(order["tries"], order["folder"])
    from slipway.workers.launcher import handover
    from slipway.workers.worker_tac import WorkerPlace, write_tac

    settings = order["place"]
    place = WorkerPlace(
        Path(settings["folder"]),
        settings["name"],
        settings["host"],
        settings["port"],
        None,
        settings["fingerprint"],
    )
    os.chdir(place.folder)
    tidy(place.folder)
    if handover.VARIABLE in os.environ:
        # Stages run as other users, which must not see the worker's files.
        os.umask(0o077)
        handover.install(place.folder)
    words = [sys.executable, "-P", "-c", _TWISTD, "--nodaemon", "--no_save"]
    words += ["--pidfile", "", "--python", str(write_tac(place))]
    os.execv(sys.executable, words)  # noqa: S606  a list, and no shell


def tidy(folder: Path) -> None:
    """Remove files of stages that block the worker's next start."""
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
    """Verify that the worker can work here and cannot read the master's files."""
    for file in files:
        try:
            with open(file, "rb"):  # noqa: PTH123  as a stage's program would
                sys.stderr.write(f"{file} can be read all the same\n")
                sys.exit(1)
        except OSError:
            continue
    if Path(folder).is_dir():
        os.chdir(folder)
    # Exec again: the master's user started this Python, which had read many of its files as that
    # user.
    words = [sys.executable, "-P", "-c", f"import {', '.join(_NEEDED)}"]
    try:
        os.execv(sys.executable, words)  # noqa: S606  a list, and no shell
    except OSError as error:
        sys.stderr.write(f"the worker may not run {sys.executable}: {error.strerror}\n")
        sys.exit(1)


if __name__ == "__main__":
    begin(json.loads(sys.argv[1]))
