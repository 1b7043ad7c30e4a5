"""What else happens to a machine than a kill: each fault begins, lasts a while, and ends."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import psycopg

from slipway.scripts.postgresql.cluster import Server, _identity
from slipway.scripts.postgresql.programs import server_account
from tests.live.conftest import LiveSite

from .pair import Pair
from .rows import connect

_HOUR = 3600
_BLOCK = b"\0" * (1 << 20)
_PREAMBLE = """
import pathlib, threading, time
true, sleep, ahead = time.time, time.sleep, [0.0]
def follow():
    while True:
        ahead[0] = float(pathlib.Path({file!r}).read_text())
        sleep(0.05)
threading.Thread(target=follow, daemon=True).start()
time.time = lambda: true() + ahead[0]
time.time_ns = lambda: int((true() + ahead[0]) * 1e9)
"""


def may_mount() -> bool:
    """Tell whether this user may mount a disk of its own here."""
    return os.name == "posix" and os.geteuid() == 0 and _mounts("/tmp")  # noqa: S108


def _mounts(folder: str) -> bool:
    said = subprocess.run(
        ["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", folder],
        check=False,
        capture_output=True,
    )
    return said.returncode == 0


@contextlib.contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[None]:
    """Have a folder lie on a disk of its own that is soon full."""
    folder.mkdir(exist_ok=True)
    size = f"size={megabytes}m,mode=0700"
    subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(folder)], check=True)
    try:
        yield
    finally:
        # Lazily: a process that is being ended may still stand in it.
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def full_disk(site: LiveSite, seconds: float) -> None:
    """Fill the disk of the state folder to the last byte, and free it again."""
    filler = site.state / "filler"
    with filler.open("wb", buffering=0) as stream, suppress(OSError):
        while True:
            stream.write(_BLOCK)
    with filler.open("ab", buffering=0) as stream, suppress(OSError):
        while True:
            stream.write(b"\0")
    time.sleep(seconds)
    filler.unlink()


def locked_database(site: LiveSite, seconds: float) -> None:
    """Hold the database's lock, as a backup or an administrator's session does."""
    with closing(connect(site, "rw", 120)) as connection:
        if isinstance(connection, psycopg.Connection):
            tables = "buildrequests, builds, steps, slipway_run, slipway_stage, slipway_gate"
            connection.execute(f"LOCK TABLE {tables} IN EXCLUSIVE MODE")
        else:
            connection.execute("BEGIN IMMEDIATE")
        time.sleep(seconds)
        connection.rollback()


def stopped(pair: Pair, name: str, seconds: float) -> None:
    """Stop a process where it stands, as a suspended machine does, and let it go on."""
    process = pair.process(name)
    process.send_signal(signal.SIGSTOP)
    time.sleep(seconds)
    process.send_signal(signal.SIGCONT)


def restarted_postgresql(server: Server, seconds: float) -> None:
    """End PostgreSQL as a crash does, and start it again a while later."""
    stop_postgresql(server)
    time.sleep(seconds)
    # Of its own account: what the first server writes to is not.
    _control(server, "-w", "-l", str(_data(server) / "again.log"), "start").check_returncode()


def stop_postgresql(server: Server) -> None:
    """End a server as a crash does; who began with another does not know one started anew."""
    _control(server, "-m", "immediate", "stop")


def _control(server: Server, *words: str) -> subprocess.CompletedProcess[bytes]:
    control = (server.programs.path("pg_ctl"), "-D", str(_data(server)), *words)
    # Not captured: a server that is started would keep the pipe.
    how = {"stdout": subprocess.DEVNULL, **_identity(server_account())}
    return subprocess.run(control, check=False, **how)


def _data(server: Server) -> Path:
    return Path(str(server.base["host"])) / "data"


class Clock:
    """The wall clock of a master and its worker, which can be set; that of the tests stays.

    Set from inside: for the whole machine it would take root, and every other test with it.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / "clock"
        self.set(0)

    def set(self, hours: float) -> None:
        """Set the clock so many hours before or after the true time."""
        aside = self._file.with_suffix(".new")
        aside.write_text(f"{hours * _HOUR:+.0f}\n")
        aside.replace(self._file)

    @property
    def preamble(self) -> str:
        """Return Python that makes a process follow this clock; Twisted must come after it."""
        return _PREAMBLE.format(file=str(self._file))
