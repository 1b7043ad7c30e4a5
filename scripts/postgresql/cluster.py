"""Run a temporary PostgreSQL cluster: private to one build, deleted afterwards."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import psycopg

from slipway.model.errors import MissingTool, StageFailed
from slipway.scripts.postgresql import watchdog
from slipway.scripts.postgresql.programs import (
    Account,
    Programs,
    find_programs,
    made_readable,
    server_account,
)

__all__ = ["OWNER", "Server", "started"]

OWNER = "postgres"
#: Unix socket paths are limited to 107 bytes on Linux, 103 on macOS.
_LONGEST_FOLDER = 103 - len("/.s.PGSQL.65535")
_PORT = 5432
#: What initdb says where it cannot run the postgres beside it, though that is there.
_NO_POSTGRES = "needed by initdb but was not found"
_PATIENCE = 60.0
_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
    "jit": "off",
    "timezone": "UTC",
    "lc_messages": "C",
    "datestyle": "ISO, YMD",
}


@dataclass(frozen=True)
class Server:
    """A running server and its connection parameters."""

    base: Mapping[str, Any]
    """Connection parameters without the database, as psycopg and libpq name them."""
    programs: Programs
    home: str = OWNER
    """A database that always exists, to connect to while others are created and dropped."""

    def parameters(self, database: str, user: str | None = None) -> dict[str, Any]:
        """Return the connection parameters of a database, for psycopg."""
        return {**self.base, "dbname": database} | ({"user": user} if user else {})

    def environment(self) -> dict[str, str]:
        """Return the environment variables for PostgreSQL's own programs."""
        given = {f"PG{key.upper()}": str(value) for key, value in self.base.items()}
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
        return inherited | given | {"PGTZ": "UTC"}

    def url(self, database: str) -> str:
        """Return the URL of a database in SQLAlchemy's form."""
        user = quote(str(self.base["user"]), safe="")
        password = self.base.get("password")
        secret = f":{quote(str(password), safe='')}" if password else ""
        more = {key: str(val) for key, val in self.base.items() if key not in {"user", "password"}}
        query = urlencode(more, safe="/", quote_via=quote)
        return f"postgresql+psycopg://{user}{secret}@/{database}?{query}"


@contextlib.contextmanager
def started(programs: Programs | None = None, *, tcp: bool = os.name == "nt") -> Iterator[Server]:
    """Create a cluster, start its server, and in any case end and delete it.

    Args:
        programs: PostgreSQL's programs. None: the first complete set on this machine.
        tcp: True: listen on 127.0.0.1 with a password. False: on a socket in a private folder.

    Raises:
        MissingTool: PostgreSQL is not installed, or cannot be run.
        StageFailed: The server does not start.
    """
    found = programs or find_programs()
    account = server_account()
    folder = _make_folder(account)
    try:
        with _watched(folder):
            ready = made_readable(found, account, folder)
            password = secrets.token_urlsafe(18) if tcp else None
            _make_cluster(ready, account, folder, password)
            port = _lease_port() if tcp else _PORT
            host = "127.0.0.1" if tcp else str(folder)
            base = {"host": host, "port": port, "user": OWNER}
            server = Server(base | ({"password": password} if password else {}), ready)
            with _running(server, account, folder, tcp=tcp):
                yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _make_folder(account: Account | None) -> Path:
    """Create a private folder whose path is short enough for a Unix socket."""
    place = Path(tempfile.gettempdir())
    short = len(os.fsencode(place / "slipway-pg-12345678")) <= _LONGEST_FOLDER
    if os.name == "posix" and not (short and (account is None or _open_to_all(place))):
        place = Path("/tmp")  # noqa: S108  mkdtemp creates a private folder in it
    folder = Path(tempfile.mkdtemp(prefix="slipway-pg-", dir=place))
    if account is not None:
        os.chown(folder, account.user, account.group)
    return folder


def _open_to_all(place: Path) -> bool:
    return all(folder.stat().st_mode & 0o001 for folder in (place, *place.resolve().parents))


