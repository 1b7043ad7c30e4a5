"""Isolate a stage's script from the program that it runs as the same user.

The key that authenticates the script's events arrives on its standard input. Before it is read, and
before anything is started:

1. The process is made not dumpable (Linux: PR_SET_DUMPABLE, prctl(2)): no other process of its
   user can open its memory or its descriptors, or trace it. Programs it starts are dumpable again,
   because the kernel resets the flag on execve. Nothing here changes the user, which would also
   reset it. The flag does not restrict root or a holder of CAP_SYS_PTRACE.
2. It forks: what another process may have opened of the parent is not the child's memory. The child
   runs the stage. The parent waits and ends what the child has left, even if the child was killed.
3. The event stream moves to a descriptor that no program inherits; the remaining standard output
   goes to the log, the standard input comes from the null device. On Windows the same is done by
   handles that are not inherited; there is no fork, and a program of the same user may open the
   script's memory.

This module is loaded before all others, so it imports little.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Callable
from typing import IO

__all__ = [
    "READY",
    "adopt_orphans",
    "alone",
    "die_with_parent",
    "forbid_new_rights",
    "guarded",
    "has_children",
    "is_traced",
    "protect",
    "take_streams",
]

#: True: this process runs one stage only, so all its descendants belong to that stage.
alone = False
_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38
_LINUX = sys.platform == "linux"
#: Line that announces that the process is protected and ready to receive the job.
READY = "slipway: ready"
#: Exit code for "something is missing on the machine".
_MISSING = 3


def _prctl(option: int, value: int) -> None:
    ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def protect() -> None:
    """Forbid other processes of this user to open or trace this one; Linux only."""
    if _LINUX:
        _prctl(_PR_SET_DUMPABLE, 0)


def is_traced() -> bool:
    """Return True if a process traces this one; after `protect` no other can start to."""
    if not _LINUX:
        return False
    with open("/proc/self/status", encoding="ascii", errors="replace") as stream:  # noqa: PTH123
        return not any(line.split() == ["TracerPid:", "0"] for line in stream)


def die_with_parent() -> None:
    """Have the kernel send SIGTERM when the parent thread ends; for `preexec_fn`.

    Linux only (PR_SET_PDEATHSIG, prctl(2)). SIGTERM, so that it can still end its own children.
    """
    _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def forbid_new_rights() -> None:
    """Forbid gaining privileges for good: sudo and other setuid programs have no effect.

    Linux only (PR_SET_NO_NEW_PRIVS, prctl(2)).
    """
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def adopt_orphans() -> None:
    """Become the parent of orphaned descendants, so that they can be found and ended.

    Linux only (PR_SET_CHILD_SUBREAPER, prctl(2)); a no-op elsewhere.
    """
    if _LINUX:
        _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def take_streams() -> tuple[IO[str], Callable[[], str]]:
    """Detach standard input and output, so that programs started later do not inherit them.

    Returns:
        The event stream, and a function that announces readiness and reads the whole input.
    """
    sys.stdout.flush()
    events = os.fdopen(os.dup(1), "w", encoding="utf-8", errors="replace", newline="\n")
    given = os.fdopen(os.dup(0), "rb")
    os.dup2(2, 1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)

    def read() -> str:
        events.write(f"{READY}\n")
        events.flush()
        with given:
            return given.read().decode("utf-8", errors="replace")

    return events, read


def guarded(work: Callable[[], int], *, keep_deployed: Callable[[], bool]) -> int:
    """Run work in a forked child that no other process of this user can impersonate.

    On Linux this does not return in the parent: it exits with the child's code.

    Args:
        work: Returns the exit code.
        keep_deployed: Returns True if processes that a deployment left running stay alive.

    Returns:
        The exit code; 128 plus the signal's number if a signal ended the work.
    """
    if not _LINUX:
        return work()
    protect()
    if is_traced():
        sys.stderr.write("another process traces this one and could speak for it; end that one\n")
        return _MISSING
    adopt_orphans()
    parent = os.getpid()
    child = os.fork()
    if child == 0:
        return _do(work, parent)
    return _wait(child, keep_deployed=keep_deployed)


def _do(work: Callable[[], int], parent: int) -> int:
    die_with_parent()
    if os.getppid() != parent or is_traced():
        return _MISSING
    return work()


def _wait(child: int, *, keep_deployed: Callable[[], bool]) -> int:
    """Wait for the child, end all that it has left, and exit with its code."""

    def pass_on(number: int, _frame: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, number)

    signal.signal(signal.SIGTERM, pass_on)
    # The child holds them: a reader must see their end when the child ends.
    for descriptor in (0, 1):
        os.close(descriptor)
    status = None
    while status is None:
        pid, ended = os.waitpid(-1, 0)
        status = ended if pid == child else None
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if has_children():
        from slipway.scripts.process_tree import end_descendants

        end_descendants(patience=0.5, keep_deployed=keep_deployed())
    code = os.waitstatus_to_exitcode(status)
    # Not sys.exit: the buffers that Python would flush belong to the child.
    os._exit(code if code >= 0 else 128 - code)


def has_children() -> bool:
    """Return True if this process has children.

    Asked of the kernel, because a process that forks and ends at once appears in no list of /proc.
    """
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True
