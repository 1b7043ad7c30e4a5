"""Start stages in their tenants' namespaces, if worker and stages must run as the same user.

Processes of the same user can be signalled, and their files be read and written, unless they are
invisible. So `enclose`, before it becomes a worker in its own namespaces, leaves this process
behind, outside of them. It listens at a socket in the worker's folder, which no stage sees, and
starts each stage in a room: namespaces made by bubblewrap, with the tenant's folder and the files
that the tenant needs.

- Each stage has a room of its own, which ends with it, and so do all processes left in the room.
- Programs that a deployment starts must stay, and the next deployment must be able to end them. So
  a tenant that deploys has one room while the worker runs (see `keep`).

Imports the standard library alone: `python -I -m slipway.workers.launcher.rooms ORDER` keeps one.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import resource
import select
import signal
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NoReturn

from slipway.scripts.guard import adopt_orphans, die_with_parent, has_children
from slipway.workers.launcher import serving
from slipway.workers.launcher import users as launcher
from slipway.workers.launcher.ending import children, join_keyring, reaped
from slipway.workers.launcher.handover import MOST, ROOMS, may_send_files, send
from slipway.workers.launcher.serving import MISSING, Order

__all__ = ["keep", "start"]

#: Seconds for the processes of a room to disappear after its end.
_MOST_SECONDS = 20.0
_PAUSE = 0.002
#: A room's share of the processes that all rooms of a user may have together is one in this many.
_PART = 8
#: Since this version Linux counts the processes of a user namespace separately.
_COUNTED = (5, 14)


def start(order: Order) -> None:
    """Fork a process that starts stages, and ends with this one.

    Args:
        order: The worker's `folder`, its `user` and `group`; `bwrap`, the program; `tenants`, each
            with its `area`, its `room` (bubblewrap's arguments) and whether it `deploys`.
    """
    folder = Path(order["folder"])
    kept = {name: _Kept(name, order) for name, one in order["tenants"].items() if one["deploys"]}

    def execute(sock: socket.socket, asked: Order, files: list[int]) -> None:
        tenant = order["tenants"].get(asked.get("tenant"))
        problem = _problem(asked, tenant)
        if problem or tenant is None:
            send(sock, {"problem": problem})
        elif asked["do"] == "where":
            send(sock, {"area": tenant["area"]})
        elif asked["tenant"] in kept:
            kept[asked["tenant"]].dispatch(sock, asked, files)
        else:
            _run(sock, asked, files, tenant, order)

    def tend() -> None:
        for one in kept.values():
            one.tend()

    def work(listener: socket.socket, worker: int) -> None:
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        tend()
        serving.serve(listener, worker, order["user"], execute, tend)

    # The worker does not need the keyring of the user who runs `slipway up` either.
    join_keyring()
    listener = serving.listen(folder, order["user"], order["group"])
    serving.leave_behind(listener, folder, work)
    os.environ[ROOMS] = "1"


def _problem(asked: Order, tenant: Order | None) -> str:
    """Return the error in an order: it may not lead out of the tenant's room."""
    if tenant is None:
        return f"{asked.get('tenant')!a} has no folder here; restart `slipway up`"
    if asked["do"] not in {"where", "run"}:
        return f"{asked['do']!a} is nothing that is done here"
    if asked["do"] == "where":
        return ""
    environ, folder = asked["env"], asked["folder"]
    texts = [*asked["argv"], *environ, *environ.values(), folder]
    if not all(isinstance(one, str) and "\0" not in one for one in texts):
        return "the order holds what is no text, or a NUL"
    if Path(folder).parent != Path(tenant["area"]) or Path(folder).name in {"", ".", ".."}:
        return f"{folder!a} is no place of this tenant"
    return ""


# ---- a room for one stage


def _run(sock: socket.socket, asked: Order, files: list[int], tenant: Order, order: Order) -> None:
    """Start a stage in its own room; end the room with it, and send its exit code."""
    adopt_orphans()
    wake = serving.awake()
    read_end, write_end = os.pipe2(os.O_CLOEXEC)
    blocked, go = os.pipe2(os.O_CLOEXEC)
    me = os.getpid()
    child = os.fork()
    if child == 0:
        os.close(go)
        _enter(asked, files, tenant, order, (me, write_end, blocked))
    for one in (write_end, blocked, *files):
        os.close(one)
    status = _Status(read_end)
    first = status.first()
    if first is not None:
        _limit(first)
    os.close(go)
    code = serving.watch(
        sock, wake, child, partial(_stop, child, first), partial(_end, child, first)
    )
    if code is not None and not status.is_entered():
        # bubblewrap has printed the reason on the stage's standard error.
        code = MISSING
    serving.send_code(sock, code)


def _enter(
    asked: Order, files: list[int], tenant: Order, order: Order, ends: tuple[int, int, int]
) -> NoReturn:
    """Exec bubblewrap, which starts a stage's program in its room."""
    parent, write_end, blocked = ends
    try:
        serving.asleep()
        os.setsid()
        serving.take_streams(files)
        serving.limit_processes()
        _limit_files()
        join_keyring()
        die_with_parent()
        if os.getppid() != parent:
            os._exit(MISSING)
        os.umask(0o022)
        work = Path(asked["folder"]) / "build"
        environ = serving.surroundings(asked["env"], work, tenant, order)
        program = str(Path(sys.executable).with_name("slipway"))
        words = [*tenant["room"], "--die-with-parent", "--json-status-fd", str(write_end)]
        words += ["--block-fd", str(blocked), "--chdir", str(work), *_settings(environ)]
        for one in (write_end, blocked):
            os.set_inheritable(one, True)  # noqa: FBT003  it takes no keyword
        # Not in bubblewrap's own environment: it runs outside of the room.
        argv = ["bwrap", "--args", str(_read_from(words)), "--", program, *asked["argv"]]
        os.execve(order["bwrap"], argv, {})  # noqa: S606  a list, and no shell
    except (OSError, TypeError, ValueError) as error:
        os.write(2, f"the stage cannot be started: {error}\n".encode(errors="replace"))
    finally:
        os._exit(MISSING)


def _limit(first: int | None = None) -> None:
    """Limit a room's processes to its share of those that all rooms may have together.

    Args:
        first: A room's first process, which is blocked; None: this process, inside the room.
    """
    release = [int(one) for one in re.findall(r"\d+", os.uname().release)]
    if tuple(release[:2]) >= _COUNTED:
        most = serving.most_processes() // _PART
        # It may have ended already.
        with contextlib.suppress(OSError):
            resource.prlimit(first or os.getpid(), resource.RLIMIT_NPROC, (most, most))


def _limit_files() -> None:
    """Limit a room's share of the open files that are sent and not yet received.

    Linux counts them by user, whatever the namespace, and compares the sum with the sender's limit:
    this process's limit is higher.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = hard * 3 // 4
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, most), most))


def _settings(environ: Mapping[str, str]) -> list[str]:
    return [word for key, value in environ.items() for word in ("--setenv", key, value)]


def _read_from(words: Sequence[str]) -> int:
    """Return an open file that holds arguments.

    On a command line, every user could read them in the list of processes.
    """
    handle = os.memfd_create("arguments", 0)
    with os.fdopen(os.dup(handle), "wb") as stream:
        stream.write(b"".join(os.fsencode(one) + b"\0" for one in words))
    os.lseek(handle, 0, os.SEEK_SET)
    return handle


class _Status:
    """bubblewrap's status messages (JSON): a room's start, and the end of its program."""

    def __init__(self, handle: int) -> None:
        self._handle = handle
        self._buffer = ""
        self._status: dict[str, int] = {}

    def first(self) -> int | None:
        """Wait until the room exists; return the pid of its first process, or None."""
        while "child-pid" not in self._status and self._read():
            continue
        return self._status.get("child-pid")

    def is_entered(self) -> bool:
        """Return True if the program was started in the room. Call it after the room's end."""
        while self._read():
            continue
        return "exit-code" in self._status

    def _read(self) -> bool:
        data = os.read(self._handle, 4096).decode()
        self._buffer += data
        with contextlib.suppress(ValueError):
            while self._buffer.strip():
                found, end = json.JSONDecoder().raw_decode(self._buffer.lstrip())
                self._status |= found
                self._buffer = self._buffer.lstrip()[end:]
        return bool(data)


def _stop(child: int, first: int | None) -> None:
    """Send SIGTERM to all descendants of a room's first process: a stage's program handles it.

    Args:
        child: bubblewrap, outside of the room.
        first: The room's first process; it is reparented to this one when bubblewrap ends.
    """
    # Otherwise it has ended, and its pid may have been reused.
    if first is not None and first in {*children(), *children(of=child)}:
        for pid in children(of=first):
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGTERM)


