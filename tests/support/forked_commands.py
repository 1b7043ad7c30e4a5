"""Commands of Slipway in processes of their own that need not load it: a half second for each.

A process that has loaded all commands forks for each one. What a test sees is the same: the words,
the folder, the environment, the streams, the exit code. Commands that start Slipway anew, or read
what Python itself read at its start, are started as people start them.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import json
import os
import pkgutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from slipway.cli import lib, remote
from slipway.cli.commands import module_of

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = (
    *("audit", "backup", "cancel", "check", "deploy", "download", "environments", "gate", "logs"),
    *("passwd", "plugins", "poll", "prune", "releases", "rerun", "rollback", "runs", "schema"),
    *("show", "token", "trigger", "verify", "workers"),
)
#: What the modules of commands load only when they are used.
_LATER = ("httpx", "slipway.config", "slipway.ledger.queries", "slipway.ledger.audit.queries")
#: Variables that Python reads at its start.
_OF_PYTHON = ("PYTHON", "LC_", "LANG", "LD_")
_LONGEST = 150_000
_TIMEOUT = 120


def can_fork(words: Sequence[str], env: Mapping[str, str]) -> bool:
    """Return True if a command may run in a fork: it and its environment need no new Python."""
    names = {name for name in env.keys() | os.environ.keys() if name.startswith(_OF_PYTHON)}
    same = all(env.get(name) == os.environ.get(name) for name in names)
    small = len(json.dumps([list(words), dict(env)])) < _LONGEST
    return sys.platform == "linux" and same and small and bool(words) and words[0] in COMMANDS


def run(
    words: Sequence[str], folder: Path, env: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; its standard input is empty.

    Raises:
        subprocess.TimeoutExpired: It did not end in time; it was killed.
    """
    asked = json.dumps({"words": list(words), "folder": str(folder), "env": dict(env)}).encode()
    with (
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as error,
        Path(os.devnull).open("rb") as empty,
    ):
        reading, writing = os.pipe()
        with os.fdopen(reading) as facts:
            try:
                fds = [empty.fileno(), out.fileno(), error.fileno(), writing]
                _send(asked, fds)
            finally:
                os.close(writing)
            pid, code = facts.readline(), facts.readline()
        assert pid, "the process that forks for commands has ended"
        if not code.strip():
            raise subprocess.TimeoutExpired(["slipway", *words], _TIMEOUT)
        texts = []
        for file in (out, error):
            file.seek(0)
            texts.append(file.read().decode("utf-8").replace("\r\n", "\n"))
        return subprocess.CompletedProcess(["slipway", *words], int(code), *texts)


_servers: list[tuple[socket.socket, subprocess.Popen[bytes]]] = []
_turn = threading.Lock()


def _send(asked: bytes, fds: list[int]) -> None:
    # Tests run commands in threads, too.
    with _turn:
        if _servers and _servers[0][1].poll() is not None:
            # Tests of stages end all that is below their process.
            _servers.pop()[0].close()
        if not _servers:
            _servers.append(_start())
        socket.send_fds(_servers[0][0], [asked], fds)


def _start() -> tuple[socket.socket, subprocess.Popen[bytes]]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        # It ends when our socket closes. A signal at its parent's end would come at the end of the
        # thread that has started it.
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.forked_commands", str(theirs.fileno())],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
        )
    atexit.register(_stop, ours, process)
    return ours, process


def _stop(ours: socket.socket, process: subprocess.Popen[bytes]) -> None:
    ours.close()
    process.wait()


# ---- the process that forks


def _serve(wire: socket.socket) -> None:
    for command in COMMANDS:
        importlib.import_module(module_of(command))
    for room in (lib, remote):
        for module in pkgutil.iter_modules(room.__path__, f"{room.__name__}."):
            importlib.import_module(module.name)
    for name in _LATER:
        importlib.import_module(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        asked, fds, _, _ = socket.recv_fds(wire, 2 * _LONGEST, 4)
        if not asked:
            return
        if os.fork() == 0:
            wire.close()
            _watch(json.loads(asked), fds)
        for one in fds:
            os.close(one)


def _watch(asked: dict[str, Any], fds: list[int]) -> NoReturn:
    """Fork for the command, and tell its pid and its exit code."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    pid = os.fork()
    if pid == 0:
        _do(asked, fds)
    os.write(fds[3], f"{pid}\n".encode())
    signal.signal(signal.SIGALRM, lambda *_: os.kill(pid, signal.SIGKILL))
    signal.alarm(_TIMEOUT)
    _, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    os.write(fds[3], b"\n" if code == -signal.SIGKILL else f"{code}\n".encode())
    os._exit(0)


def _do(asked: dict[str, Any], fds: list[int]) -> NoReturn:
    code = 1
    try:
        for number in range(3):
            os.dup2(fds[number], number)
        for one in fds:
            os.close(one)
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
        for number, name in ((1, "stdout"), (2, "stderr")):
            old = getattr(sys, f"__{name}__")
            new = open(number, "w", encoding=old.encoding, errors=old.errors, closefd=False)  # noqa: SIM115
            setattr(sys, name, new)
        os.chdir(asked["folder"])
        os.environ.clear()
        os.environ.update(asked["env"])
        sys.argv = ["slipway", *asked["words"]]
        from slipway.cli.main import main

        code = main(asked["words"])
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1 if end.code else 0
    except BaseException:  # noqa: BLE001  as Python does
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
