"""Runs a driver and ends it, with its browser, once whoever started it is gone, however it went.

Run as a program of its own, stdlib only: `python -I -S browser_keeper.py FOLDER DRIVER ARGUMENTS`,
with a pipe as its input. The system closes the pipe's other end even on SIGKILL. A parent-death
signal on the driver would not do: it is sent when the starting *thread* ends, and a Chromium
outlives its killed driver.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

_LOOK = 0.25
_KILLS = 3
_TRIES = 100
_PAUSE = 0.01


def main() -> int:
    """Run the driver; end it when the input or the parent is gone; leave no file behind."""
    folder, *command = sys.argv[1:]
    starter = os.getppid()
    over = threading.Event()
    for name in ("SIGTERM", "SIGINT", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda *_: over.set())
    driver = _start(Path(folder), command)
    threading.Thread(target=_read_to_end, args=(over,), daemon=True).start()
    # A forked child of the starter may hold the pipe open: so the parent is looked at, too.
    while not over.wait(_LOOK) and driver.poll() is None:
        if os.getppid() != starter:
            break
    _end(driver)
    _remove(Path(folder))
    return 0


def _start(folder: Path, command: list[str]) -> subprocess.Popen[bytes]:
    # Profile and downloads go where they are removed, however the browser ends.
    places = dict.fromkeys(("TMPDIR", "TMP", "TEMP"), str(folder))
    with (folder / "driver.log").open("wb") as log:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, **places},
            start_new_session=True,
        )


def _read_to_end(over: threading.Event) -> None:
    # Not through sys.stdin: its lock would be held by this thread as the interpreter ends.
    with contextlib.suppress(OSError):
        while os.read(0, 1024):
            pass
    over.set()


def _end(driver: subprocess.Popen[bytes]) -> None:
    """End the driver and its browser at once; nothing in a test's profile is worth more."""
    if sys.platform == "win32":
        tree = ["taskkill", "/F", "/T", "/PID", str(driver.pid)]
        subprocess.run(tree, capture_output=True, check=False)
        return
    # More than once, for what was just being forked. Whether the group is empty tells nothing:
    # a zombie that nobody reaps stays in it.
    for _ in range(_KILLS):
        try:
            os.killpg(driver.pid, signal.SIGKILL)
        except OSError:
            break
        driver.poll()
        time.sleep(_PAUSE)


def _remove(folder: Path) -> None:
    for _ in range(_TRIES):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(_PAUSE)


if __name__ == "__main__":
    sys.exit(main())
