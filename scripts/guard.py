"""Keeping a stage's script apart from the program it runs, which is of the same user.

The key that proves the script's events comes on its standard input. Before it is read, and before
anything is started:

1. The process is made not dumpable (Linux: PR_SET_DUMPABLE, prctl(2)): no other process of its
   user opens its memory or its descriptors, or traces it. Programs it starts are dumpable again, as
   the kernel has it after execve. Nothing here changes its user, which would undo it, too. For
   root, and whoever has CAP_SYS_PTRACE, the kernel makes no such difference.
2. It forks: what somebody may have opened of it since it began is not its child's memory. The child
   does the stage. The parent waits, and ends what the child has left, also where that was killed.
3. The event stream moves to a descriptor that no program inherits; what is left as the standard
   output leads to the log, the standard input to nothing. On Windows the same by handles that are
   not inherited; there is no fork, and a program of the same user may open the script's memory.

This module is loaded before all others: it imports little.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Callable
from typing import IO

#: Whether this process does one stage alone: then whatever it has started is the stage's.
alone = False
_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38
_LINUX = sys.platform == "linux"
#: A line by which the script says that nobody can read along any more.
READY = "slipway: ready to be told"
#: The exit code of "something is missing on the machine".
_MISSING = 3


def _prctl(option: int, value: int) -> None:
    ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def protect() -> None:
    """Let no other process of this user open or trace this one; Linux only."""
    if _LINUX:
        _prctl(_PR_SET_DUMPABLE, 0)


def is_traced() -> bool:
    """Tell whether a process traces this one; once protected, no other can begin to."""
    if not _LINUX:
        return False
    with open("/proc/self/status", encoding="ascii", errors="replace") as stream:  # noqa: PTH123
        return not any(line.split() == ["TracerPid:", "0"] for line in stream)


def die_with_parent() -> None:
    """Have this process ended when the thread that started it is gone; for `preexec_fn`.

    Linux only (PR_SET_PDEATHSIG, prctl(2)). SIGTERM: what it has started itself it can still end.
    """
    _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def forbid_new_rights() -> None:
    """Let no program give its caller another user for good: sudo and its like do not work.

    Linux only (PR_SET_NO_NEW_PRIVS, prctl(2)).
    """
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def adopt_orphans() -> None:
    """Have descendants whose parent dies become ours, so that they can be found and ended.

    Linux only (PR_SET_CHILD_SUBREAPER, prctl(2)); elsewhere nothing happens.
    """
    if _LINUX:
        _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def take_streams() -> tuple[IO[str], Callable[[], str]]:
    """Take standard input and output away from whatever is started from now on.

    Returns:
        The event stream, and a function that says we are ready and reads all of the input.
    """
    sys.stdout.flush()
    events = os.fdopen(os.dup(1), "w", encoding="utf-8", errors="replace", newline="\n")
    told = os.fdopen(os.dup(0), "rb")
    os.dup2(2, 1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)

    def read() -> str:
        events.write(f"{READY}\n")
        events.flush()
        with told:
            return told.read().decode("utf-8", errors="replace")

    return events, read


def guarded(work: Callable[[], int], *, keep_deployed: Callable[[], bool]) -> int:
    """Do work in a process of its own that nobody of this user can speak for.

    Args:
        work: Returns the exit code.
        keep_deployed: Tells whether what was started to stay is not ended, as of deployments.

    Returns:
        The exit code; of work that was ended by a signal 128 and its number.
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
    """Wait for the child, then end all it has left, whoever has ended it."""

    def pass_on(number: int, _frame: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, number)

    signal.signal(signal.SIGTERM, pass_on)
    # The child has them: nobody waits for the end of what we hold open.
    for descriptor in (0, 1):
        os.close(descriptor)
    status = None
    while status is None:
        pid, ended = os.waitpid(-1, 0)
        status = ended if pid == child else None
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if has_children():
        from slipway.scripts.process import end_descendants

        end_descendants(patience=0.5, keep_deployed=keep_deployed())
    code = os.waitstatus_to_exitcode(status)
    # Not by sys.exit: what Python would flush belongs to the child.
    os._exit(code if code >= 0 else 128 - code)


def has_children() -> bool:
    """Tell whether this process has children: what forks and ends at once is in no list of them."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True
