"""Take orders beside a worker and start stages: the common part of both launchers.

Imports the standard library alone: one launcher runs as root (see `users`), the other one uses
namespaces (see `rooms`).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import resource
import select
import signal
import socket
import struct
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from slipway.scripts.guard import die_with_parent
from slipway.workers.launcher.ending import reaped
from slipway.workers.launcher.handover import ROOMS, SOCKET, STOP, VARIABLE, receive, send

__all__ = [
    "GRACE",
    "LONG_GRACE",
    "MISSING",
    "PATIENCE",
    "Executor",
    "Order",
    "apart",
    "asleep",
    "awake",
    "leave_behind",
    "limit_processes",
    "listen",
    "most_processes",
    "send_code",
    "serve",
    "surroundings",
    "take_streams",
    "watch",
]

#: Exit code for a program that could not be started.
MISSING = 3
#: Seconds for an order to arrive, and for a stage to end once it was asked to.
PATIENCE, GRACE, LONG_GRACE = 30, 0.5, 5.0
#: Seconds between checks of the worker's existence, on Linux without pidfd (before 5.3).
_POLL = 1.0
#: Seconds until a fork that failed for lack of room is retried.
_PAUSE = 0.1
#: A tenant's share of the processes and threads that the machine allows is one in this many.
_SHARE = 4
_CREDENTIALS = struct.Struct("iII")

Order = Mapping[str, Any]
#: Executes one order, given its connection, its content and the open files that came with it.
Executor = Callable[[socket.socket, Order, list[int]], None]


# ---- beside a worker


def listen(folder: Path, user: int, group: int) -> socket.socket:
    """Return the listening socket in a worker's folder; only the worker's user may connect."""
    handle = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        # By descriptor: socket addresses are short, and the worker owns the folder.
        place = f"/proc/self/fd/{handle}/{SOCKET}"
        with contextlib.suppress(FileNotFoundError):
            os.unlink(SOCKET, dir_fd=handle)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        before = os.umask(0o177)
        try:
            listener.bind(place)
        finally:
            os.umask(before)
        os.chown(SOCKET, user, group, dir_fd=handle, follow_symlinks=False)
        listener.listen(128)
    finally:
        os.close(handle)
    return listener


def leave_behind(
    listener: socket.socket, folder: Path, work: Callable[[socket.socket, int], None]
) -> None:
    """Fork a process that takes orders, and publish its address to this process's programs.

    Args:
        listener: The listening socket.
        folder: The folder of that socket.
        work: Takes orders while the process with the given pid lives, which is this one.
    """
    parent = os.getpid()
    if os.fork() == 0:
        try:
            _forget_input()
            work(listener, parent)
        finally:
            os._exit(0)
    listener.close()
    os.environ[VARIABLE] = str(folder)


def _forget_input() -> None:
    """Close standard input, on which the worker's password arrives."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.setsid()


def serve(
    listener: socket.socket,
    worker: int,
    user: int,
    execute: Executor,
    tend: Callable[[], None] | None = None,
) -> None:
    """Take orders until the worker has ended; each is executed in its own process.

    Args:
        listener: The listening socket.
        worker: The worker's process, the parent of this one.
        user: The user id that may give orders.
        execute: Executes an order.
        tend: Called before each order, and each second.
    """
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Ignored SIGCHLD: the kernel reaps the children.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    awaited: list[Any] = [listener]
    with contextlib.suppress(AttributeError, OSError):
        awaited.append(os.pidfd_open(worker))
    # Not PR_SET_PDEATHSIG: by then the worker may not signal root's process.
    while os.getppid() == worker:
        ready = select.select(awaited, [], [], _POLL)[0]
        if tend is not None:
            tend()
        if listener not in ready:
            continue
        try:
            sock, _ = listener.accept()
        except OSError:
            # Out of descriptors or memory.
            time.sleep(_PAUSE)
            continue
        apart(partial(_take, sock, user, execute), listener)
        sock.close()


def apart(work: Callable[[], None], *unneeded: socket.socket) -> None:
    """Run a function in a forked process that ends with this one.

    Args:
        work: The function.
        unneeded: Sockets to close in that process.
    """
    me = os.getpid()
    if _forked() != 0:
        return
    try:
        for one in unneeded:
            one.close()
        die_with_parent()
        if os.getppid() == me:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            work()
    except (EOFError, OSError, ValueError, KeyError) as error:
        sys.stderr.write(f"launcher: {type(error).__name__}: {error}\n")
    finally:
        os._exit(0)


