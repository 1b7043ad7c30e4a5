"""Provide windowed programs with an offscreen display."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from slipway.scripts.guard import die_with_parent
from slipway.scripts.process_tree import end_tree

__all__ = ["OFFSCREEN", "drawn_nowhere", "lacks_display"]

#: Toolkits that draw into memory if these variables are set.
OFFSCREEN = {"QT_QPA_PLATFORM": "offscreen", "SDL_VIDEODRIVER": "dummy"}
_QT = ("PySide*", "PyQt*")
_PATIENCE = 20.0
#: Messages of toolkits that find no display.
_LACKS = ("cannot open display", "no display name", "could not connect to display", "$display")


@contextlib.contextmanager
def drawn_nowhere(tree: Path, *, gui: bool) -> Iterator[dict[str, str]]:
    """Provide the environment variables by which a frozen windowed program draws offscreen.

    Args:
        tree: The frozen program. Qt draws into memory; for others Xvfb is started if this machine
            has it.
        gui: True: it has windows. False: no variables.
    """
    if not gui or sys.platform in {"win32", "darwin"}:
        yield {}
        return
    server = shutil.which("Xvfb")
    if server is None or any(True for name in _QT for _ in tree.rglob(name)):
        yield dict(OFFSCREEN)
        return
    with _started(server) as name:
        yield OFFSCREEN | ({"DISPLAY": name} if name else {})


@contextlib.contextmanager
def _started(server: str) -> Iterator[str]:
    """Start Xvfb on a display it chooses; yield its name, or an empty text if it does not start."""
    listening, write_end = os.pipe()
    words = [
        "-displayfd",
        str(write_end),
        "-screen",
        "0",
        "1280x1024x24",
        "-nolisten",
        "tcp",
        "-noreset",
    ]
    try:
        process = subprocess.Popen(
            [server, *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(write_end,),
            preexec_fn=die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509
        )
    finally:
        os.close(write_end)
    try:
        number = _number(listening)
        yield f":{number}" if number else ""
    finally:
        os.close(listening)
        end_tree(process.pid)
        process.wait()


def _number(stream: int) -> str:
    """Return the number of the display that Xvfb has chosen; empty if it does not start in time."""
    end, data = time.monotonic() + _PATIENCE, b""
    while not data.endswith(b"\n"):
        if not select.select([stream], [], [], max(0.0, end - time.monotonic()))[0]:
            return ""
        part = os.read(stream, 64)
        if not part:
            return ""
        data += part
    return data.decode().strip()


def lacks_display(output: str) -> bool:
    """Return True if a program's output says that it found no display."""
    return any(one in output.lower() for one in _LACKS)
