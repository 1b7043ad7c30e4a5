"""Hand a stage over to the launcher, which starts it as its tenant's user.

A worker with a user of its own cannot switch users. The launcher (see `launcher`) can, and listens
at a socket in the worker's folder. Buildbot starts this file in place of `slipway stage`: its
streams become the stage's, signals are passed on, and its exit code is the stage's.

Imports the standard library alone: `python -I -S handover.py stage USES --keyed`.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import struct
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

__all__ = [
    "MOST",
    "PLACE",
    "PROGRAMS",
    "ROOMS",
    "SOCKET",
    "STOP",
    "VARIABLE",
    "ask",
    "connected",
    "install",
    "main",
    "may_send_files",
    "note",
    "programs",
    "receive",
    "send",
]

#: Environment variable with the folder in which the launcher listens.
VARIABLE = "SLIPWAY_LAUNCHER"
#: Environment variable that is set if stages run in namespaces and the worker creates their places.
ROOMS = "SLIPWAY_ROOMS"
#: The socket's name in that folder.
SOCKET = "launcher.sock"
#: A folder beside it with the stand-in for `slipway`, for the worker's PATH.
PROGRAMS = "bin"
#: A file beside the folder a stage is started in: the location of its place, as JSON.
PLACE = "place.json"
#: Messages over the socket while a stage runs.
STOP = b"T"
#: Maximum size of an order with its environment variables, in bytes.
MOST = 4 << 20
_HEAD = struct.Struct("!Q")
_MISSING = 3
#: Seconds to wait for an answer; longer than the launcher's own timeout.
_PATIENCE = 120.0


def connected(folder: Path) -> socket.socket:
    """Return a connection to the launcher of a worker.

    Args:
        folder: The folder of its socket; the path may exceed the limit of socket addresses.
    """
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    handle = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    try:
        sock.connect(f"/proc/self/fd/{handle}/{SOCKET}")
    except OSError:
        sock.close()
        raise
    finally:
        os.close(handle)
    return sock


def send(sock: socket.socket, message: Mapping[str, Any], files: Sequence[int] = ()) -> None:
    """Send an object as JSON, with open files attached."""
    data = json.dumps(message).encode()
    head = _HEAD.pack(len(data))
    if files:
        socket.send_fds(sock, [head], list(files))
    else:
        sock.sendall(head)
    sock.sendall(data)


def may_send_files() -> None:
    """Raise this process's limit so that it may send open files, however many are in flight.

    Linux counts the files in flight per user, and compares the sum with the sender's limit; stages
    have a lower one (see `rooms`).
    """
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def receive(sock: socket.socket, files: int = 0) -> tuple[dict[str, Any], list[int]]:
    """Receive an object, and the open files that came with it.

    Args:
        sock: The connection.
        files: Maximum number of open files.

    Raises:
        EOFError: The other side has ended.
        ValueError: The message is no JSON object, or too long.
    """
    head, found, _, _ = socket.recv_fds(sock, _HEAD.size, files)
    for one in found:
        os.set_inheritable(one, False)  # noqa: FBT003  it takes no keyword
    head += _exactly(sock, _HEAD.size - len(head)) if head else b""
    if not head:
        msg = "nothing came"
        raise EOFError(msg)
    (size,) = _HEAD.unpack(head)
    if size > MOST:
        msg = f"{size} bytes are too many"
        raise ValueError(msg)
    message = json.loads(_exactly(sock, size))
    if not isinstance(message, dict):
        msg = "it is no object"
        raise ValueError(msg)  # noqa: TRY004  what is wrong is what came
    return message, found


def _exactly(sock: socket.socket, size: int) -> bytes:
    parts = []
    while size > 0:
        data = sock.recv(min(size, 1 << 16))
        if not data:
            msg = "the other side has ended"
            raise EOFError(msg)
        parts.append(data)
        size -= len(data)
    return b"".join(parts)


def ask(folder: Path, order: Mapping[str, Any]) -> tuple[dict[str, Any], int | None]:
    """Send an order for work in a place to the launcher, and wait for its answer.

    Args:
        folder: The folder of its socket.
        order: The order, with its tenant.

    Returns:
        The answer, and the opened file.

    Raises:
        OSError: The launcher is not there, or the order failed; with a sentence.
    """
    with connected(folder) as sock:
        # A removal may take long; everything else is quick, or its process is ended.
        sock.settimeout(None if order["do"] == "clear" else _PATIENCE)
        try:
            send(sock, order)
            answer, files = receive(sock, 1)
        except (EOFError, ConnectionError):
            msg = "the launcher of this worker ended while it was asked"
            raise OSError(0, msg) from None
    if "problem" in answer:
        for one in files:
            os.close(one)
        raise OSError(0, str(answer["problem"]))
    return answer, files[0] if files else None


def main() -> int:
    """Run a stage as its tenant's user; return its exit code."""
    folder = Path(os.environ[VARIABLE])
    try:
        place = json.loads(Path("..", PLACE).read_text(encoding="utf-8"))
        sock = connected(folder)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"this stage cannot be handed over: {error}; restart `slipway up`\n")
        return _MISSING

    def stop(_number: int, _frame: object) -> None:
        try:
            sock.send(STOP)
        except OSError:
            sys.exit(_MISSING)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    may_send_files()
    send(sock, {"do": "run", "argv": sys.argv[1:], "env": dict(os.environ), **place}, (0, 1, 2))
    # The streams belong to the stage now: their reader waits until it closes them.
    for number in (0, 1):
        os.close(number)
    try:
        answer, _ = receive(sock)
    except (EOFError, OSError):
        sys.stderr.write("the launcher of this worker has ended, and the stage with it\n")
        _end_worker(folder)
        return _MISSING
    if "problem" in answer:
        sys.stderr.write(f"{answer['problem']}\n")
        return _MISSING
    return int(answer["code"])


