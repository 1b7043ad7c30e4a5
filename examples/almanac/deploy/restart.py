"""End the almanac that serves here, and start the one that `current` is now.

    python3 current/almanac/deploy/restart.py --port 8021

runs in the folder that holds `releases` and `current`. What must outlive a release lies in `data`
beside them: the book, the secret of open forms, the program's log and its lock. The lock is held
by the program itself as long as it lives, so an old process id in it never ends somebody else.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

GRACE = 10.0
PATIENCE = 30.0
PAUSE = 0.05


def main() -> int:
    """End the old program; start the new one, unless only --stop was asked for."""
    parser = argparse.ArgumentParser(description="Serve the almanac of current.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--stop", action="store_true", help="end the program, start none")
    options = parser.parse_args()
    options.data.mkdir(parents=True, exist_ok=True)
    data = options.data.resolve()
    with (data / "lock").open("a+b") as lock:
        end_old(lock)
        if options.stop:
            return 0
        wait_for_port(options.host, options.port)
        book = prepare_book(data)
        process = start(data, book, options.host, options.port, lock)
    return watch(process, options.host, options.port, data / "serve.log")


def end_old(lock: IO[bytes]) -> None:
    """End the program that holds the lock, and take the lock."""
    sent = signal.SIGTERM
    killing = time.monotonic() + GRACE
    while not take(lock):
        lock.seek(0)
        with contextlib.suppress(ProcessLookupError, ValueError):
            os.kill(int(lock.read() or b"x"), sent)
        if time.monotonic() > killing:
            sent = signal.SIGKILL
        if time.monotonic() > killing + GRACE:
            sys.exit("the program before does not end; its process id is in data/lock")
        time.sleep(PAUSE)


def take(lock: IO[bytes]) -> bool:
    """Take the lock, unless somebody lives who holds it."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def wait_for_port(host: str, port: int) -> None:
    """Wait until nobody listens on the port."""
    end = time.monotonic() + GRACE
    while True:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
                probe.listen(1)
                return
            except OSError as error:
                if time.monotonic() > end:
                    sys.exit(f"port {port} of {host} is not free: {error.strerror}")
        time.sleep(PAUSE)


def prepare_book(data: Path) -> Path:
    """Return the book, brought to this program's revision; a new one is made by the program."""
    book = data / "book.db"
    if book.exists():
        command = [*program(book), "upgrade"]
        if subprocess.run(command, check=False, stdin=subprocess.DEVNULL).returncode:
            sys.exit("the book cannot be brought to this program's revision")
    return book


def program(book: Path) -> list[str]:
    """Return the program of the release that `current` is now, whatever it will be later."""
    executable = Path("current", "almanac", "almanac").resolve()
    return [str(executable), "--database", f"sqlite:///{book.as_posix()}"]


def start(data: Path, book: Path, host: str, port: int, lock: IO[bytes]) -> subprocess.Popen:
    """Start the program in a session of its own; it keeps the lock."""
    # What this deployment was told is not for a program that lives for months.
    told = {key for key in os.environ if key.startswith("SLIPWAY_") and key != "SLIPWAY_DEPLOYED"}
    env = {key: value for key, value in os.environ.items() if key not in told}
    with (data / "serve.log").open("ab") as log:
        process = subprocess.Popen(
            [*program(book), "serve", "--host", host, "--port", str(port)],
            cwd=data,
            env={**env, "ALMANAC_SECRET": form_secret(data), "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            pass_fds=[lock.fileno()],
        )
    lock.truncate(0)
    lock.write(str(process.pid).encode())
    lock.flush()
    return process


def form_secret(data: Path) -> str:
    """Return the secret that keeps open forms valid over a restart."""
    file = data / "secret"
    if not file.exists():
        part = os.open(data / ".secret.part", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(part, "w", encoding="ascii") as stream:
            stream.write(secrets.token_hex(32))
        (data / ".secret.part").replace(file)
    return file.read_text(encoding="ascii")


def watch(process: subprocess.Popen, host: str, port: int, log: Path) -> int:
    """Wait until the program listens, or is dead."""
    end = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex((host, port)) == 0:
                print(f"process {process.pid} serves {process.args[0]} on http://{host}:{port}/")
                return 0
        time.sleep(PAUSE)
    print("\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-5:]))
    print("the program has ended" if process.poll() is not None else "the program does not listen")
    return 1


if __name__ == "__main__":
    sys.exit(main())
