"""Load behave while the host still prepares the run, and wait for the settings.

`run.py` waits for them itself. `run.py --fork REPORTS STDIN STDOUT [STDIN STDOUT ...]` loads behave
once and forks a process for each pair of descriptors, which becomes its standard input and output.
On REPORTS it writes `pid INDEX PID` when a process has been forked and `code INDEX CODE` when it
has ended; a negative code is the signal that ended it. It ends when all of them have.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

__all__ = ["FORK", "fork_processes", "wait_for_settings"]

#: The argument before the descriptors of the processes to fork.
FORK = "--fork"

#: What every run needs of behave.
_NEEDED = ("behave.__main__", "behave.runner", "behave.formatter.pretty")
#: What the first scenario over HTTP loads, where the project uses our sessions.
_OF_SESSIONS = (
    "slipway.sessions.integrations.behave_hooks",
    "slipway.sessions.http.driver",
)
_PR_SET_PDEATHSIG = 1
_FEATURES = Path("features")
_HOOKS = "environment.py"


def wait_for_settings() -> str:
    """Load behave, then return the path of the settings: a JSON text on the standard input.

    Returns:
        The path; empty if the host needs no run.
    """
    _load()
    return _read_path()


def fork_processes(descriptors: Sequence[str]) -> str:
    """Load behave, then fork a process for each part of a run; Linux only.

    Returns:
        In each forked process the path of its settings, as `wait_for_settings` does; in the
        process that forks them an empty text, when all have ended.
    """
    _load()
    # The collector would write to the pages of all that is loaded, which the processes share.
    gc.freeze()
    reports, *ends = map(int, descriptors)
    pairs = list(zip(ends[::2], ends[1::2], strict=True))
    # Imported late: other processes do not need it.
    from ctypes import CDLL

    libc = CDLL(None)
    pids: dict[int, int] = {}
    # Ctrl+C reaches the whole group; how the processes end is still to be reported.
    interrupt = signal.signal(signal.SIGINT, signal.SIG_IGN)
    for index, (given, output) in enumerate(pairs):
        own = os.getpid()
        pid = os.fork()
        if pid == 0:
            # The parent's end ends it, too: nobody would hear how it went on.
            libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
            if os.getppid() != own:
                return ""
            signal.signal(signal.SIGINT, interrupt)
            for number, descriptor in ((0, given), (1, output), (2, output)):
                os.dup2(descriptor, number)
            _close(reports, *ends)
            return _read_path()
        pids[pid] = index
        os.write(reports, b"pid %d %d\n" % (index, pid))
    _report_ends(reports, ends, pids)
    return ""


def _report_ends(reports: int, ends: Sequence[int], pids: dict[int, int]) -> None:
    """Report how the forked processes end."""
    null = os.open(os.devnull, os.O_WRONLY)
    for number in (1, 2):
        os.dup2(null, number)
    _close(null, *ends)
    while pids:
        pid, status = os.wait()
        code = os.waitstatus_to_exitcode(status)
        with contextlib.suppress(OSError):
            os.write(reports, b"code %d %d\n" % (pids.pop(pid), code))


def _close(*descriptors: int) -> None:
    for one in descriptors:
        os.close(one)


def _load() -> None:
    # Until the run begins, nothing is garbage.
    gc.disable()
    # As in main: the folder of run.py must not hide the application's modules.
    sys.path[0] = str(Path.cwd())
    for name in _NEEDED + (_OF_SESSIONS if _uses_sessions() else ()):
        # The run itself reports what is missing or broken.
        with contextlib.suppress(Exception, SystemExit):
            importlib.import_module(name)


def _read_path() -> str:
    line = sys.stdin.readline()
    path = str(json.loads(line)) if line else ""
    # The project's own code finds an empty standard input, as always.
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    return path


def _uses_sessions() -> bool:
    """Return True if the hooks name our sessions.

    behave searches modules in the folder of the features first. A project that has any there gets
    what it would get without this.
    """
    with contextlib.suppress(OSError):
        own = {one.name for one in _FEATURES.glob("*.py")} - {_HOOKS}
        own |= {one.parent.name for one in _FEATURES.glob("*/__init__.py")} - {"steps"}
        return not own and b"slipway.sessions" in (_FEATURES / _HOOKS).read_bytes()
    return False
