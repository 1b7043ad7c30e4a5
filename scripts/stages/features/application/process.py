"""Run the application under test on its own port, verify that it is ours, end all of it."""

from __future__ import annotations

import os
import secrets
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

from slipway.model.duration import format_duration
from slipway.model.errors import MissingTool, StageFailed, WrongInput
from slipway.scripts.stages.features.application.http_probe import accepts
from slipway.scripts.stages.features.application.log_tail import ApplicationLog, ending_text
from slipway.scripts.stages.features.application.ownership import PortLost, Proof
from slipway.scripts.stages.features.application.port import (
    Lease,
    Owner,
    find_owner,
    is_taken,
    reports_taken_port,
)
from slipway.scripts.stages.features.application.seeds import Seeds
from slipway.scripts.stages.features.application.settings import ApplicationSettings, Placeholders
from slipway.scripts.stages.features.application.watchdog import MARKS
from slipway.scripts.stages.features.application.watchdog_client import Keeper

_PORTS = 3
_PAUSE = 0.02
#: Seconds to wait for the exit code of a process that has just ended.
_CODE = 5.0
_LONGEST_PAUSE = 0.25


class Application:
    """A context manager that runs an application and ends all of its processes afterwards.

    `restart` and `restore` may change `url`: read it again for each scenario.
    """

    def __init__(
        self, settings: ApplicationSettings, notice: Callable[[str], None] = lambda _: None
    ) -> None:
        """Prepare the application; nothing is started yet.

        Args:
            settings: The command, its environment and the conditions of health.
            notice: Receives sentences for people that are not errors.
        """
        self.settings = settings
        self._notice = notice
        self._mark = secrets.token_hex(12)
        self._log: ApplicationLog | None = None
        self._keeper: Keeper | None = None
        self._seeds: Seeds | None = None
        self._values: Placeholders | None = None

    @property
    def url(self) -> str:
        """Its base URL, without a trailing slash.

        Raises:
            StageFailed: It is not running.
        """
        return self._started().url

    @property
    def port(self) -> int:
        """The port it listens on.

        Raises:
            StageFailed: It is not running.
        """
        return self._started().port

    @property
    def databases(self) -> dict[str, Path]:
        """The paths of its copies of the seed databases, by name; scenarios may write to them."""
        return dict(self._seeds.copies) if self._seeds else {}

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start it and wait until it is healthy; a no-op if it is running.

        Raises:
            MissingTool: Its program is not on this machine.
            StageFailed: It ends, or does not become healthy.
            WrongInput: A setting is wrong.
        """
        if self._values is not None:
            return
        self._begin()

    def stop(self) -> None:
        """End all its processes and delete its copies of the seeds; it can be started again."""
        self._halt()
        if self._keeper:
            self._keeper.close()
        if self._seeds:
            self._seeds.remove()
            if self.settings.postgresql:
                self.settings.postgresql.remove()
        self._keeper = self._seeds = None

    def restart(self) -> None:
        """End it and start it again, on the same port if that is still free.

        Raises:
            StageFailed: As for `start`.
        """
        port = self._values.port if self._values else 0
        self._halt()
        self._begin(port)

    def restore(self) -> None:
        """Restore the seeds: while it runs if its settings allow that, else with a restart.

        Raises:
            StageFailed: As for `start`.
        """
        postgresql = self.settings.postgresql
        if self._seeds is None or not (self._seeds.copies or postgresql):
            return
        running = self._values
        live = running and self.settings.restores_live and not postgresql
        if live and self._seeds.put_back_live():
            return
        self._halt()
        self._put_back(self._seeds)
        if running:
            self._begin(running.port)

    def check(self) -> None:
        """Check that it still runs.

        Raises:
            StageFailed: It has ended; with its exit code and the end of its log.
        """
        values, log, keeper = self._started(), self._log, self._keeper
        assert log is not None  # noqa: S101  a started application has both
        assert keeper is not None  # noqa: S101
        if (code := keeper.await_code(_CODE)) is not None:
            raise StageFailed(
                f"the application {ending_text(code)} during the features: {log.last_lines()}"
            )
        # The end of a daemonised application cannot be seen from its first process.
        if keeper.forked and not accepts(values.host, values.port):
            raise StageFailed(
                f"the application listens no more on port {values.port}; "
                f"it said: {log.last_lines()}"
            )

    def mark(self) -> None:
        """Set the start of `log_tail` to the log's end; call it when a scenario starts."""
        if self._log:
            self._log.mark()

    def log_tail(self, lines: int = 40) -> str:
        """Return the last lines of its output since `mark`, with its token masked."""
        return self._log.tail(lines) if self._log else ""

    def _started(self) -> Placeholders:
        if self._values is None:
            raise StageFailed("the application is not running; start it first")
        return self._values

    def _begin(self, port: int = 0) -> None:
        try:
            self._prepare()
            self._start(port)
        except BaseException:
            self.stop()
            raise

    def _prepare(self) -> None:
        """Create what is kept across restarts: the log, the seeds, the watchdog."""
        self._log = self._log or ApplicationLog(self.settings.log)
        fresh = self._seeds is None
        self._seeds = self._seeds or Seeds(self.settings.seeds)
        if self._keeper is None:
            self._keeper = Keeper(self._mark, self.settings.grace, self._seeds.folder)
        if fresh:
            # Only now: if this process is killed, the watchdog deletes the copies.
            self._put_back(self._seeds)

    def _put_back(self, seeds: Seeds) -> None:
        seeds.put_back()
        if self.settings.postgresql:
            self.settings.postgresql.put_back()

    def _halt(self) -> None:
        """End its processes, but keep what `_prepare` created."""
        self._values = None
        remaining = self._keeper.stop() if self._keeper else []
        if remaining:
            pids = ", ".join(map(str, remaining))
            self._notice(f"processes of the application could not be ended: {pids}; end them")

    def _start(self, port: int = 0) -> None:
        tried: list[str] = []
        while len(tried) < _PORTS:
            try:
                self._start_once(0 if tried else port)
            except PortLost as lost:
                tried.append(str(lost))
                self._halt()
            else:
                return
        raise StageFailed(
            f"the application did not get its port, {_PORTS} times: {tried[-1]}; does it listen on "
            f"the port it is given, {{port}} in its command or "
            f"{self.settings.port_env or 'a variable'} in its environment?"
        )

    def _start_once(self, port: int) -> None:
        keeper, log, seeds = self._keeper, self._log, self._seeds
        assert keeper is not None  # noqa: S101  made by _prepare
        assert log is not None  # noqa: S101
        assert seeds is not None  # noqa: S101
        lease = _lease(self.settings.host, port)
        try:
            token = secrets.token_urlsafe(24)
            log.hide(token)
            values = Placeholders(
                self.settings.host, lease.port, token, seeds.copies, self._hidden_addresses(log)
            )
            env = self._environment(values)
            cwd = self._folder()
            argv = [values.fill(word) for word in self.settings.command]
            argv[0] = _find_program(argv[0], cwd, env)
            since = log.mark()
        finally:
            lease.release()
        if why := keeper.start(argv, env, cwd, log.path):
            raise WrongInput(f'application: command "{argv[0]}" cannot be started: {why}')
        self._await_health(values, Proof(self.settings, values, keeper, self._notice), since)
        self._values = values

    def _hidden_addresses(self, log: ApplicationLog) -> dict[str, str]:
        """Return the addresses of the PostgreSQL seeds, and mask their password in the log."""
        copies = self.settings.postgresql
        if copies is None:
            return {}
        log.hide(copies.password)
        return copies.addresses

    def _environment(self, values: Placeholders) -> dict[str, str]:
        base = self.settings.base_env
        env = dict(os.environ if base is None else base)
        if self.settings.port_env:
            env[self.settings.port_env] = str(values.port)
        if self.settings.token_env:
            env[self.settings.token_env] = values.token
        env |= {name: values.fill(text) for name, text in self.settings.env.items()}
        # For nested runs: the outer application must find the processes of the inner one.
        outer = os.environ.get(MARKS)
        env[MARKS] = f"{outer}:{self._mark}" if outer else self._mark
        return env

    def _folder(self) -> Path:
        folder = (self.settings.cwd or Path()).absolute()
        if not folder.is_dir():
            raise WrongInput(f"application: cwd {folder} is no folder; name one that is there")
        return folder

    def _await_health(self, values: Placeholders, proof: Proof, since: int) -> None:
        """Poll until the answer is healthy and comes from the process that was started.

        Raises:
            PortLost: Another process has the port.
            StageFailed: It has ended, or is not healthy in time.
        """
        end = time.monotonic() + self.settings.patience
        pause = _PAUSE
        while True:
            self._check_running(values, since)
            if proof.is_healthy(end - time.monotonic()):
                self._check_running(values, since)
                return
            if time.monotonic() > end:
                output = self._log.last_lines(since) if self._log else ""
                raise StageFailed(
                    f"the application was not healthy within "
                    f"{format_duration(self.settings.patience)}: {proof.last}; it said: {output}"
                )
            time.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE)

    def _check_running(self, values: Placeholders, since: int) -> None:
        assert self._keeper is not None  # noqa: S101  made by _prepare
        assert self._log is not None  # noqa: S101
        if (code := self._keeper.code) is None:
            return
        output = self._log.last_lines(since)
        if reports_taken_port(self._log.tail(200, since)) or self._lost(values):
            raise PortLost(f"port {values.port} was taken by another; it said: {output}")
        raise StageFailed(f"the application {ending_text(code)} before it was healthy: {output}")

    def _lost(self, values: Placeholders) -> bool:
        """Return True if another process has the port; a child left behind counts as ours."""
        assert self._keeper is not None  # noqa: S101  made by _prepare
        if not is_taken(values.host, values.port):
            return False
        owner, _ = find_owner(values.host, values.port, self._keeper.processes())
        return owner is not Owner.OURS


def _lease(host: str, port: int) -> Lease:
    """Lease a specific port, or any free one if it is taken."""
    try:
        return Lease(host, port)
    except OSError:
        return Lease(host)


def _find_program(program: str, cwd: Path, env: dict[str, str]) -> str:
    """Return the path of a program, relative to its own working folder and PATH.

    Raises:
        MissingTool: It is not on this machine.
        WrongInput: It is not in the working folder, or not executable.
    """
    if Path(program).name != program:
        path = cwd / program
        if not path.is_file():
            raise WrongInput(f'application: command "{program}" is not in {cwd}; correct it')
        if not os.access(path, os.X_OK):
            raise WrongInput(f'application: command "{program}" may not be run; chmod +x it')
        return str(path)
    if found := shutil.which(program, path=env.get("PATH")):
        return str((cwd / found).absolute())
    raise MissingTool(f"{program} is not on this machine; install it or put it on PATH")


__all__ = ["Application", "ApplicationSettings"]
