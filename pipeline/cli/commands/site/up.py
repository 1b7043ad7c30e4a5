"""`slipway up`: run master and workers on this machine, and show their work, until Ctrl-C."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import socket
import time
from contextlib import ExitStack, suppress
from pathlib import Path

from filelock import FileLock, Timeout
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from slipway.cli.lib.child_processes import Children, log_size, master
from slipway.cli.lib.interrupts import Interrupts
from slipway.cli.lib.live_view import Watch
from slipway.cli.lib.local_workers import LocalWorkers
from slipway.cli.lib.terminal import terminal
from slipway.config import read
from slipway.ledger.change_check import Changes
from slipway.ledger.queries import list_polls, list_runs, open_ledger
from slipway.master import malloc_tuning
from slipway.master.access.users import Users
from slipway.master.master_tac import prepare_master
from slipway.model.errors import MissingTool, WrongInput
from slipway.model.git_names import is_pattern
from slipway.model.records.poll import LastPoll
from slipway.model.records.run import ListedRun
from slipway.model.site import Project, Site
from slipway.model.states import RunState, StageState
from slipway.scripts.humanize import size_text
from slipway.scripts.terminal_text import escape
from slipway.secrets.reading import given_secret
from slipway.secrets.site_mark import mark
from slipway.state_folder import (
    CONFIG,
    VARIABLE,
    Home,
    made_secret,
    make_folder,
    make_private,
    write_private,
)

__all__ = ["run"]

# Seconds between two reads of the ledger; each takes processor time from the stages.
_PAUSE = 0.5

#: Bytes free on the state folder's disk that cause a warning, and that end --once.
_LITTLE, _NOTHING = 200_000_000, 200_000


def run(options: argparse.Namespace) -> int:
    """Start everything, show it, and end it."""
    config = options.config.resolve()
    site = read(options.config)
    home = Home.beside(config)
    make_folder(home.root)
    lock = FileLock(home.lock)
    # Files of the master are readable for its owner alone.
    before = os.umask(0o077)
    try:
        with lock.acquire(timeout=0):
            make_private(home, home.database_url(site))
            # One that was restored or moved is this user's site from now on.
            mark(home)
            return _Session(site, config, home, once=options.once).run()
    except Timeout:
        msg = (
            f"{home.root} is in use by another `slipway up`; stop that one, or set {VARIABLE} to "
            "another folder (and other ports in pipeline.toml)"
        )
        raise WrongInput(msg) from None
    finally:
        os.umask(before)


class _Session:
    """One `slipway up` from its start to its end."""

    def __init__(self, site: Site, config: Path, home: Home, *, once: bool) -> None:
        self.site, self.config, self.home, self.once = site, config, home, once
        self.console = terminal(soft_wrap=False)
        self.children = Children()
        self.interrupts = Interrupts()
        self.started_at = time.time()
        self.reported_polls: dict[str, float] = {}
        self._warned_of_disk = self._warned_of_ledger = False
        self.workers: LocalWorkers | None = None

    def run(self) -> int:
        with self.interrupts:
            try:
                self._start()
                return self._follow()
            except KeyboardInterrupt as stop:
                # The terminal may be gone.
                with suppress(OSError):
                    self.console.print("\nstopping what was started here ...")
                # With --once the caller waits for an outcome, and there is none.
                return 0 if stop.args == (signal.SIGTERM,) and not self.once else 130
            finally:
                # A second signal must not interrupt the clean-up.
                self.interrupts.ignore()
                self.children.end()
                if self.workers is not None:
                    self.workers.end()

    def _start(self) -> None:
        self._check_ports()
        for name, worker in self.site.workers.items():
            if worker.password is not None:
                key = f"{self.config.name}: workers.{name}.password"
                given_secret(worker.password, self.config.parent, key)
        Users.of(self.site, self.config.parent, self.home.admin_password)
        self._make_passwords()
        tac = prepare_master(self.home, self.config, self.home.database_url(self.site))
        self.workers = workers = LocalWorkers(self.site, self.config, self.home)
        offset = log_size(self.home.master)
        extra = {VARIABLE: str(self.home.root), CONFIG: str(self.config)}
        self.children.start(
            master(tac, {**extra, **malloc_tuning.ENVIRONMENT, **workers.environment})
        )
        workers.start(self.children)
        self.children.wait_for_master(self.home.master, offset)
        site = self.site.site
        self.console.print(f"[bold]{escape(site.title)}[/]: {site.url}", soft_wrap=True)
        self.console.print(
            f"[dim]sign in as admin with the password in {self.home.admin_password}[/]",
            soft_wrap=True,
        )
        made = [name for name, person in self.site.people.items() if person.made_password]
        if made:
            kept = self.home.person_password("NAME")
            self.console.print(f"[dim]or as {', '.join(made)}: {kept}[/]", soft_wrap=True)
        if workers.fingerprint:
            place = f"{self.site.site.worker_listen}:{self.site.site.worker_port}"
            self.console.print(
                f"[dim]workers elsewhere connect to {place}, fingerprint {workers.fingerprint}[/]",
                soft_wrap=True,
            )
        for one in workers.isolations:
            colour = "bold red" if one in workers.exposed else "dim"
            self.console.print(f"[{colour}]{escape(one.description)}[/]", soft_wrap=True)
        if workers.exposed:
            self.console.print(f"[bold red]{escape(_exposed(self.home))}[/]", soft_wrap=True)
        self.console.print()

    def _make_passwords(self) -> None:
        """Generate the passwords of people who are to get one, and store their hashes."""
        for name, person in self.site.people.items():
            kept = self.home.person_hash(name)
            if person.made_password and not kept.exists():
                # It imports Twisted's reactor, which nothing else here needs.
                from slipway.master.access.passwords import hash_password

                password = made_secret(self.home.person_password(name))
                write_private(kept, hash_password(password))

    def _check_ports(self) -> None:
        site = self.site.site
        wanted = [
            (site.listen, site.web_port, "site.url"),
            (site.worker_listen, site.worker_port, "site.worker-port"),
        ]
        for host, port, key in wanted:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            with socket.socket(family, socket.SOCK_STREAM) as probe:
                # As Twisted binds: a port in TIME_WAIT is free.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind((host, port))
                except OSError as error:
                    msg = (
                        f"{self.config.name}: {key}: port {port} on {host} cannot be used "
                        f"({error.strerror}); end what uses it or write another port"
                    )
                    raise WrongInput(msg) from None

    def _follow(self) -> int:
        """Show the progress; with --once, until the head's runs have ended."""
        url = self.home.database_url(self.site)
        changes: Changes | None = None
        with Watch(self.site, self.console, self.started_at) as watch, ExitStack() as ends:
            while True:
                self.interrupts.check()
                for sentence in self.children.check():
                    watch.say(f"[red]{escape(sentence)}[/]")
                self._check_disk(watch)
                if changes is None and (ledger := open_ledger(url)) is not None:
                    changes = Changes(ledger)
                    ends.callback(ledger.dispose)
                    ends.callback(changes.close)
                if changes is not None and changes.any():
                    code = self._show_state(changes, watch)
                    if code is not None:
                        return code
                watch.tick()
                time.sleep(_PAUSE)

    def _check_disk(self, watch: Watch) -> None:
        """Warn when the disk gets full: the ledger could not even record that a run failed."""
        free = shutil.disk_usage(self.home.root).free
        sentence = f"the disk of {self.home.root} has {size_text(free)} left; free some space"
        if self.once and free < _NOTHING:
            raise MissingTool(sentence)
        if free < _LITTLE and not self._warned_of_disk:
            watch.say(f"[red]{escape(sentence)}: runs stop when it is full[/]")
        self._warned_of_disk = free < _LITTLE

    def _show_state(self, changes: Changes, watch: Watch) -> int | None:
        """Show the present state; return an exit code when --once is done."""
        try:
            code = self._show(changes.engine, watch)
        except DBAPIError as error:
            # It may be back at the next read, for example a database server that was restarted.
            changes.close()
            if not self._warned_of_ledger:
                why = str(error.orig).strip().partition("\n")[0]
                watch.say(f"[red]the ledger cannot be read at present: {escape(why)}[/]")
            self._warned_of_ledger = True
            return None
        self._warned_of_ledger = False
        return code

    def _show(self, ledger: Engine, watch: Watch) -> int | None:
        polls = list_polls(ledger)
        for name, poll in polls.items():
            if poll.at > self.reported_polls.get(name, self.started_at):
                self.reported_polls[name] = poll.at
                colour = "red" if poll.failed else "dim"
                watch.say(f"[{colour}]poll of {name}: {escape(poll.outcome)}[/]")
        shown = list_runs(ledger, limit=3, site=self.site)
        watch.show(shown)
        return self._verdict(polls, ledger, watch) if self.once else None

    def _verdict(self, polls: dict[str, LastPoll], ledger: Engine, watch: Watch) -> int | None:
        ended: list[ListedRun] = []
        failed = False
        for name, project in self.site.project.items():
            poll = polls.get(name)
            if poll is None or poll.at < self.started_at:
                return None
            failed = failed or poll.failed
            for branch in _awaited(project, list_runs(ledger, name, limit=50), self.started_at):
                newest = _newest(list_runs(ledger, name, limit=50), branch)
                if newest is not None and newest.state == RunState.RUNNING:
                    return None
                if newest is not None:
                    ended.append(newest)
                elif not poll.failed:
                    return None
        if failed:
            return WrongInput.exit_code
        return max((_close(run, watch) for run in ended), default=0)


