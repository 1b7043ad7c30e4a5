"""End a temporary PostgreSQL server when the process that started it is gone, even by SIGKILL.

Run as a separate program, standard library only: `python -I -S watchdog.py FOLDER`, with a pipe as
its input. Only the stage holds the other end of the pipe: the system closes it even on SIGKILL.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from pathlib import Path

__all__ = ["PAUSE", "TRIES", "end_server", "main"]

TRIES = 100
PAUSE = 0.05


def end_server(folder: Path) -> None:
    """End the server of a folder immediately (SIGQUIT); its data is temporary."""
    for _ in range(TRIES):
        try:
            pid = int((folder / "data" / "postmaster.pid").read_text().split()[0])
            os.kill(pid, signal.SIGQUIT)
        except (OSError, ValueError, IndexError):
            return
        time.sleep(PAUSE)


def main() -> None:
    """Wait for the end of the input, then end the server and delete its folder."""
    folder = Path(sys.argv[1])
    if os.fork():
        return
    # New session: a signal to the stage's process group must not end this process first.
    os.setsid()
    os.chdir("/")
    sys.stdin.buffer.read()
    for _ in range(3):
        if not folder.exists():
            return
        end_server(folder)
        shutil.rmtree(folder, ignore_errors=True)
        # initdb or postgres may have been starting at that moment.
        time.sleep(0.5)


if __name__ == "__main__":
    main()
