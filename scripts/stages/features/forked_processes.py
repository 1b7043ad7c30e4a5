"""Start the processes of a features run as forks of one that has loaded behave.

Loading behave and the sessions takes a process a third of a second of processor time. Where the
cores are as many as the processes, each of those seconds is missing elsewhere: one process loads
for all of them, then forks one for each part of the run and reports how they end. It runs nothing
of the project itself.

Linux only: a process that ends takes its children with it (PR_SET_PDEATHSIG, prctl(2)), also when
it is killed.

With the standard library alone, as it runs before anything else is imported.
"""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from slipway.scripts.guard import die_with_parent

__all__ = ["Forked", "fork_processes"]

#: SIGKILL, which Windows has not, though it imports this.
_KILLED = -9
_READ = 4096


class _Parent:
    """The process that loads behave, and what it reports of its children."""

    def __init__(self, process: subprocess.Popen[bytes], reports: int, count: int) -> None:
        self.pids: dict[int, int] = {}
        self.codes: dict[int, int] = {}
        self._count = count
        self._unwanted: set[int] = set()
        self._process = process
        self._reports: int | None = reports
        self._rest = b""

    def listen(self, patience: float | None) -> None:
        """Wait for a report, at most `patience` seconds; None: until there is one."""
        if self._reports is None or not select.select([self._reports], [], [], patience)[0]:
            return
        found = os.read(self._reports, _READ)
        *lines, self._rest = (self._rest + found).split(b"\n")
        for line in lines:
            word, index, number = line.split()
            (self.pids if word == b"pid" else self.codes)[int(index)] = int(number)
            if word == b"pid" and int(index) in self._unwanted:
                self.kill(int(index))
        if not found or len(self.codes) == self._count:
            self._end()

    def is_gone(self) -> bool:
        """Return True if it can report nothing any more: children without a code were killed."""
        return self._reports is None

    def kill(self, index: int) -> None:
        """Kill one of its children, as soon as it is forked; with the last one the parent, too."""
        self._unwanted.add(index)
        if len(self._unwanted) == self._count:
            self._process.kill()
            self._end()
        elif index in self.pids and index not in self.codes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pids[index], -_KILLED)

    def _end(self) -> None:
        self._process.wait()
        if self._reports is not None:
            os.close(self._reports)
            self._reports = None


class Forked:
    """A forked process; offers what `subprocess.Popen` does."""

    def __init__(self, parent: _Parent, index: int, stdin: IO[str], stdout: IO[str]) -> None:
        """Wrap a process that its parent forks when it has loaded."""
        self.stdin: IO[str] | None = stdin
        self.stdout: IO[str] | None = stdout
        self._parent = parent
        self._index = index

    @property
    def pid(self) -> int:
        """Its number; waits until it is forked.

        Raises:
            ProcessLookupError: It has not been forked, and never will be.
        """
        while self._index not in self._parent.pids:
            if self._parent.is_gone():
                raise ProcessLookupError
            self._parent.listen(None)
        return self._parent.pids[self._index]

    def poll(self) -> int | None:
        """Return the exit code; None while it is running. Negative: the signal that ended it."""
        self._parent.listen(0)
        code = self._parent.codes.get(self._index)
        return _KILLED if code is None and self._parent.is_gone() else code

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it has ended.

        Args:
            timeout: Seconds to wait at most; None: no limit.

        Raises:
            subprocess.TimeoutExpired: It still runs.
        """
        end = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            left = None if end is None else end - time.monotonic()
            if left is not None and left <= 0:
                raise subprocess.TimeoutExpired("features", timeout or 0)
            self._parent.listen(left)
        return code

    def kill(self) -> None:
        """Kill it. The last one of those that were forked together ends their parent."""
        if self.poll() is None:
            self._parent.kill(self._index)


def fork_processes(
    words: Sequence[str], source: Path, env: Mapping[str, str], count: int
) -> list[Forked]:
    """Start one process that loads behave and forks others, each waiting for `hand_settings`.

    Args:
        words: The program; `--fork`, the descriptor for reports and those of each process follow.
        source: The folder to run in.
        env: The environment variables.
        count: Number of processes.
    """
    ours, theirs = [], []
    reports, report_to = os.pipe()
    for _ in range(count):
        stdin, write_to = os.pipe()
        read_from, stdout = os.pipe()
        ours.append((write_to, read_from))
        theirs.append((stdin, stdout))
    passed = [report_to, *(one for pair in theirs for one in pair)]
    try:
        process = subprocess.Popen(
            [*words, "--fork", *map(str, passed)],
            cwd=source,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            # What stops it from loading is read where the first process's output is.
            stdout=theirs[0][1],
            stderr=subprocess.STDOUT,
            pass_fds=passed,
            preexec_fn=die_with_parent,  # noqa: PLW1509  it only calls prctl
        )
    except OSError:
        for one in (reports, *(one for pair in ours for one in pair)):
            os.close(one)
        raise
    finally:
        for one in passed:
            os.close(one)
    parent = _Parent(process, reports, count)
    return [
        Forked(parent, index, open(stdin, "w", encoding="utf-8"), _reading(stdout))  # noqa: PTH123
        for index, (stdin, stdout) in enumerate(ours)
    ]


def _reading(descriptor: int) -> IO[str]:
    return open(descriptor, encoding="utf-8", errors="replace")
