"""What a worker's own files say of it: its name, its master, and how it is started."""

from __future__ import annotations

import ast
import os
from dataclasses import dataclass
from pathlib import Path

from slipway.model.errors import WrongInput
from slipway.scripts.opened_files import open_plain

__all__ = ["Outlook", "read_worker"]

_MOST = 100_000
_LOG_END = 200_000
#: Arguments of `Worker` and of `connect_by_tls` in buildbot.tac.
_WORKER, _TLS = 3, 4


@dataclass(frozen=True)
class Outlook:
    """The worker that is checked."""

    folder: Path
    name: str
    host: str
    port: int
    fingerprint: str
    """Of the master's certificate; empty: plain TCP."""
    is_local: bool
    """Whether `slipway up` starts it."""

    @property
    def master(self) -> str:
        """The master's address."""
        return f"{self.host}:{self.port}"

    def log_end(self) -> str:
        """Return the last part of the worker's log."""
        text = _read(self.folder / "twistd.log", end=True)
        return text or ""


def read_worker(folder: Path) -> Outlook:
    """Read a worker's buildbot.tac, without running it.

    Args:
        folder: The worker's base folder, or the folder of its bundle's set-up.

    Raises:
        WrongInput: There is no worker of Slipway's.
    """
    inside = folder / "worker"
    base = inside if (inside / "buildbot.tac").is_file() else folder
    text = _read(base / "buildbot.tac")
    if text is None:
        msg = (
            f"{folder} is no worker's folder: it has no buildbot.tac. Name the folder (slipway "
            "worker check DIR), or a connected worker on the master's machine (--name NAME)"
        )
        raise WrongInput(msg)
    try:
        worker, tls = _calls(text)
        host, port, name = worker
        fingerprint = str(tls[3]) if tls else ""
        if not isinstance(host, str) or not isinstance(name, str):
            raise TypeError(text)  # noqa: TRY301  told as any other
        local = "sys.stdin.readline" in text
        return Outlook(base, name, host, int(port), fingerprint, local)
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        msg = f"{base / 'buildbot.tac'} was not made by Slipway, or was changed; set it up again"
        raise WrongInput(msg) from None


def _calls(text: str) -> tuple[list[str | int], list[str | int]]:
    """Return the constant arguments of `Worker` and of `connect_by_tls`."""
    found: dict[str, list[str | int]] = {}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            values = [one.value for one in node.args if isinstance(one, ast.Constant)]
            found[node.func.id] = [one for one in values if isinstance(one, (str, int))]
    worker, tls = found.get("Worker", []), found.get("connect_by_tls", [])
    # The worker itself is the first argument of connect_by_tls, and no constant.
    return worker[:_WORKER], (["", *tls] if len(tls) == _TLS - 1 else [])


def _read(file: Path, *, end: bool = False) -> str | None:
    """Return a file's text, or its last part; None if it is no plain file that can be read."""
    # Stages may have put a link or a pipe there.
    try:
        with os.fdopen(open_plain(file.parent, (file.name,)), "rb") as stream:
            if end:
                stream.seek(max(0, os.fstat(stream.fileno()).st_size - _LOG_END))
            return stream.read(_LOG_END if end else _MOST).decode("utf-8", "replace")
    except OSError:
        return None
