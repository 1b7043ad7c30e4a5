"""Ends a throw-away PostgreSQL server when the process that started it is gone, however it went.

Run as a program of its own, stdlib only: `python -I -S cluster_watchdog.py FOLDER`, with a pipe as
its input. The pipe's other end is held by the stage alone: the system closes it even on SIGKILL.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from pathlib import Path

TRIES = 100
PAUSE = 0.05


def end_server(folder: Path) -> None:
    """End the server of a folder at once; nothing in it is worth a clean shutdown."""
    for _ in range(TRIES):
        try:
            pid = int((folder / "data" / "postmaster.pid").read_text().split()[0])
            os.kill(pid, signal.SIGQUIT)
        except (OSError, ValueError, IndexError):
            return
        time.sleep(PAUSE)


def main() -> None:
    """Wait for the end of the input, then leave nothing behind."""
    folder = Path(sys.argv[1])
    if os.fork():
        return
    # A session of its own: what ends the stage's process group must not end this first.
    os.setsid()
    os.chdir("/")
    sys.stdin.buffer.read()
    for _ in range(3):
        if not folder.exists():
            return
        end_server(folder)
        shutil.rmtree(folder, ignore_errors=True)
        # initdb or postgres may have been starting at that very moment.
        time.sleep(0.5)


if __name__ == "__main__":
    main()
