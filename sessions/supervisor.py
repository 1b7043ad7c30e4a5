"""Run a program and end its whole process tree once its starter is gone, for any reason.

Run as a program of its own, stdlib only: `python -I -S supervisor.py FOLDER PROGRAM ARGUMENTS`,
with a pipe as its input. The system closes the pipe's other end even on SIGKILL. A parent-death
signal on the program would not do: it is sent when the starting *thread* ends, and a Chromium
outlives its killed driver. FOLDER gets the program's output (output.log) and, once it has ended by
itself, its exit code (ended); it is the program's folder for temporary files, and is removed at the
end.
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

__all__ = ["main"]

_POLL = 0.25
_QUICK = 0.1
_KILLS = 3
_TRIES = 100
_PAUSE = 0.01


def main() -> int:
    """Run the program; end it when the input or the parent is gone, and remove its files."""
    folder, *command = sys.argv[1:]
    starter = os.getppid()
    over = threading.Event()
    for name in ("SIGTERM", "SIGINT", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda *_: over.set())
    program = _start(Path(folder), command)
    is_reported = False
    threading.Thread(target=_read_to_end, args=(over,), daemon=True).start()
    # A forked child of the starter may hold the pipe open: so the parent is checked, too.
    while not over.wait(_POLL if is_reported else _QUICK):
        if not is_reported and program.poll() is not None:
            # The program's descendants end with it; the folder stays until the starter has read it.
            _end(program)
            _report_end(Path(folder), program.returncode)
            is_reported = True
        if os.getppid() != starter:
            break
    if not is_reported:  # otherwise its pid may have been reused
        _end(program)
    _remove(Path(folder))
    return 0


def _start(folder: Path, command: list[str]) -> subprocess.Popen[bytes]:
    # A browser's profile and downloads go into the folder that is removed in any case.
    places = dict.fromkeys(("TMPDIR", "TMP", "TEMP"), str(folder))
    with (folder / "output.log").open("wb") as log:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, **places},
            start_new_session=True,
        )


def _read_to_end(over: threading.Event) -> None:
    # Not through sys.stdin: this thread would hold its lock while the interpreter shuts down.
    with contextlib.suppress(OSError):
        while os.read(0, 1024):
            pass
    over.set()


def _report_end(folder: Path, code: int) -> None:
    aside = folder / "ended.part"
    with contextlib.suppress(OSError):
        aside.write_text(str(code))
        aside.replace(folder / "ended")


def _end(program: subprocess.Popen[bytes]) -> None:
    """Kill the program and all of its group at once; a test's files need no orderly shutdown."""
    if sys.platform == "win32":
        tree = ["taskkill", "/F", "/T", "/PID", str(program.pid)]
        subprocess.run(tree, capture_output=True, check=False)
        return
    # Repeated, for processes that were just being forked. An empty group cannot be detected: a
    # zombie that nobody reaps stays in it.
    for _ in range(_KILLS):
        try:
            os.killpg(program.pid, signal.SIGKILL)
        except OSError:
            break
        program.poll()
        time.sleep(_PAUSE)


def _remove(folder: Path) -> None:
    for _ in range(_TRIES):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(_PAUSE)


if __name__ == "__main__":
    sys.exit(main())
