"""The processes that `slipway up` starts: master and workers, ended with it and never orphaned."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Collection
from pathlib import Path

from slipway.model.errors import MissingTool
from slipway.scripts.process import adopt_orphans, die_with_parent, end_descendants

#: Seconds a master may take to come up; a large site takes 15 (500 builders).
PATIENCE = 120
_TWISTD = "from twisted.scripts.twistd import run; run()"
_RUNNING = "BuildMaster is running"


class Children:
    """Starts processes and ends all of them, with whatever they started."""

    def __init__(self) -> None:
        adopt_orphans()
        self._started: list[tuple[str, Path, subprocess.Popen[bytes], int]] = []

    def start(
        self, name: str, tac: Path, extra: dict[str, str], without: Collection[str] = ()
    ) -> None:
        """Start a Twisted application.

        Args:
            name: What to call it when it ends too early.
            tac: Its buildbot.tac; its log is twistd.log beside it.
            extra: Environment variables besides this process's own.
            without: Environment variables it must not see: stages print what they like.
        """
        folder = tac.parent
        offset = log_size(folder)
        kept = {key: value for key, value in os.environ.items() if key not in without}
        with (folder / "output.log").open("wb") as output:
            process = subprocess.Popen(
                [
                    *(sys.executable, "-c", _TWISTD, "--nodaemon", "--no_save"),
                    *("--pidfile", "", "--python", str(tac)),
                ],
                cwd=folder,
                env={**kept, "LC_ALL": "C.UTF-8", "PYTHONUNBUFFERED": "1", **extra},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # Ctrl-C in the terminal is for us: we end them in order.
                start_new_session=os.name == "posix",
                preexec_fn=die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509  nothing else runs yet
            )
        self._started.append((name, folder, process, offset))

    def wait_for_master(self, folder: Path, offset: int) -> None:
        """Wait until the master says in its own log that it runs.

        Args:
            folder: Its base folder.
            offset: Where its log ended before it was started.

        Raises:
            MissingTool: It ended or did not come up in time; what it said last.
        """
        deadline = time.monotonic() + PATIENCE
        log = folder / "twistd.log"
        while time.monotonic() < deadline:
            if _RUNNING in _text_after(log, offset):
                return
            self.check()
            time.sleep(0.05)
        msg = f"the master did not come up within {PATIENCE} seconds; see {log}"
        raise MissingTool(msg)

    def check(self) -> None:
        """Raise when one of them has ended.

        Raises:
            MissingTool: Which, and what it said last.
        """
        for name, folder, process, offset in self._started:
            code = process.poll()
            if code is not None:
                msg = f"the {name} ended ({_ending(code)}): {_last_words(folder, offset)}"
                raise MissingTool(msg)

    def end(self, patience: float = 10.0) -> None:
        """End all of them: workers first, so that the master sees them go; then what is left."""
        for _, _, process, _ in reversed(self._started):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + patience
        for _, _, process, _ in self._started:
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
        end_descendants()


def log_size(folder: Path) -> int:
    """Return how long an application's log is now."""
    log = folder / "twistd.log"
    return log.stat().st_size if log.exists() else 0


def _text_after(log: Path, offset: int) -> str:
    try:
        with log.open("rb") as stream:
            stream.seek(offset)
            return stream.read().decode(errors="replace")
    except FileNotFoundError:
        return ""


def _ending(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


def _last_words(folder: Path, offset: int) -> str:
    """Return what a process said last; its log before `offset` is of earlier ones."""
    for file, start in (("output.log", 0), ("twistd.log", offset)):
        lines = [line.strip() for line in _text_after(folder / file, start).splitlines()]
        places = [number for number, line in enumerate(lines) if "rror" in line]
        if places:
            # A heading such as "Configuration Errors:" is told with what stands below it.
            told = [line for line in lines[places[-1] : places[-1] + 3] if line]
            return f"{' '.join(told)} (see {folder / file})"
    return f"see {folder / 'twistd.log'}"
