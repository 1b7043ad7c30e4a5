"""Run git safely: nothing in a repository, or in its URL, can start a program."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from pathlib import Path
from typing import IO

from slipway.model.errors import MissingTool, WrongInput
from slipway.model.git_names import SCHEMES

__all__ = ["MOST", "PATIENCE", "clear_locks", "end_all", "git"]

#: Default timeout of a git command in seconds; a fetch over a slow line takes longest.
PATIENCE = 600
#: Maximum bytes of output that are read; a repository could have any number of branches.
MOST = 64 << 20
_MOST_SAID = 1 << 16
_running: set[subprocess.Popen[bytes]] = set()
_BLOCK = 1 << 16
#: Overrides of repository settings that could make git run programs.
_SETTINGS = {
    "protocol.ext.allow": "never",
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull if os.name == "posix" else "/dev/null",
    "core.protectHFS": "true",
    "core.protectNTFS": "true",
    "submodule.recurse": "false",
    "fetch.recurseSubmodules": "false",
    "log.showSignature": "false",
}
#: Set when Slipway is called from a git hook: they name that hook's own repository.
_OF_A_REPOSITORY = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_CONFIG_PARAMETERS",
    "GIT_DIR",
    "GIT_EXTERNAL_DIFF",
    "GIT_GRAFT_FILE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
)


def git(
    *words: str,
    cwd: Path | None = None,
    settings: tuple[str, ...] = (),
    patience: float = PATIENCE,
    most: int = MOST,
) -> str:
    """Run git and return what it printed.

    Args:
        words: The command and its words. Input from outside stands after
            "--end-of-options" or "--", and was checked by `slipway.model.git_names`.
        cwd: The working directory; None: this process's.
        settings: Additional settings of git, such as "core.longpaths=true".
        patience: Timeout in seconds.
        most: Maximum bytes of output.

    Raises:
        MissingTool: Git is not installed.
        WrongInput: It failed (with git's own message), timed out, or printed too much.
    """
    given = [*(f"{key}={value}" for key, value in _SETTINGS.items()), *settings]
    argv = ["git", *(word for one in given for word in ("-c", one)), *words]
    try:
        process = subprocess.Popen(
            argv,
            cwd=cwd,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # Own process group: child processes (ssh, git-remote-https) end with it.
            start_new_session=True,
        )
    except FileNotFoundError:
        if cwd is not None and not cwd.is_dir():
            msg = f"{cwd} is no folder"
            raise WrongInput(msg) from None
        msg = "git is not on this machine; install it (apt install git)"
        raise MissingTool(msg) from None
    _running.add(process)
    with process:
        printed, errors = _Reader(process, process.stdout, most), _Reader(process, process.stderr)
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            msg = f"git {words[0]} did not end within {patience:.0f} seconds"
            raise WrongInput(msg) from None
        finally:
            _running.discard(process)
            if process.poll() is None:
                _end(process)
            printed.join()
            errors.join()
    if printed.too_much:
        msg = f"git {words[0]} printed more than {most} bytes: the repository is too large for that"
        raise WrongInput(msg)
    if process.returncode != 0:
        raise WrongInput(_why(errors.text(), words[0]))
    return printed.text()


def end_all() -> None:
    """End every git that this process runs; the calls that wait for them fail."""
    for process in tuple(_running):
        # After it was reaped, another process may have its pid.
        if process.returncode is None:
            _end(process)


class _Reader(threading.Thread):
    """Thread that reads one output to its end; too much output ends the process."""

    def __init__(
        self, process: subprocess.Popen[bytes], stream: IO[bytes] | None, most: int | None = None
    ) -> None:
        super().__init__(daemon=True)
        self._process, self._stream, self._most = process, stream, most
        self._blocks: list[bytes] = []
        self.too_much = False
        self.start()

    def run(self) -> None:
        kept, limit = 0, self._most or _MOST_SAID
        while block := self._stream.read1(_BLOCK) if self._stream else b"":  # type: ignore[attr-defined]
            kept += len(block)
            if kept <= limit:
                self._blocks.append(block)
            elif self._most is not None:
                self.too_much = True
                _end(self._process)
                return

    def text(self) -> str:
        """Return the output."""
        return b"".join(self._blocks).decode(errors="replace")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End git and its child processes."""
    with contextlib.suppress(ProcessLookupError):
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()


def _environment() -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if name not in _OF_A_REPOSITORY}
    # A stricter setting of the user is respected.
    named = ours.get("GIT_ALLOW_PROTOCOL")
    allowed = [one for one in SCHEMES if named is None or one in named.split(":")]
    return ours | {
        "GIT_ALLOW_PROTOCOL": ":".join(allowed),
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C.UTF-8",
    }


def _why(errors: str, command: str) -> str:
    """Return the line of git's output that describes the error."""
    lines = errors.strip().splitlines()
    telling = [line for line in lines if line.startswith(("fatal:", "error:"))] or lines
    if not telling:
        return f"git {command} failed"
    if "dubious ownership" in errors:
        return (
            f"{telling[0]}: it belongs to another user; where you trust it, say so once: "
            "git config --global --add safe.directory PATH"
        )
    return telling[0]


def clear_locks(folder: Path) -> None:
    """Remove lock files of a killed git; git itself would wait for a person to remove them.

    Args:
        folder: The .git or bare folder; no other process may be using it.
    """
    for lock in (*folder.glob("*.lock"), *(folder / "refs").rglob("*.lock")):
        lock.unlink(missing_ok=True)
