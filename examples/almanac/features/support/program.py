"""The program under test: started on a port of its own, and always ended."""

from __future__ import annotations

import ctypes
import os
import secrets
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 20.0
TABLES = ("changes", "appointments", "people", "places", "holidays")


class Program:
    """One running `almanac serve` over a SQLite file in a folder."""

    def __init__(self, folder: Path, command: str | None = None) -> None:
        self.database = folder / "book.db"
        self.log = folder / "serve.log"
        self.command = [command] if command else [sys.executable, "-m", "almanac"]
        self.process: subprocess.Popen[bytes] | None = None
        self.url = ""

    def start(self) -> None:
        """Start it; if somebody takes the port meanwhile, try another one."""
        for _ in range(5):
            token = secrets.token_hex(16)
            port = free_port()
            self.url = f"http://127.0.0.1:{port}"
            self._launch(port, token)
            if self._answers(token):
                return
            self.stop()
        raise RuntimeError(f"The program did not start:\n{self.log.read_text(encoding='utf-8')}")

    def _launch(self, port: int, token: str) -> None:
        environ = os.environ | {"APP_TOKEN": token, "PYTHONUNBUFFERED": "1"}
        command = [*self.command, "--database", f"sqlite:///{self.database.as_posix()}"]
        windows = sys.platform == "win32"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "serve", "--port", str(port)],
                cwd=ROOT,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=None if windows else 0,
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
                preexec_fn=die_with_parent if sys.platform == "linux" else None,
            )

    def _answers(self, token: str) -> bool:
        """Wait until our own process answers with our own token."""
        assert self.process is not None
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                answer = httpx.get(f"{self.url}/_token", timeout=2, trust_env=False)
                if answer.text == token:
                    return True
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        return False

    def stop(self) -> None:
        """End the program and everything it started."""
        process, self.process = self.process, None
        if process is None:
            return
        if sys.platform == "win32":
            subprocess.run(["taskkill", "/F", "/T", "/PID", str(process.pid)], check=False)
        else:
            signal_group(process.pid, signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(5)
            signal_group(process.pid, signal.SIGKILL)
        process.wait(5)

    def empty(self) -> None:
        """Remove all rows, behind the program's back."""
        empty(self.database)


class Started:
    """A program that runs already over a seeded book; the book can be had back as it was."""

    def __init__(self, url: str, database: Path) -> None:
        self.url = url
        self.database = database
        self._seed = sqlite3.connect(":memory:")
        with closing(sqlite3.connect(database)) as book:
            book.backup(self._seed)

    def stop(self) -> None:
        """Forget the seeded book; whoever started the program ends it."""
        self._seed.close()

    def restore(self) -> None:
        """Put the seeded book back, behind the program's back."""
        with closing(sqlite3.connect(self.database, timeout=10)) as book:
            self._seed.backup(book)

    def empty(self) -> None:
        """Remove all rows, behind the program's back."""
        empty(self.database)


def empty(database: Path) -> None:
    """Remove all rows of a book."""
    with closing(sqlite3.connect(database, timeout=10)) as book, book:
        for table in TABLES:
            book.execute(f"DELETE FROM {table}")


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        if sys.platform != "win32":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def die_with_parent() -> None:
    """Ask Linux to end this process if the test runner is killed."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def signal_group(group: int, number: int) -> None:
    """Signal a process group that may be gone already."""
    with suppress(ProcessLookupError):
        os.killpg(group, number)
