"""What a site needs of this machine: patience, free ports, and an end of its processes."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO, Any

import psutil

from slipway.workers.isolation.account import find_group, group_name

PATIENCE = 90.0


def wait_for(look: Callable[[], Any], told: Callable[[], str], patience: float = PATIENCE) -> Any:
    """Look again and again until something is found, and return it.

    Args:
        look: Returns what is found; something false as long as there is nothing.
        told: Says what was waited for and what is there instead, once patience has ended.
        patience: Seconds until it is an error.
    """
    deadline = time.monotonic() + patience
    while not (found := look()):
        assert time.monotonic() < deadline, f"not within {patience:.0f} s: {told()}"
        time.sleep(0.1)
    return found


def all_files(folder: Path) -> list[Path]:
    """Return all files below a folder that others change at the same time.

    `Path.glob` raises for a folder that disappears between listing and opening it.
    """
    return [Path(where) / name for where, _, files in os.walk(folder) for name in files]


def read_files(folder: Path) -> Iterator[tuple[Path, bytes]]:
    """Yield the content of all files below a folder that others change at the same time."""
    for one in all_files(folder):
        with suppress(FileNotFoundError):
            if one.is_file():
                yield one, one.read_bytes()


def find_below(folder: Path, name: str) -> list[Path]:
    """Return the files of a name in a folder that others change at the same time."""
    return [one for one in all_files(folder) if one.name == name]


#: Ports below those from which systems take one for each connection.
_PORTS = range(12_000, 32_000)
_LEASES: list[IO[bytes]] = []
_TAKEN: set[int] = set()


def lease_ports(count: int) -> list[int]:
    """Return ports that nobody listens on, and that no other process of tests leases.

    A port that is free for a moment is soon another's, where many tests run at once. So each is
    locked, as a byte of a file, until this process ends.
    """
    if sys.platform == "win32":
        with ExitStack() as stack:
            held = [stack.enter_context(socket.socket()) for _ in range(count)]
            for one in held:
                one.bind(("127.0.0.1", 0))
            return [one.getsockname()[1] for one in held]
    if not _LEASES:  # held open as long as the process lives
        user = os.getuid()
        _LEASES.append(Path(tempfile.gettempdir(), f"slipway-test-ports-{user}").open("ab"))  # noqa: SIM115
    leased: list[int] = []
    while len(leased) < count:
        port = secrets.choice(_PORTS)
        if port not in _TAKEN and _lock(_LEASES[0], port) and _is_free(port):
            leased.append(port)
            _TAKEN.add(port)
    return leased


def _lock(file: IO[bytes], port: int) -> bool:
    import fcntl

    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
    except OSError:
        return False
    return True


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def processes_of(folder: Path) -> list[psutil.Process]:
    """Return the processes in a folder or with it in their command; each `info` has both."""
    found = []
    for one in psutil.process_iter(["cmdline", "cwd"]):
        told = " ".join([one.info["cwd"] or "", *(one.info["cmdline"] or [])])
        if str(folder) in told and one.pid != os.getpid():
            found.append(one)
    return found


def kill(processes: list[psutil.Process]) -> None:
    """Kill processes and wait for their end."""
    for one in processes:
        with suppress(psutil.NoSuchProcess):
            one.kill()
    psutil.wait_procs(processes, 10)


def remove_users(folder: Path) -> None:
    """Remove the system users that `slipway up` has made for workers in a folder."""
    if sys.platform == "win32" or os.geteuid() != 0:
        return
    import pwd

    for user in pwd.getpwall():
        if user.pw_name.startswith("slipway-") and Path(user.pw_dir).is_relative_to(folder):
            _insist("userdel", "--force", user.pw_name)
    for state in (folder / "state", folder / ".slipway", *folder.glob("*/.slipway")):
        for mirror in (state / "mirrors").glob("*.git"):
            name = group_name(state, mirror.stem)
            if find_group(name) is not None:
                _insist("groupdel", name)


def _insist(*words: str) -> None:
    # Another test may hold the lock of the users' file.
    for _ in range(100):
        if subprocess.run(words, capture_output=True, check=False).returncode != 1:
            break
        time.sleep(0.1)
