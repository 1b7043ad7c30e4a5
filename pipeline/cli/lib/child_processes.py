"""Supervise the processes of `slipway up`: master and workers, which end with it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from slipway.model.errors import MissingTool
from slipway.scripts.guard import adopt_orphans, die_with_parent
from slipway.scripts.process_tree import end_descendants

__all__ = ["PATIENCE", "Child", "Children", "log_size", "master"]

#: Timeout of a master's start in seconds; a large site takes 15 (500 builders).
PATIENCE = 120
#: Seconds of uptime after which a process is restarted at once; also the longest pause.
_LONG = 60.0
#: Seconds after which a zombie is reaped that nobody here waits for.
_SOON = 1.0
_TWISTD = "from twisted.scripts.twistd import run; run()"
_RUNNING = "BuildMaster is running"


@dataclass(frozen=True)
class Child:
    """Description of a process to start."""

    name: str
    """The name for messages."""
    argv: Sequence[str]
    folder: Path
    """The folder of its log, twistd.log."""
    env: Mapping[str, str]
    """Its complete environment."""
    output: Path
    """The file for its output, in a folder that nobody else may write to."""
    cwd: Path
    umask: int = 0o077
    """The umask of its new files."""
    given: str | None = None
    """Text for its standard input. None: no input."""
    tidy: Callable[[], object] | None = None
    """Cleanup before a restart. None: it is not restarted; then its end ends all processes."""
    ready: str = ""
    """Log text that means it is ready; a process that ends before that is not restarted."""


def master(tac: Path, extra: Mapping[str, str]) -> Child:
    """Return the description of the master; `extra` is added to this process's environment."""
    argv = (sys.executable, "-c", _TWISTD, "--nodaemon", "--no_save", "--pidfile", "", "--python")
    folder = tac.parent
    env = {**os.environ, **extra}
    return Child("master", (*argv, str(tac)), folder, env, folder / "output.log", folder)


class Children:
    """Start processes, and end all of them with their descendants."""

    def __init__(self) -> None:
        adopt_orphans()
        self._started: list[_Running] = []
        self._last_zombie: tuple[int, float] = (0, 0.0)

    def start(self, child: Child) -> None:
        """Start a process that runs as long as this one."""
        self._started.append(_Running(child))

    def wait_for_master(self, folder: Path, offset: int) -> None:
        """Wait until the master's log says that it runs.

        Args:
            folder: Its base folder.
            offset: The size of its log before the start, in bytes.

        Raises:
            MissingTool: It ended or was not ready in time; with its last output.
        """
        deadline = time.monotonic() + PATIENCE
        log = folder / "twistd.log"
        while time.monotonic() < deadline:
            if _RUNNING in _text_after(log, offset):
                return
            self.check()
            time.sleep(0.05)
        msg = f"the master did not come up within {PATIENCE} seconds; see {log}"
        raise MissingTool(msg)

    def check(self) -> list[str]:
        """Check that all processes run, and restart those that may be restarted.

        Returns:
            A sentence about each process that has ended and is restarted.

        Raises:
            MissingTool: Another process has ended; with its name and last output.
        """
        sentences = [sentence for one in self._started if (sentence := one.check())]
        self._reap_orphans()
        return sentences

    def _reap_orphans(self) -> None:
        """Reap adopted orphans: a zombie looks like a running process.

        A deployment that ends the former version may wait until the former's pid is gone.
        """
        while sys.platform != "win32":
            try:
                found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if found is None or found.si_pid in {one.process.pid for one in self._started}:
                return
            pid, since = self._last_zombie
            if pid != found.si_pid:
                self._last_zombie = (found.si_pid, time.monotonic())
                return
            if time.monotonic() < since + _SOON:
                # A subprocess of this process may need its exit code: wait before reaping.
                return
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)

    def end(self, patience: float = 10.0) -> None:
        """End all processes: workers first, so that the master sees them disconnect.

        Then end what they have left.
        """
        processes = [one.process for one in self._started]
        for process in reversed(processes):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + patience
        for process in processes:
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
        end_descendants(keep_deployed=True)


