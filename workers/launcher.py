"""Starting stages as their tenants' users, beside a worker that is of a user of its own.

Worker and stages must not be of one user, nor stages of different projects: what is of the same
user can be signalled, and reads and writes the same files. So `enclose`, while it is still root,
leaves this process behind. It listens at a socket in the worker's folder and takes orders of the
worker's user alone. Each order is done by a process of its own:

- What is to be done in a tenant's folder (make a place, open a file, remove) is done as that
  tenant's user: nothing there can lead to what it could not reach itself.
- A stage is started as that user. Its process here stays root, adopts whatever the stage leaves,
  and ends all of that with it; no stage can end this one.

The standard library alone is loaded as root.
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
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

from slipway.scripts import clearing
from slipway.scripts.guard import adopt_orphans, die_with_parent
from slipway.workers.ending import act_for, become, end_all, reaped
from slipway.workers.handover import SOCKET, STOP, VARIABLE, receive, send
from slipway.workers.places import NoPlace, Place, Places, left_file, new_file

#: Seconds an order may take to come, and a stage to end once it was told to.
_PATIENCE, _GRACE, _LONG_GRACE = 30, 0.5, 5.0
#: Seconds between looks whether the worker is there, where Linux does not say so itself (5.3).
_LOOK = 1.0
#: Seconds until what had no room is tried again.
_PAUSE = 0.1
#: Seconds that what is left may take to be removed; the next stage goes on with it.
_LONGEST = 3600
#: A tenant gets one in so many of the processes and threads that the machine can have.
_SHARE = 4
_CREDENTIALS = struct.Struct("iII")
_MISSING, _MOST = 3, 200

Order = Mapping[str, Any]


def start(order: Order) -> None:
    """Leave a launcher behind that ends with this process.

    Args:
        order: What `enclose` was told: the worker's user, and the tenants'.
    """
    folder = Path(order["folder"])
    listener = _listen(folder, order["user"], order["group"])
    parent = os.getpid()
    if os.fork() == 0:
        try:
            _forget_input()
            _serve(listener, order, parent)
        finally:
            os._exit(0)
    listener.close()
    os.environ[VARIABLE] = str(folder)


def _listen(folder: Path, user: int, group: int) -> socket.socket:
    handle = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        # By the descriptor: a socket's address is short, and its folder is the worker's.
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


def _forget_input() -> None:
    """Let go of the standard input: the worker's password comes there."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.setsid()


def _serve(listener: socket.socket, order: Order, worker: int) -> None:
    """Take orders until the worker has ended."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Those who do the orders are nobody's to wait for.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    me = os.getpid()
    awaited: list[Any] = [listener]
    with contextlib.suppress(AttributeError, OSError):
        awaited.append(os.pidfd_open(worker))
    # PR_SET_PDEATHSIG would say nothing: by then the worker may send no signal to root's process.
    while os.getppid() == worker:
        if listener not in select.select(awaited, [], [], _LOOK)[0]:
            continue
        try:
            sock, _ = listener.accept()
        except OSError:
            # Out of descriptors or memory.
            time.sleep(_PAUSE)
            continue
        if _forked() == 0:
            try:
                listener.close()
                die_with_parent()
                if os.getppid() == me:
                    _take(sock, order)
            except (EOFError, OSError, ValueError, KeyError) as error:
                sys.stderr.write(f"launcher: {type(error).__name__}: {error}\n")
            finally:
                os._exit(0)
        sock.close()


def _forked() -> int:
    """Fork, when there is room for one more process; -1: there was none for long.

    Stages may have taken all there can be. This process must not end of it: the worker needs it.
    """
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            return os.fork()
        except OSError as error:
            if time.monotonic() > deadline:
                sys.stderr.write(f"launcher: fork: {error}\n")
                return -1
            time.sleep(_PAUSE)


def _take(sock: socket.socket, order: Order) -> None:
    """Take one order of the worker's user, and answer it."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    told = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    if _CREDENTIALS.unpack(told)[1] != order["user"]:
        return
    sock.settimeout(_PATIENCE)
    asked, files = receive(sock, 3)
    sock.settimeout(None)
    tenant = order["tenants"].get(asked.get("tenant"))
    if tenant is None:
        send(sock, {"problem": f"{asked.get('tenant')!a} has no user here; restart `slipway up`"})
    elif asked["do"] == "run":
        _run(sock, asked, files, tenant, order)
    else:
        _do(sock, asked, tenant)


# ---- in a tenant's folder, as its user


def _do(sock: socket.socket, asked: Order, tenant: Order) -> None:
    # Other stages of the tenant may run now: one could stop this process for good.
    act_for(tenant)
    # Linux forgets it with each change of user.
    die_with_parent()
    # What a stage put in the way must not keep this process for ever.
    signal.alarm(_LONGEST if asked["do"] == "clear" else 2 * _PATIENCE)
    try:
        told, opened = _DEEDS[asked["do"]](asked, Path(tenant["area"]))
    except NoPlace as problem:
        told, opened = {"problem": str(problem)}, None
    except OSError as problem:
        told, opened = {"problem": problem.strerror or str(problem)}, None
    send(sock, told, () if opened is None else (opened,))


def _begin(asked: Order, area: Path) -> tuple[dict[str, Any], int | None]:
    home = area / "home"
    if home.is_symlink() or not home.is_dir():
        clearing.remove(home)
        home.mkdir(mode=0o700)
    places, builder = _known(asked, area)
    place = places.begin(builder, str(asked["told"]))
    told = {"folder": str(place.folder), "given": place.given.name, "problem_before": place.problem}
    return {**told, "left": [str(one) for one in places.left(builder)]}, None