def _awaited(project: Project, runs: list[ListedRun], since: float) -> list[str]:
    """Return the branches whose runs --once waits for: named ones, and those that polls found."""
    named = [branch for branch in project.branches if not is_pattern(branch)]
    found = (run.branch for run in runs if run.trigger == "poll" and run.started_at >= since)
    return list(dict.fromkeys([*named, *found]))


def _exposed(home: Home) -> str:
    return (
        "whoever commits can read the admin's password and everything else in "
        f"{home.root}: stages run as the same user as the master"
    )


def _newest(runs: list[ListedRun], branch: str) -> ListedRun | None:
    return next((run for run in runs if run.branch == branch and run.trigger == "poll"), None)


def _close(run: ListedRun, watch: Watch) -> int:
    """Print how a run ended; return its exit code."""
    bad = {StageState.FAILED, StageState.CANCELLED}
    failed = [stage for stage in run.stages.values() if stage.state in bad]
    failed.sort(key=lambda stage: stage.finished_at or 0)
    for stage in failed:
        watch.say(f"[red]{run.project} run {run.number}: {stage.name}: {escape(stage.summary)}[/]")
    if failed:
        return failed[0].exit_code or 1
    for place in run.releases:
        watch.say(f"[bold]release {run.version}[/]: {escape(place)}")
    if run.state == RunState.WAITING:
        gates = ", ".join(s.name for s in run.stages.values() if s.state == StageState.GATE)
        watch.say(f"{run.project} run {run.number} waits for a person to start {gates}")
    elif not run.releases:
        watch.say(f"{run.project} run {run.number} passed; it publishes nothing")
    return 0
