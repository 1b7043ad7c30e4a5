"""Switch users, and end the leftover processes of a stage: the launcher's primitives.

Imports the standard library alone.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import time
from collections.abc import Mapping
from typing import Any

from slipway.scripts.guard import forbid_new_rights, has_children

__all__ = ["act_for", "become", "children", "end_all", "join_keyring", "reaped"]

#: Numbers of Linux's keyctl(2), which the C library does not wrap.
_KEYCTL = {"x86_64": 250, "aarch64": 219, "riscv64": 219}
_JOIN_SESSION_KEYRING = 1
#: Seconds after which leftover processes that cannot be ended are abandoned.
_MOST_SECONDS = 20.0
#: Seconds of killing after which all of the tenant's processes are suspended for a moment.
_QUICK = 1.0
#: Environment variable of the programs that a deployment leaves running; see process_tree.DEPLOYED.
_DEPLOYED = b"SLIPWAY_DEPLOYED="


def become(who: Mapping[str, Any]) -> None:
    """Become a user for good.

    Args:
        who: Its `user`, its `group`, and its supplementary `groups`.
    """
    os.setgroups(who.get("groups", []))
    os.setresgid(who["group"], who["group"], who["group"])
    os.setresuid(who["user"], who["user"], who["user"])
    forbid_new_rights()
    join_keyring()


def join_keyring() -> None:
    """Join a new session keyring: the caller's may hold keys, which all its members share."""
    if (number := _KEYCTL.get(os.uname().machine)) is not None:
        ctypes.CDLL(None, use_errno=True).syscall(number, _JOIN_SESSION_KEYRING, None)


def act_for(who: Mapping[str, Any]) -> None:
    """Take a user's rights, without becoming signalable by that user's processes.

    Args:
        who: As of `become`.
    """
    os.setgroups(who.get("groups", []))
    os.setresgid(who["group"], who["group"], who["group"])
    # The effective id alone gives up all capabilities; the real and saved ids decide who may
    # signal.
    os.setresuid(0, who["user"], 0)
    forbid_new_rights()


def reaped(child: int) -> int | None:
    """Reap ended children; return the given child's exit status if it was among them."""
    status = None
    with contextlib.suppress(ChildProcessError):
        while (found := os.waitpid(-1, os.WNOHANG)) != (0, 0):
            status = found[1] if found[0] == child else status
    return status


def end_all(grace: float, session: int | None, who: Mapping[str, Any]) -> None:
    """End a stage's leftover processes: SIGTERM, then SIGKILL repeatedly, as they may fork quickly.

    Args:
        grace: Seconds between SIGTERM and SIGKILL.
        session: A deployment's session id: processes in other sessions are meant to stay.
        who: The stage's tenant; without a `user`, stages run as this process's user.
    """
    begun, held = time.monotonic(), False
    for pid in children(session):
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGTERM)
    while has_children() and time.monotonic() < begun + _MOST_SECONDS:
        pids = children(session)
        if session is not None and not pids:
            break
        if "user" in who and time.monotonic() > begun + grace + _QUICK:
            # A process that forks and exits at once is gone before it can be killed.
            held = True
            _signal_all(who, signal.SIGSTOP)
            pids = children(session)
        if time.monotonic() > begun + grace:
            for pid in pids:
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
        reaped(0)
        time.sleep(0.002)
    if held:
        _signal_all(who, signal.SIGCONT)


def _signal_all(who: Mapping[str, Any], number: signal.Signals) -> None:
    """Send a signal to all processes of a tenant at once, so that none can fork in between."""
    try:
        child = os.fork()
    except OSError:
        return
    if child == 0:
        try:
            become(who)
            # Linux skips the sender, and processes that its user may not signal.
            os.kill(-1, number)
        finally:
            os._exit(0)
    deadline = time.monotonic() + 1.0
    while reaped(child) is None and time.monotonic() < deadline:
        time.sleep(0.001)


def children(session: int | None = None, of: int | None = None) -> list[int]:
    """Return a process's children; as a subreaper it also inherits their orphans.

    Args:
        session: If given, only processes of this session: a deployment's own.
        of: The process; None: this one.
    """
    me, found = str(of or os.getpid()).encode(), []
    for name in os.listdir("/proc"):  # noqa: PTH208  quicker
        if name.isdecimal():
            with contextlib.suppress(OSError), open(f"/proc/{name}/stat", "rb") as stream:  # noqa: PTH123
                # The program's name comes first, in parentheses, and may contain any character.
                facts = stream.read().rpartition(b")")[2].split()
                if facts[1] != me:
                    continue
                # Zombies count: their children may have been examined before.
                if session is None or int(facts[3]) == session or not _is_deployed(name):
                    found.append(int(name))
    return found


def _is_deployed(name: str) -> bool:
    with contextlib.suppress(OSError), open(f"/proc/{name}/environ", "rb") as stream:  # noqa: PTH123
        return any(one.startswith(_DEPLOYED) for one in stream.read().split(b"\0"))
    return False
