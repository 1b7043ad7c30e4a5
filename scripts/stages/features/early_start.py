"""Start the processes of a features run before the command itself has loaded.

A process needs as long as the command to load Python and behave, and for that it needs no settings:
it loads them beside the command and waits for its settings on its standard input. Nothing of the
project is loaded before, only libraries.

With the standard library alone, as it runs before anything else is imported.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Self

from slipway.scripts.guard import die_with_parent
from slipway.scripts.python_env.interpreter import Environment
from slipway.scripts.stages.features.feature_files import count_files
from slipway.scripts.stages.features.forked_processes import Forked, fork_processes

__all__ = [
    "GUEST",
    "Process",
    "Started",
    "hand_settings",
    "own_environment",
    "start_early",
    "start_process",
]

GUEST = Path(__file__).parent / "guest" / "run.py"
#: Packages that let this Python run the features itself.
_NEEDED = ("behave", "httpx", "lxml", "selenium")
_MOST_JOBS = 64
#: Variables that Python reads before it can be given settings.
_OF_PYTHON = ("PYTHON", "LD_", "DYLD_", "LC_", "LANG", "PATH")

#: A process that has been started for a run.
Process = subprocess.Popen[str] | Forked


def own_environment(source: Path) -> Environment | None:
    """Return this Python if it is the project's own and has all that features need."""
    inside = Path(sys.prefix).is_relative_to(source)
    if not inside or any(find_spec(name) is None for name in _NEEDED):
        return None
    return Environment(
        Path(sys.prefix), Path(sys.executable), source, installed=True, versions={"slipway": ""}
    )


def start_process(python: Path, source: Path, env: Mapping[str, str]) -> subprocess.Popen[str]:
    """Start a process that loads behave and waits for `hand_settings`."""
    return subprocess.Popen(
        [str(python), str(GUEST)],
        cwd=source,
        env=dict(env),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        preexec_fn=die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509  it only calls prctl
    )


def hand_settings(process: Process, settings: Path) -> None:
    """Have a process run its part; its standard input is empty from now on.

    A process that has ended already is reported where its output and its exit code are read.
    """
    if process.stdin is not None:
        with suppress(OSError):
            process.stdin.write(f"{json.dumps(str(settings))}\n")
        with suppress(OSError):
            process.stdin.close()
        process.stdin = None


class Started:
    """Processes of a project that wait for their settings; those that are not taken are ended."""

    def __init__(self, python: Path, source: Path, env: Mapping[str, str], count: int) -> None:
        """Start processes.

        Args:
            python: The Python of the application's environment.
            source: The project.
            env: Their environment variables.
            count: Their number.
        """
        self.source = source
        self._python = python
        self._env = dict(env)
        self._waiting: list[Process] = []
        if count > 1 and sys.platform == "linux":
            words = [str(python), str(GUEST)]
            self._waiting.extend(fork_processes(words, source, env, count))
        else:
            self._waiting.extend(start_process(python, source, env) for _ in range(count))

    def take(
        self, python: Path, source: Path, env: Mapping[str, str]
    ) -> tuple[Process, dict[str, str]] | None:
        """Return a waiting process, and the variables to set in it; None if none suits.

        Args:
            python: The Python that is to run.
            source: The folder to run in.
            env: All environment variables that the process is to have.
        """
        changed = {name: value for name, value in env.items() if self._env.get(name) != value}
        too_late = any(name.startswith(_OF_PYTHON) for name in changed)
        elsewhere = (python, source) != (self._python, self.source)
        if elsewhere or too_late or self._env.keys() - env.keys():
            return None
        while self._waiting:
            process = self._waiting.pop(0)
            if process.poll() is None:
                return process, changed
            _discard(process)
        return None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._waiting:
            process.kill()
        while self._waiting:
            _discard(self._waiting.pop())


def start_early(source: Path, jobs: str | None, arguments: Sequence[str]) -> Started:
    """Start the processes of a run whose settings have not been read yet.

    Args:
        source: The project, resolved.
        jobs: The number of processes as typed; may be wrong. None: settings or cores decide.
        arguments: behave's own arguments.

    Returns:
        As many as the run seems to need; none if another Python has to run the features.
    """
    environment = own_environment(source)
    if environment is None:
        return Started(Path(sys.executable), source, {}, 0)
    count = count_files(source, arguments, most=_jobs(source, jobs))
    return Started(environment.python, source, environment.variables(), count)


def _jobs(source: Path, typed: str | None) -> int:
    if typed is not None:
        return int(typed) if typed.isdecimal() and int(typed) <= _MOST_JOBS else 0
    text = b""
    with suppress(OSError):
        text = (source / "pyproject.toml").read_bytes()
    # Side by side by default only where each process has an application of its own.
    if b"jobs" in text or b"command" not in text:
        return 1
    return min(os.cpu_count() or 2, _MOST_JOBS)


def _discard(process: Process) -> None:
    # It has loaded nothing of the project, so it holds nothing that must be released.
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with suppress(OSError):
                stream.close()