def _forked() -> int:
    """Fork, and retry while the process limit is reached; return -1 after a long time.

    Stages may have used up all processes. This process must survive that: the worker needs it.
    """
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return os.fork()
        except OSError as error:
            if time.monotonic() > deadline:
                sys.stderr.write(f"launcher: fork: {error}\n")
                return -1
            time.sleep(_PAUSE)


def _take(sock: socket.socket, user: int, execute: Executor) -> None:
    """Take one order of the worker's user and execute it."""
    credentials = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    if _CREDENTIALS.unpack(credentials)[1] != user:
        return
    sock.settimeout(PATIENCE)
    asked, files = receive(sock, 3)
    sock.settimeout(None)
    execute(sock, asked, files)


# ---- a stage


def awake() -> int:
    """Return a descriptor that becomes readable when a child ends or this process is to end."""
    wake, woken = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGTERM, lambda *_: None)
    return wake


def asleep() -> None:
    """Restore default signal handling, in a child of a process that called `awake`."""
    signal.set_wakeup_fd(-1)
    for one in (signal.SIGTERM, signal.SIGCHLD, signal.SIGINT):
        signal.signal(one, signal.SIG_DFL)


def watch(
    sock: socket.socket,
    wake: int,
    child: int,
    stop: Callable[[], None],
    end: Callable[[float], None],
) -> int | None:
    """Wait for the end of a stage; return its exit code, or None if its client has gone.

    Args:
        sock: The connection to the client.
        wake: The descriptor from `awake`.
        child: The process.
        stop: Asks the stage to end.
        end: Ends leftover processes, given the seconds until SIGKILL.
    """
    awaited: list[Any] = [sock, wake]
    status: int | None = None
    while status is None:
        ready = select.select(awaited, [], [])[0]
        is_over = wake in ready and signal.SIGTERM in os.read(wake, 4096)
        if sock in ready and not is_over:
            is_over = not set(_received(sock)) & set(STOP)
            stop()
        if is_over:
            # The worker, or the client of this stage, has ended.
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            end(LONG_GRACE)
            return None
        status = reaped(child)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    end(GRACE)
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _received(sock: socket.socket) -> bytes:
    try:
        return sock.recv(64)
    except ConnectionError:
        return b""


def send_code(sock: socket.socket, code: int | None) -> None:
    """Send a stage's exit code to its client, if that still waits."""
    if code is not None:
        send(sock, {"code": code})


def take_streams(files: Sequence[int]) -> None:
    """Make three open files the standard streams of this process; their copies are closed on exec.

    Raises:
        ValueError: The number of files is not three.
    """
    if len(files) != len((0, 1, 2)):
        msg = f"{len(files)} streams came with the order, and there are three"
        raise ValueError(msg)
    # Duplicated beyond the first three: one may occupy the target of another.
    high = [fcntl.fcntl(one, fcntl.F_DUPFD_CLOEXEC, 64) for one in files]
    for number, stream in enumerate(high):
        os.dup2(stream, number)


def most_processes() -> int:
    """Return the maximum number of processes and threads of a tenant: others need some, too."""
    most = int(Path("/proc/sys/kernel/pid_max").read_text()) // _SHARE
    limits = (*resource.getrlimit(resource.RLIMIT_NPROC), most)
    return min(one for one in limits if one != resource.RLIM_INFINITY)


def limit_processes() -> None:
    """Limit a tenant's processes, so that the machine has room for others."""
    most = most_processes()
    resource.setrlimit(resource.RLIMIT_NPROC, (most, most))


def surroundings(
    environ: Mapping[str, str], work: Path, tenant: Order, order: Order
) -> dict[str, str]:
    """Return a stage's environment variables, without those of other tenants.

    Args:
        environ: The environment from Buildbot.
        work: The stage's working directory.
        tenant: Its tenant.
        order: The worker's folder, and all its tenants.
    """
    others = {name for one in order["tenants"].values() for name in one["variables"]}
    hidden = others - set(tenant["variables"]) | {VARIABLE, ROOMS}
    programs = str(Path(sys.executable).parent)
    before = [one for one in environ.get("PATH", "").split(os.pathsep) if one != programs]
    mine = [one for one in before if not Path(one).is_relative_to(order["folder"])]
    return {
        **{key: value for key, value in environ.items() if key not in hidden},
        "PATH": os.pathsep.join([programs, *mine]),
        "PWD": str(work),
        "HOME": str(Path(tenant["area"]) / "home"),
        "USER": tenant["name"],
        "LOGNAME": tenant["name"],
    }