def _end(child: int, first: int | None, grace: float) -> None:
    """End a room: when its first process ends, Linux kills all the others.

    Args:
        child: As of `_stop`.
        first: As of `_stop`.
        grace: Seconds between SIGTERM and SIGKILL.
    """
    begun = time.monotonic()
    _stop(child, first)
    while has_children() and time.monotonic() < begun + _MOST_SECONDS:
        if time.monotonic() > begun + grace or first is None or not children(of=first):
            # These are bubblewrap and then the first process of the room.
            for pid in children():
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
        reaped(0)
        time.sleep(_PAUSE)


# ---- a persistent room


class _Kept:
    """The persistent room of a deploying tenant; recreated if it ends while the worker lives."""

    def __init__(self, name: str, order: Order) -> None:
        self._name, self._order = name, order
        self._control: socket.socket | None = None

    def tend(self) -> None:
        """Create the room if it does not exist."""
        if self._control is not None:
            if not select.select([self._control], [], [], 0)[0]:
                return
            # End of file: its process has ended, and the room with it.
            self._control.close()
        mine, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._control = mine
        serving.apart(partial(self._enter, its), mine)
        its.close()

    def dispatch(self, sock: socket.socket, asked: Order, files: list[int]) -> None:
        """Pass an order on to the room, from where it is answered."""
        handle = os.memfd_create("order")
        with os.fdopen(handle, "w+b") as stream:
            stream.write(json.dumps(dict(asked)).encode())
            stream.flush()
            may_send_files()
            try:
                self._send([sock.fileno(), handle, *files])
            except ConnectionError:
                msg = f"where {self._name} deploys has ended; it is made anew: try again"
                send(sock, {"problem": msg})

    def _send(self, files: list[int]) -> None:
        if self._control is None:
            raise ConnectionError
        socket.send_fds(self._control, [b"run"], files)

    def _enter(self, control: socket.socket) -> None:
        order, tenant = self._order, self._order["tenants"][self._name]
        others = {name: {"variables": one["variables"]} for name, one in order["tenants"].items()}
        # The length of an argument is limited.
        others = {name: one for name, one in others.items() if one["variables"]}
        settings = {
            "control": control.fileno(),
            "tenant": {key: value for key, value in tenant.items() if key != "room"},
            "order": {"folder": order["folder"], "tenants": others},
        }
        words = [*tenant["room"], "--die-with-parent", "--chdir", tenant["area"], "--"]
        words += [
            sys.executable,
            "-I",
            "-m",
            "slipway.workers.launcher.rooms",
            json.dumps(settings),
        ]
        control.set_inheritable(True)
        serving.limit_processes()
        _limit_files()
        join_keyring()
        os.setsid()
        # These are the worker's log; stages in the room could open what is open there.
        nothing = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(nothing, number)
        os.execve(order["bwrap"], ["bwrap", *words], {})  # noqa: S606  a list, and no shell


def keep(settings: Order) -> None:
    """Execute orders in a room until the sender of the orders has ended.

    Args:
        settings: From `_Kept`: the control socket, the tenant, and the order for `users.run`.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    _limit()
    with socket.socket(fileno=settings["control"]) as control:
        control.set_inheritable(False)
        while True:
            data, files, _, _ = socket.recv_fds(control, 64, 5)
            if not data:
                return
            serving.apart(partial(_do, files, settings), control)
            for one in files:
                os.close(one)


def _do(files: list[int], settings: Order) -> None:
    connection, handle, *streams = files
    with os.fdopen(handle, "rb") as stream:
        # pread: the descriptor shares its file offset with the sender's.
        asked = json.loads(os.pread(stream.fileno(), MOST, 0))
    sock = socket.socket(fileno=connection)
    launcher.run(sock, asked, streams, settings["tenant"], settings["order"])


if __name__ == "__main__":
    keep(json.loads(sys.argv[1]))
