"""End trees of processes: whole, or but for what a deployment has left running."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable

import psutil

from slipway.scripts import windows_job

__all__ = ["DEPLOYED", "end_descendants", "end_swarm", "end_tree", "is_deployed"]

#: Environment variable of deployers and all that they start; its value is PROJECT/ENVIRONMENT.
DEPLOYED = "SLIPWAY_DEPLOYED"
#: Seconds after which processes that cannot be killed (uninterruptible I/O) are given up.
_MOST_SECONDS = 20.0


def end_tree(pid: int, patience: float = 3.0) -> None:
    """End a process and all its descendants: SIGTERM first, then SIGKILL.

    Args:
        pid: The root of the tree; it may have ended already.
        patience: Seconds between the two signals.
    """
    try:
        root = psutil.Process(pid)
        tree = [*root.children(recursive=True), root]
    except psutil.NoSuchProcess:
        return
    for process in tree:
        _quietly(process.terminate)
    _, alive = psutil.wait_procs(tree, timeout=patience)
    for process in alive:
        # Processes started since the first signal are children of those still alive.
        with contextlib.suppress(psutil.Error):
            for late in process.children(recursive=True):
                _quietly(late.kill)
        _quietly(process.kill)
    psutil.wait_procs(alive, timeout=patience)


def end_swarm(pid: int) -> None:
    """Kill a process and all its descendants, which start more of them all the time.

    All are suspended before the first is killed: one that runs would go on, as nobody's child.

    Args:
        pid: The root of the tree.
    """
    found: dict[int, psutil.Process] = {}
    try:
        root = psutil.Process(pid)
        while new := {
            one.pid: one for one in (root, *root.children(recursive=True)) if one.pid not in found
        }:
            for process in new.values():
                _quietly(process.suspend)
            found |= new
    except psutil.NoSuchProcess:
        pass
    for process in found.values():
        _quietly(process.kill)
    psutil.wait_procs(list(found.values()), timeout=_MOST_SECONDS)


def _quietly(action: Callable[[], None]) -> None:
    with contextlib.suppress(psutil.Error):
        action()


def end_descendants(patience: float = 3.0, *, keep_deployed: bool = False) -> None:
    """End all running descendants of this process: SIGTERM first, then SIGKILL.

    Args:
        patience: Seconds between the two signals.
        keep_deployed: Spare processes that a deployment left running. Only a deployment's own
            script may set this: any program can set the variable that marks them.
    """
    tree = _tree(keep_deployed=keep_deployed)
    for process in tree:
        _quietly(process.terminate)
    psutil.wait_procs(tree, timeout=patience)
    deadline = time.monotonic() + _MOST_SECONDS
    # Processes started since, and orphans of killed ones, become our children: see `adopt_orphans`.
    # They may fork quickly, so the search must be quicker.
    while (pids := _child_pids(keep_deployed=keep_deployed)) and time.monotonic() < deadline:
        for pid in pids:
            with contextlib.suppress(OSError):
                os.kill(pid, getattr(signal, "SIGKILL", signal.SIGTERM))
        if sum(_reap(pid) for pid in pids) == 0:
            time.sleep(0.001)


def _tree(*, keep_deployed: bool) -> list[psutil.Process]:
    """Return this process's descendants."""
    held = windows_job.members()
    if held is not None:
        return [process for pid in held for process in _process(pid)]
    if not keep_deployed:
        # One pass over all processes: one for each of thousands of zombies would take too long.
        return psutil.Process().children(recursive=True)
    children = _children(keep_deployed=True)
    running = [child for child in children if not _has_ended(child)]
    return [process for child in running for process in (child, *_below(child))]


def _process(pid: int) -> list[psutil.Process]:
    with contextlib.suppress(psutil.Error):
        return [psutil.Process(pid)]
    return []


def _has_ended(process: psutil.Process) -> bool:
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return True


def _children(*, keep_deployed: bool) -> list[psutil.Process]:
    children = psutil.Process().children()
    return [child for child in children if not (keep_deployed and is_deployed(child))]


def _child_pids(*, keep_deployed: bool) -> list[int]:
    """Return the ids of this process's children; psutil is slower, it builds objects for all."""
    held = windows_job.members()
    if held is not None:
        return held
    if keep_deployed or not sys.platform.startswith("linux"):
        return [child.pid for child in _children(keep_deployed=keep_deployed)]
    me, found = str(os.getpid()).encode(), []
    for name in os.listdir("/proc"):  # noqa: PTH208
        if name.isdecimal():
            with contextlib.suppress(OSError), open(f"/proc/{name}/stat", "rb") as stream:  # noqa: PTH123
                # The program's name precedes it, in parentheses, and may hold any character.
                if stream.read().rpartition(b")")[2].split()[1] == me:
                    found.append(int(name))
    return found


def _reap(pid: int) -> bool:
    """Reap a child without blocking; return True if it has ended."""
    if os.name != "posix":
        return False
    with contextlib.suppress(ChildProcessError):
        return os.waitpid(pid, os.WNOHANG) != (0, 0)
    return True


def _below(process: psutil.Process) -> list[psutil.Process]:
    with contextlib.suppress(psutil.Error):
        return list(process.children(recursive=True))
    return []


def is_deployed(process: psutil.Process) -> bool:
    """Return True if a deployment left this process running: marked, in a session of its own."""
    if os.name != "posix":
        return False
    with contextlib.suppress(psutil.Error, OSError):
        return os.getsid(process.pid) != os.getsid(0) and DEPLOYED in process.environ()
    return False
