"""Smoke-test a frozen program in isolation: no environment, no Python, no build folder."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from slipway.model.errors import MissingTool, StageFailed
from slipway.scripts.archives.pack import unpack
from slipway.scripts.process import Finished, run
from slipway.scripts.virtual_display import drawn_nowhere, lacks_display

__all__ = ["Smoke", "bare_environment", "start"]

#: Windows cannot start a program without these.
_WINDOWS_NEEDS = ("SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "TEMP", "TMP", "USERPROFILE", "COMSPEC")
_LAST_LINES = 8


@dataclass(frozen=True)
class Smoke:
    """The result of a smoke test."""

    arguments: tuple[str, ...]
    seconds: float
    output: str


def start(
    archive: Path,
    program: str,
    arguments: Sequence[str],
    timeout: float,
    log: Callable[[str], None],
    *,
    gui: bool = False,
) -> Smoke:
    """Unpack a frozen program elsewhere and run it.

    Args:
        archive: The frozen tree, as later stages get it.
        program: The executable's path in the archive.
        arguments: Its arguments.
        timeout: Timeout in seconds.
        log: Receives its output.
        gui: True: it has windows; they are drawn offscreen.

    Raises:
        StageFailed: It does not start, exceeds the timeout, or ends with an exit code other than 0.
    """
    with tempfile.TemporaryDirectory(prefix="slipway-smoke-", ignore_cleanup_errors=True) as name:
        place = Path(name, "elsewhere")
        unpack(archive, place)
        empty = Path(name, "empty")
        empty.mkdir()
        with drawn_nowhere(place, gui=gui) as drawing:
            env = bare_environment() | drawing
            began = time.perf_counter()
            finished = _run([place / program, *arguments], empty, env, timeout, log)
            seconds = time.perf_counter() - began
    if finished.code:
        raise StageFailed(_failure(Path(program).name, arguments, finished))
    return Smoke(tuple(arguments), seconds, finished.tail)


def _run(
    argv: list[str | Path],
    cwd: Path,
    env: dict[str, str],
    timeout: float,
    log: Callable[[str], None],
) -> Finished:
    called = f"the frozen {Path(argv[0]).name}"
    try:
        return run(argv, cwd=cwd, env=env, log=log, timeout=timeout, what=called)
    except (MissingTool, OSError) as error:
        msg = f"{called} does not start: {error}"
        raise StageFailed(msg) from error


def bare_environment() -> dict[str, str]:
    """Return an environment without any Python: empty, except for what Windows itself needs."""
    if os.name != "nt":
        return {}
    return {name: os.environ[name] for name in _WINDOWS_NEEDS if name in os.environ}


def _failure(program: str, arguments: Sequence[str], finished: Finished) -> str:
    output = finished.last_output(_LAST_LINES) or "nothing"
    command = " ".join([program, *arguments])
    return (
        f"the frozen program was started as `{command}` in an empty environment and "
        f"{_ending(finished.code)}; it said: {output}{_remedy(output)}"
    )


def _ending(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"died of {signal.Signals(-code).name}"
    except ValueError:
        return f"died of signal {-code}"


def _remedy(output: str) -> str:
    if lacks_display(output):
        return (
            "; write gui = true for a program with windows, and where it is not Qt install Xvfb on "
            "the worker (apt install xvfb)"
        )
    if "relative import" in output:
        return "; freeze a script that imports its package by name, not by a dot"
    if "NoSuchModuleError" in output:
        return "; name the dialect in the stage's dialects"
    if "No module named" in output:
        return "; name the module in the stage's includes, or its package in packages"
    if "FileNotFoundError" in output or "No such file" in output:
        return "; name data files in include-files, or their package in packages"
    return ""