@contextlib.contextmanager
def _watched(folder: Path) -> Iterator[None]:
    """Start a watchdog process that cleans up if this one is killed; POSIX only."""
    if os.name != "posix":
        yield
        return
    with subprocess.Popen(
        [sys.executable, "-I", "-S", watchdog.__file__, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        process.wait()
        yield


def _make_cluster(
    programs: Programs, account: Account | None, folder: Path, password: str | None
) -> None:
    argv = [programs.path("initdb"), "-D", str(folder / "data"), "-U", OWNER, "--no-sync"]
    argv += ["--no-locale", "-E", "UTF8"]
    if password is None:
        argv += ["-A", "trust"]
    else:
        secret = folder / "password"
        secret.write_text(password)
        if account is not None:
            os.chown(secret, account.user, account.group)
        argv += ["-A", "scram-sha-256", f"--pwfile={secret}"]
    done = subprocess.run(
        argv, capture_output=True, text=True, check=False, cwd=folder, **_identity(account)
    )
    if done.returncode != 0:
        raise MissingTool(_refusal(programs, done.stderr.strip() or done.stdout.strip()))


def _refusal(programs: Programs, output: str) -> str:
    """Return the sentence for an initdb that has failed."""
    last = output.splitlines()[-1:]
    reason = last[0] if last else "silently"
    # It asks the postgres beside it for its version, in a way that this system may lack.
    if _NO_POSTGRES in reason and Path(programs.path("postgres")).is_file():
        return (
            f"PostgreSQL {programs.version} in {programs.folder} cannot run on this system: its "
            "initdb cannot start the postgres beside it, as where a system function is missing "
            "(Wine 8, Windows before 10); run this stage on another worker (runs-on), or with "
            'targets = ["sqlite"] alone'
        )
    return f"initdb of PostgreSQL {programs.version} failed: {reason}"


def _identity(account: Account | None) -> dict[str, Any]:
    """Return the `Popen` arguments for a server program: its account, and the C locale."""
    names = {key: value for key, value in os.environ.items() if not key.startswith(("LC_", "PG"))}
    given: dict[str, Any] = {
        "env": names | {"LANG": "C", "LC_ALL": "C"},
        "stdin": subprocess.DEVNULL,
    }
    if account is not None:
        given |= {"user": account.user, "group": account.group, "extra_groups": []}
    return given


def _lease_port() -> int:
    with socket.socket() as lease:
        lease.bind(("127.0.0.1", 0))
        port: int = lease.getsockname()[1]
    return port


@contextlib.contextmanager
def _running(server: Server, account: Account | None, folder: Path, *, tcp: bool) -> Iterator[None]:
    listen = "127.0.0.1" if tcp else ""
    settings = _SETTINGS | {"listen_addresses": listen, "port": str(server.base["port"])}
    if os.name == "posix":
        settings["unix_socket_directories"] = str(folder)
    (folder / "data" / "postgresql.auto.conf").write_text(
        "".join(f"{name} = '{value}'\n" for name, value in settings.items())
    )
    start = _start_windows if os.name == "nt" else _start_posix
    with start(server.programs, account, folder):
        _wait_ready(server, folder)
        yield


@contextlib.contextmanager
def _start_posix(programs: Programs, account: Account | None, folder: Path) -> Iterator[None]:
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [programs.path("postgres"), "-D", str(folder / "data")],
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=folder,
            # New session: Ctrl-C must not kill the server while the stage uses it.
            start_new_session=True,
            **_identity(account),
        )
    try:
        yield
    finally:
        # The data is temporary, so skip the clean shutdown (SIGQUIT: immediate).
        process.send_signal(getattr(signal, "SIGQUIT", signal.SIGTERM))
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def _start_windows(programs: Programs, _account: Account | None, folder: Path) -> Iterator[None]:
    """Start by pg_ctl, which drops administrator rights: the server refuses to run with them."""
    control = [programs.path("pg_ctl"), "-D", str(folder / "data")]
    log = str(folder / "log")
    subprocess.run([*control, "-W", "-l", log, "start"], check=False, stdin=subprocess.DEVNULL)
    try:
        yield
    finally:
        stop = [*control, "-m", "immediate", "stop"]
        subprocess.run(stop, check=False, stdin=subprocess.DEVNULL, capture_output=True)


def _wait_ready(server: Server, folder: Path) -> None:
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            psycopg.connect(**server.parameters(OWNER), connect_timeout=5).close()
        except psycopg.OperationalError as error:
            # At each start its log says first that it "was shut down" some time ago.
            has_ended = "is shut down" in (last := _last_line(folder)) or "FATAL" in last
            if time.monotonic() > end or (has_ended and "starting up" not in str(error)):
                msg = f"PostgreSQL {server.programs.version} does not start: {last or error}"
                raise StageFailed(msg) from None
            time.sleep(0.01)
        else:
            return


def _last_line(folder: Path) -> str:
    with contextlib.suppress(OSError):
        lines = (folder / "log").read_text("utf-8", "replace").strip().splitlines()
        return lines[-1] if lines else ""
    return ""