def _end_worker(folder: Path) -> None:
    """End the worker if its launcher has ended: its stages are to be retried, not to fail."""
    # A killed process closes its sockets in any order, and slowly on a busy machine.
    for _ in range(10):
        try:
            connected(folder).close()
        except OSError:
            break
        time.sleep(0.1)
    else:
        return
    # Buildbot's worker starts this program itself. On SIGTERM it would end this one first and tell
    # the master that the stage has failed.
    if b"buildbot.tac" in Path(f"/proc/{os.getppid()}/cmdline").read_bytes():
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(_PATIENCE)


def install(folder: Path) -> None:
    """Write the stand-in for `slipway` on a worker's PATH."""
    programs = folder / PROGRAMS
    programs.mkdir(mode=0o700, exist_ok=True)
    file = programs / "slipway"
    words = f"'{_quoted(sys.executable)}' -I -S '{_quoted(__file__)}'"
    file.write_text(f'#!/bin/sh\nexec {words} "$@"\n', encoding="utf-8")
    file.chmod(0o700)


def note(builder: Path, place: Mapping[str, Any]) -> Path:
    """Write the location of a stage's place beside the folder that Buildbot starts it in.

    Args:
        builder: The builder's folder, the worker's own.
        place: The `tenant`, the `folder` and the name of the folder `given`.

    Returns:
        The folder in which Buildbot starts the stage.
    """
    work = builder / "build"
    work.mkdir(parents=True, exist_ok=True)
    (builder / PLACE).write_text(json.dumps(place), encoding="utf-8")
    return work


def programs(folder: str) -> list[str]:
    """Return the folders to put first on a worker's PATH: the stand-in's, if stages use it."""
    return [os.path.join(folder, PROGRAMS)] if VARIABLE in os.environ else []  # noqa: PTH118


def _quoted(path: str) -> str:
    return path.replace("'", "'\\''")


if __name__ == "__main__":
    sys.exit(main())