class _Running:
    """A started process, and its restarts."""

    def __init__(self, child: Child) -> None:
        self.child = child
        self._quick = 0
        """Number of consecutive early ends."""
        self._due: float | None = None
        self._was_ready = False
        self._most_files = _most_files(os.getpid())
        self._start()

    def _start(self) -> None:
        self._offset, self._began = log_size(self.child.folder), time.monotonic()
        self.process = _started(self.child)

    def check(self) -> str:
        """Check that the process runs; restart it when it is due.

        Returns:
            A sentence if it has just ended, else an empty text.

        Raises:
            MissingTool: It has ended and must not be restarted.
        """
        code = self.process.poll()
        if self.child.tidy is not None and not self._was_ready:
            # Checked while it runs: the log belongs to its user, and is rotated when it is long.
            log = self.child.folder / "twistd.log"
            self._was_ready = self.child.ready in _text_after(log, self._offset)
        if code is None:
            return self._mended() if self.child.tidy is not None else ""
        if self._due is None:
            return self._ended(code)
        if time.monotonic() >= self._due and self.child.tidy is not None:
            self._due = None
            self.child.tidy()
            self._start()
        return ""

    def _mended(self) -> str:
        """Continue the process if it was stopped; end it if its limit of open files was lowered.

        Any process of the same user can do both: `ulimit` of another process is prlimit(2).
        """
        name = self.child.name
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(self.process.pid)
            if process.status() == psutil.STATUS_STOPPED:
                process.send_signal(signal.SIGCONT)
                return f"the {name} was stopped and goes on"
            if _most_files(process.pid) < self._most_files:
                process.kill()
                return f"the {name} may no longer open enough files and is ended"
        return ""

    def _ended(self, code: int) -> str:
        sentence = f"the {self.child.name} ended ({_ending(code)})"
        # A worker that cannot start exits with a code; a stage ends it by a signal.
        is_over = code > 0 and not self._was_ready
        if self.child.tidy is None or is_over:
            msg = f"{sentence}: {_last_output(self.child, self._offset)}"
            raise MissingTool(msg)
        is_quick = time.monotonic() - self._began < _LONG
        self._quick = self._quick + 1 if is_quick else 0
        pause = min(_LONG, 2.0 ** max(0, self._quick - 1) - 1)
        self._due = time.monotonic() + pause
        return f"{sentence} and is started again" + (f" in {pause:.0f} s" if pause else "")


def _most_files(number: int) -> float:
    """Return a process's limit of open files; infinity if unknown.

    Read from /proc: prlimit(2) on another user's process needs CAP_SYS_RESOURCE, which containers
    do not grant.
    """
    try:
        limits = Path(f"/proc/{number}/limits").read_text()
        (line,) = (one for one in limits.splitlines() if one.startswith("Max open files"))
        return float(line.split()[4])
    except (OSError, ValueError, IndexError):
        return float("inf")


def _started(child: Child) -> subprocess.Popen[bytes]:
    with child.output.open("wb") as output:
        process = subprocess.Popen(
            list(child.argv),
            cwd=child.cwd,
            env={**child.env, "LC_ALL": "C.UTF-8", "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL if child.given is None else subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            # New session: Ctrl-C in the terminal is handled here, which ends the children in order.
            start_new_session=os.name == "posix",
            umask=child.umask,
            preexec_fn=die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509  nothing else runs yet
        )
    if process.stdin is not None:
        # It may have ended already; `check` reports that.
        with contextlib.suppress(OSError), process.stdin as stream:
            stream.write(str(child.given).encode() + b"\n")
    return process


def log_size(folder: Path) -> int:
    """Return the size of an application's log in bytes."""
    log = folder / "twistd.log"
    return log.lstat().st_size if log.exists() else 0


def _text_after(log: Path, offset: int) -> str:
    try:
        # A worker's stages may have put a link or a pipe in the log's place.
        flags = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        with os.fdopen(os.open(log, os.O_RDONLY | flags), "rb") as stream:
            stream.seek(offset)
            return stream.read().decode(errors="replace")
    except OSError:
        return ""


def _ending(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


def _last_output(child: Child, offset: int) -> str:
    """Return the last output of a process; its log before `offset` is from earlier starts."""
    log = child.folder / "twistd.log"
    for file, start in ((child.output, 0), (log, offset)):
        lines = [line.strip() for line in _text_after(file, start).splitlines()]
        places = [number for number, line in enumerate(lines) if "rror" in line]
        if places:
            # A heading such as "Configuration Errors:" is shown with the lines below it.
            shown = [line for line in lines[places[-1] : places[-1] + 3] if line]
            return f"{' '.join(shown)} (see {file})"
    return f"see {log}"
