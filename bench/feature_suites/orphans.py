"""Orphans: old builds that sit on the very port an application was lent."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from unittest.mock import patch

from slipway.scripts.stages.features.application import process as application
from slipway.scripts.stages.features.application.port import Lease
from slipway.scripts.stages.features.application.process import Application, ApplicationSettings

STARTS = 100
_BUILD = Path(__file__).with_name("build.py")
_WAYS = ("ends", "waits", "shares")


class Planted(Lease):
    """A port on which an old build sits the moment it is given back, once in each start."""

    way = "ends"
    olds: list[subprocess.Popen[bytes]]

    def release(self) -> None:
        """Give the port back; a stranger is quicker than the application."""
        super().release()
        if self.olds:
            return
        words = [sys.executable, "-I", "-S", str(_BUILD), "old", self.way, str(self.port)]
        self.olds.append(subprocess.Popen(words, env={}, start_new_session=True))
        while True:
            with socket.socket() as asked:
                if asked.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.01)


def plant_orphans(folder: Path) -> int:
    """Start an application 100 times; each time an old build is first on the port it gets first.

    Args:
        folder: Where logs go.

    Returns:
        How many times the old build would have been tested.
    """
    wrong, began = 0, time.monotonic()
    with patch.object(application, "Lease", Planted):
        for number in range(STARTS):
            Planted.way, Planted.olds = _WAYS[number % len(_WAYS)], []
            words = (sys.executable, "-I", "-S", str(_BUILD), "new", Planted.way, "{port}")
            try:
                settings = ApplicationSettings(words, log=folder / "log")
                with (
                    Application(settings) as started,
                    urllib.request.urlopen(started.url, timeout=10) as answer,  # noqa: S310
                ):
                    wrong += answer.read() != b"new"
            finally:
                for old in Planted.olds:
                    old.kill()
                    old.wait()
            # A start without an orphan would prove nothing.
            wrong += len(Planted.olds) != 1
    print(f"{STARTS} starts, an orphan in each, {time.monotonic() - began:.0f} s")
    return wrong