def _end(asked: Order, area: Path) -> tuple[dict[str, Any], int | None]:
    places, builder = _known(asked, area)
    places.leave(builder)
    return {"left": [str(one) for one in places.left(builder)]}, None


def _known(asked: Order, area: Path) -> tuple[Places, Path]:
    name = str(asked["builder"])
    if not name or name in {".", ".."} or set(name) & set("/\0~"):
        msg = f"{name!a} is no builder's name"
        raise NoPlace(msg)
    places, builder = Places(), area / name
    if "folder" in asked:
        places.remember(builder, _place(asked))
    return places, builder


def _place(asked: Order) -> Place:
    folder = Path(asked["folder"])
    return Place(folder, folder / str(asked["given"]), str(asked.get("before", "")))


def _new(asked: Order, _area: Path) -> tuple[dict[str, Any], int | None]:
    return {}, new_file(_place(asked), str(asked["name"]))


def _left(asked: Order, _area: Path) -> tuple[dict[str, Any], int | None]:
    return {}, left_file(_place(asked), str(asked["path"]), int(asked["size"]))


def _clear(asked: Order, area: Path) -> tuple[dict[str, Any], int | None]:
    paths = [Path(one) for one in asked["left"] if Path(one).parent == area]
    return {"said": [problem for path in paths for problem in clearing.remove(path)][-_MOST:]}, None


_DEEDS: dict[str, Callable[[Order, Path], tuple[dict[str, Any], int | None]]] = {
    "begin": _begin,
    "end": _end,
    "new": _new,
    "left": _left,
    "clear": _clear,
}


# ---- a stage


def _run(sock: socket.socket, asked: Order, files: list[int], tenant: Order, order: Order) -> None:
    """Start a stage as its tenant's user; end all it has left, and tell its exit code."""
    adopt_orphans()
    wake, woken = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGTERM, lambda *_: None)
    me = os.getpid()
    child = os.fork()
    if child == 0:
        _become_stage(asked, files, tenant, order, me)
    for one in files:
        os.close(one)
    # Only a deployment may leave something that stays: any program can set what marks it.
    session = child if asked["argv"][:2] == ["stage", "deploy"] else None
    status: int | None = None
    while status is None:
        ready = _ready(sock, wake)
        is_over = wake in ready and signal.SIGTERM in os.read(wake, 4096)
        if sock in ready and not is_over:
            is_over = not set(_received(sock)) & set(STOP)
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGTERM)
        if is_over:
            # The worker, or the one who waits for this stage, has ended.
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            end_all(_LONG_GRACE, session, tenant)
            return
        status = reaped(child)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    end_all(_GRACE, session, tenant)
    code = os.waitstatus_to_exitcode(status)
    send(sock, {"code": code if code >= 0 else 128 - code})


def _ready(*awaited: socket.socket | int) -> list[socket.socket | int]:
    return select.select(awaited, [], [])[0]


def _received(sock: socket.socket) -> bytes:
    try:
        return sock.recv(64)
    except ConnectionError:
        return b""


def _become_stage(
    asked: Order, files: list[int], tenant: Order, order: Order, parent: int
) -> NoReturn:
    """Become a stage's program."""
    try:
        signal.set_wakeup_fd(-1)
        for one in (signal.SIGTERM, signal.SIGCHLD, signal.SIGINT):
            signal.signal(one, signal.SIG_DFL)
        os.setsid()
        # Each beyond the three first: one of them may be where another is to be.
        high = [fcntl.fcntl(one, fcntl.F_DUPFD_CLOEXEC, 64) for one in files]
        for number, stream in enumerate(high):
            os.dup2(stream, number)
        _limit_processes()
        become(tenant)
        die_with_parent()
        if os.getppid() != parent or len(files) != len((0, 1, 2)):
            os._exit(_MISSING)
        os.umask(0o022)
        work = Path(asked["folder"]) / "build"
        os.chdir(work)
        program = Path(sys.executable).with_name("slipway")
        environ = _environ(asked["env"], work, tenant, order)
        os.execve(program, ["slipway", *asked["argv"]], environ)  # noqa: S606  a list, and no shell
    except (OSError, TypeError, ValueError) as error:
        os.write(2, f"the stage cannot be started: {error}\n".encode(errors="replace"))
    finally:
        os._exit(_MISSING)


def _limit_processes() -> None:
    """Leave the machine room for others' processes, however many a tenant's user starts."""
    most = int(Path("/proc/sys/kernel/pid_max").read_text()) // _SHARE
    soft, hard = resource.getrlimit(resource.RLIMIT_NPROC)
    told = [one for one in (soft, hard, most) if one != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_NPROC, (min(told), min(told)))


def _environ(told: Mapping[str, str], work: Path, tenant: Order, order: Order) -> dict[str, str]:
    """Return a stage's environment variables: nothing that another tenant's stages are given."""
    others = {name for one in order["tenants"].values() for name in one["variables"]}
    hidden = others - set(tenant["variables"]) | {VARIABLE}
    programs = str(Path(sys.executable).parent)
    before = [one for one in told.get("PATH", "").split(os.pathsep) if one != programs]
    mine = [one for one in before if not Path(one).is_relative_to(order["folder"])]
    return {
        **{key: value for key, value in told.items() if key not in hidden},
        "PATH": os.pathsep.join([programs, *mine]),
        "PWD": str(work),
        "HOME": str(Path(tenant["area"]) / "home"),
        "USER": tenant["name"],
        "LOGNAME": tenant["name"],
    }
