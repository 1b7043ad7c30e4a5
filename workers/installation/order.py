"""The order to install a worker, and what its log says of its connection."""

from __future__ import annotations

import hashlib
import os
import time
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from slipway.workers.worker_tac import WorkerPlace

__all__ = ["Action", "Machine", "Order", "short_name"]

#: Seconds until a worker has connected; Buildbot's first retries come after 2, 4 and 8.
_PATIENCE = 90
_CONNECTED = "Connected to"
#: Bytes of the log that are read.
_MOST = 1_000_000
#: What the worker's log says about a connection that cannot be made: see `connection_watch`.
_REASON = ": not connected"


class Action(StrEnum):
    """What is to be done."""

    FIND = "find"
    """Tell whether the worker is set up on this machine."""
    STOP = "stop"
    INSTALL = "install"
    START = "start"
    """Install it and start it."""
    REMOVE = "remove"


@dataclass(frozen=True)
class Order:
    """A worker to install or to remove."""

    name: str
    host: str
    port: int
    fingerprint: str
    password: str
    folder: Path
    do: Action
    account: str = "own"
    """"own": a user made for it; "LocalSystem": Windows itself."""
    wheel: str = ""
    sha256: str = ""

    @property
    def work(self) -> Path:
        """The worker's base folder: Buildbot's, which its account may write to."""
        return self.folder / "worker"

    @property
    def log(self) -> Path:
        """The worker's log."""
        return self.work / "twistd.log"

    @property
    def password_file(self) -> Path:
        """The file the worker reads its password from, at each start."""
        return self.folder / "password"

    @property
    def place(self) -> WorkerPlace:
        """The worker, as its own files describe it."""
        where = (self.work, self.name, self.host, self.port, self.password_file)
        return WorkerPlace(*where, self.fingerprint)

    def write_password(self) -> None:
        """Write the password's file, beside the folder that stages can change."""
        wanted = f"{self.password}\n"
        file = self.password_file
        if not file.exists() or file.read_text("utf-8") != wanted:
            file.unlink(missing_ok=True)
            handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.write(wanted)

    def log_size(self) -> int:
        """Return the log's present size in bytes."""
        try:
            return self.log.lstat().st_size
        except OSError:
            return 0

    def wait_until_connected(self, since: int) -> str:
        """Wait until the log says that the worker has connected.

        Args:
            since: The log's size before the worker was started.

        Returns:
            The reason why it does not connect; empty if it does.
        """
        deadline = time.monotonic() + _PATIENCE
        said = ""
        while time.monotonic() < deadline:
            said = self._said(since)
            if _CONNECTED in said:
                return ""
            time.sleep(0.5)
        shown = [line for line in said.splitlines() if _REASON in line]
        why = "".join(shown[-1:]) or "the log does not say why"
        return (
            f"the worker {self.name} is set up, and has not connected to {self.host}:{self.port} "
            f"within {_PATIENCE} s: {why}; it keeps trying. Its log: {self.log}"
        )

    def _said(self, since: int) -> str:
        # A stage can put a pipe or a link there, and this may be an administrator.
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        try:
            with os.fdopen(os.open(self.log, flags), "rb") as stream:
                # A rotated log is a new file.
                size = os.fstat(stream.fileno()).st_size
                stream.seek(since if size >= since else 0)
                return stream.read(_MOST).decode("utf-8", "replace")
        except OSError:
            return ""


def short_name(wanted: str, name: str, longest: int) -> str:
    """Return a name for an account that no other worker's account has.

    Args:
        wanted: The name, if nothing speaks against it.
        name: The worker's name, from which it was made.
        longest: The longest name that the system takes.
    """
    if len(wanted) <= longest and wanted == f"slipway-{name}":
        return wanted
    mark = hashlib.sha256(name.encode()).hexdigest()[:6]
    return f"{wanted[: longest - len(mark) - 1]}-{mark}"


class Machine(Protocol):
    """A kind of machine that workers are installed on."""

    def install(self, order: Order) -> None:
        """Make account, files and service; what is there already stays.

        Raises:
            SlipwayError: It cannot be done; the message says why.
        """

    def start(self, order: Order) -> None:
        """Start the worker, or start it again."""

    def stop(self, order: Order) -> None:
        """End the worker and what it has started, if its service is there."""

    def is_installed(self, order: Order) -> bool:
        """Return True if the worker's service is there."""

    def remove(self, order: Order) -> None:
        """End the worker; remove its service and its account."""
