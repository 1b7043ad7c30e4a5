"""Run a pipeline on this machine without a master: the same jobs, the same scripts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from slipway.local.working_tree import Trip
from slipway.model import run_state as rules
from slipway.model.cell import Cell, cell_title, cells
from slipway.model.errors import WrongInput
from slipway.model.kinds.stage import Stage
from slipway.model.protocol.event import AnyEvent, ArtefactLeft, Notice, Summary, part_line
from slipway.model.protocol.job import Input, Job, StageRecord
from slipway.model.secrets.masking import MaskedStream, Masker
from slipway.model.states import OPEN_STAGE, RunState, StageState, begin, check
from slipway.scripts.process import feed

__all__ = ["LocalRun", "Outcome"]


@dataclass
class Outcome:
    """State and events of one attempt at one cell of a stage."""

    name: str
    """The stage's name."""
    cell: Cell
    tries: int = 0
    """Number of retries so far."""
    exit_code: int | None = None
    started_at: float | None = None
    finished_at: float | None = None
    summary: str = ""
    facts: dict[str, object] = field(default_factory=dict)
    artefacts: list[ArtefactLeft] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    log: list[str] = field(default_factory=list)

    _state: StageState | None = field(default=None, init=False)

    @property
    def state(self) -> StageState | None:
        """The present state; None: never tried."""
        return self._state

    def enter(self, state: StageState, why: str) -> None:
        """Change the state, as the ledger's `transition` does.

        Raises:
            IllegalTransition: The present state does not allow a change to this one.
        """
        if self._state is None:
            begin(state, self.title, why)
        else:
            check(self._state, state, self.title, why)
        self._state = state

    @property
    def title(self) -> str:
        """The title for people, such as "tests[3.12]"."""
        return cell_title(self.name, self.cell.name)


class LocalRun:
    """Run stages as processes of this machine, by the same scheduling rules as a master.

    `if-changed` skips nothing here: it is for runs that were polled.
    """

    def __init__(
        self,
        trip: Trip,
        names: list[str],
        on_event: Callable[[str, AnyEvent], None],
        given: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
        *,
        asked: Collection[str] = (),
        hidden: Collection[str] = (),
    ) -> None:
        """Initialize.

        Args:
            trip: The parameters of the run.
            names: The stages, in the graph's order.
            on_event: Called with each event and the cell's title; from several threads.
            given: Secrets, by stage and by the environment variable for each.
            asked: Stages that were requested by name: their `on-failure` is ignored.
            hidden: Environment variables of this process that are withheld from stages.
        """
        self.trip = trip
        self._on_event = on_event
        self.stages = {name: self._here(name, names, asked) for name in names}
        self.outcomes = {
            (name, cell.name): Outcome(name, cell)
            for name in names
            for cell in cells(trip.project.stages[name])
        }
        self._processes: dict[tuple[str, str], subprocess.Popen[str]] = {}
        self._given, self._hidden = given, hidden
        self._lock = threading.Lock()
        self._stopped = False

    def _here(self, name: str, names: list[str], asked: Collection[str]) -> Stage:
        """Return a stage without its dependencies on stages outside of this run.

        For a stage that was requested by name, `on-failure` is ignored, too.
        """
        stage: Stage = self.trip.project.stages[name]
        changes: dict[str, object] = {"needs": tuple(one for one in stage.needs if one in names)}
        if name in asked:
            changes["on_failure"] = ()
        return stage.model_copy(update=changes)

    @property
    def have(self) -> dict[tuple[str, str], Outcome]:
        """Return the attempts in the form that the scheduling rules take."""
        return {key: one for key, one in self.outcomes.items() if one.state is not None}

    def _of(self, name: str) -> list[Outcome]:
        """Return a stage's newest attempts, one for each cell."""
        return [one for one in self.outcomes.values() if one.name == name]

    def run(self, jobs: int, check: Callable[[], None] = lambda: None) -> int:
        """Run all stages, at most `jobs` side by side.

        Args:
            jobs: Maximum number of concurrent stages.
            check: Called every second; an exception ends all stages.

        Returns:
            0 if all stages passed, else the exit code of the first that failed.
        """
        with ThreadPoolExecutor(max_workers=jobs) as pool:
            running: dict[Future[None], Outcome] = {}
            try:
                self._start_ready(pool, running)
                while running:
                    check()
                    done, _ = wait(running, timeout=1, return_when=FIRST_COMPLETED)
                    for future in done:
                        outcome = running.pop(future)
                        future.result()
                        self._after(outcome, pool, running)
                    self._start_ready(pool, running)
            except BaseException:
                self.stop()
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        return self._end()

    def _end(self) -> int:
        """Set the reason of each stage that was never tried; return the run's exit code."""
        state = rules.verdict(self.have, self.stages)
        for name, stage in self.stages.items():
            if rules.state_of(self.have, name):
                continue
            unmet = rules.unmet(self.have, stage, self.stages)
            watched = ", ".join(stage.on_failure)
            why = f"{unmet[0]} did not pass" if unmet else f"nothing failed of {watched}"
            for outcome in self._of(name):
                outcome.summary = why
        for outcome in self.outcomes.values():
            # The rules are not asked any more: for them, a skipped stage has passed.
            if outcome.state is None:
                outcome.enter(StageState.SKIPPED, outcome.summary)
        failed = [one for one in self.outcomes.values() if one.state == StageState.FAILED]
        failed = [one for one in failed if self._counts(one.name)]
        failed.sort(key=lambda one: one.finished_at or 0)
        return (failed[0].exit_code or 1) if failed and state == RunState.FAILED else 0

    def _counts(self, name: str) -> bool:
        """Return True if a failure of this stage makes the run fail."""
        return not (self.stages[name].allow_failure or self.stages[name].on_failure)

    def stop(self) -> None:
        """End the running stages; each ends its own process tree."""
        with self._lock:
            self._stopped = True
            for process in self._processes.values():
                if process.poll() is None:
                    process.terminate()

    def _start_ready(self, pool: ThreadPoolExecutor, running: dict[Future[None], Outcome]) -> None:
        for name in rules.startable(self.have, self.stages):
            for outcome in self._of(name):
                self._start(outcome, pool, running)

    def _start(
        self, outcome: Outcome, pool: ThreadPoolExecutor, running: dict[Future[None], Outcome]
    ) -> None:
        outcome.enter(StageState.QUEUED, "what it waits for has passed")
        running[pool.submit(self.do, outcome)] = outcome

    def _after(
        self, outcome: Outcome, pool: ThreadPoolExecutor, running: dict[Future[None], Outcome]
    ) -> None:
        """Retry an attempt if a machine problem made it fail and retries are left.

        Otherwise cancel the other stages if the project's `fail-fast` asks for it.
        """
        stage = self.stages[outcome.name]
        if outcome.state != StageState.FAILED or self._stopped:
            return
        if rules.may_be_tried_again(stage, outcome.exit_code, outcome.tries):
            more = Outcome(outcome.name, outcome.cell, tries=outcome.tries + 1)
            self.outcomes[outcome.name, outcome.cell.name] = more
            text = (
                f"{outcome.summary}; tried again by itself, {more.tries} of {stage.machine_retries}"
            )
            self._on_event(outcome.title, Notice(level="warning", text=text))
            self._start(more, pool, running)
        elif self.trip.project.fail_fast and not stage.allow_failure:
            self._cancel_others(f"{outcome.name} failed (fail-fast)")

    def _cancel_others(self, why: str) -> None:
        """Cancel running stages, except those that run because of a failure."""
        with self._lock:
            for key, one in self.outcomes.items():
                if one.state in OPEN_STAGE and not self.stages[one.name].on_failure:
                    one.enter(StageState.CANCELLED, why)
                    one.summary = why
                    if key in self._processes and self._processes[key].poll() is None:
                        self._processes[key].terminate()

    def do(self, outcome: Outcome) -> None:
        """Run one cell as `slipway stage` does on a worker, and record its result.

        Args:
            outcome: The attempt; if it was cancelled meanwhile, nothing is run.
        """
        key = (outcome.name, outcome.cell.name)
        job = self._job(outcome)
        self._write("jobs", f"{outcome.title}.json", job.model_dump_json(by_alias=True))
        secrets = dict(self._given.get(outcome.name, {}))
        whole = job.model_copy(update={"answers": secrets, "secrets": tuple(secrets)})
        masked = MaskedStream(Masker(secrets.values()))
        # -P: a project's secrets.py must not be ours.
        argv = [sys.executable, "-P", "-m", "slipway.cli", "stage", outcome.cell.stage.uses]
        with self._lock:
            if outcome.state == StageState.CANCELLED:
                return
            if self._stopped:
                outcome.enter(StageState.CANCELLED, "the run was stopped")
                return
            outcome.enter(StageState.RUNNING, "a process is free")
            outcome.started_at = time.time()
            process = self._processes[key] = subprocess.Popen(
                # Secrets are in no file, and in no argument.
                [*argv, "--events", "json", "--settings", "-"],
                cwd=self.trip.source,
                env=self._environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                encoding="utf-8",
                errors="replace",
            )
        with process:
            feed(process, whole.model_dump_json(by_alias=True))
            for line in process.stdout or ():
                self._handle_line(line, outcome, masked)
        outcome.log.append(masked.end())
        self._close(outcome, process.returncode)

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name not in self._hidden}
        return {**kept, "PYTHONUTF8": "1", "PYTHONUNBUFFERED": "1"}

    def _handle_line(self, line: str, outcome: Outcome, masked: MaskedStream) -> None:
        log, event = part_line(line)
        if log:
            # The script masks its program's output; a crash of the script itself prints unmasked.
            outcome.log.append(masked.take(log))
        if event is None:
            return
        if isinstance(event, ArtefactLeft):
            outcome.artefacts.append(event)
        elif isinstance(event, Summary):
            outcome.summary, outcome.facts = event.text, event.facts
        elif isinstance(event, Notice) and event.level == "error":
            outcome.errors.append(event.text)
        self._on_event(outcome.title, event)

    def _close(self, outcome: Outcome, code: int) -> None:
        outcome.finished_at = time.time()
        self._write("logs", f"{outcome.title}.log", "".join(outcome.log))
        with self._lock:
            if outcome.state == StageState.CANCELLED:
                return
            outcome.exit_code = code if code in (0, 1, 2, 3) else 1
            ended = StageState.PASSED if code == 0 else StageState.FAILED
            outcome.enter(ended, f"its script ended with {code}")
        if outcome.errors:
            outcome.summary = outcome.errors[-1]
        elif code != 0:
            output = "".join(outcome.log).strip()
            last = output.splitlines()[-1].strip() if output else "it said nothing"
            outcome.summary = f"ended with exit code {code}: {last}"
        artefacts = [one.model_dump() for one in outcome.artefacts] if code == 0 else []
        self._write("kept", f"{outcome.title}.json", json.dumps(artefacts))

    def _job(self, outcome: Outcome) -> Job:
        cell, home = outcome.cell, self.trip.home
        stage = cell.stage.model_copy(update={"env": {**cell.stage.env, **cell.env}})
        return Job(
            project=self.trip.name,
            name=outcome.name,
            cell=cell.name,
            shard=cell.shard,
            stage=stage,
            run=self.trip.run,
            inputs=tuple(self._inputs(stage)),
            records=self._records() if stage.makes_release else (),
            output=str(home / "output" / outcome.title),
            cache=str(home / "cache"),
            state=str(home),
        )

    def _inputs(self, stage: Stage) -> Iterable[Input]:
        stages = self.trip.project.stages
        for need in (one for one in stage.needs if stages[one].leaves_products):
            for artefact in self._artefacts(need):
                if artefact.role == "product":
                    yield Input(
                        stage=need,
                        uses=self.trip.project.stages[need].uses,
                        name=artefact.name,
                        path=artefact.path,
                        sha256=artefact.sha256,
                        size=artefact.size,
                        media_type=artefact.media_type,
                    )

    def _artefacts(self, name: str) -> list[ArtefactLeft]:
        """Return a stage's artefacts, of this run or else of the last one that ran it."""
        if name in self.stages:
            return [artefact for outcome in self._of(name) for artefact in outcome.artefacts]
        found: list[ArtefactLeft] = []
        for cell in cells(self.trip.project.stages[name]):
            kept = self.trip.home / "kept" / f"{cell_title(name, cell.name)}.json"
            if not kept.exists():
                msg = f'what "{name}" leaves is not here; run it too: leave out --alone'
                raise WrongInput(msg)
            found += map(ArtefactLeft.model_validate, json.loads(kept.read_text("utf-8")))
        return found

    def _write(self, folder: str, name: str, text: str) -> Path:
        file = self.trip.home / folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    def _records(self) -> tuple[StageRecord, ...]:
        return tuple(
            StageRecord(
                stage=one.title,
                uses=one.cell.stage.uses,
                state=one.state or "",
                summary=one.summary,
                facts=one.facts,
                worker="this machine",
                seconds=round((one.finished_at or 0) - (one.started_at or 0), 3),
            )
            for one in self.outcomes.values()
            if one.finished_at
        )
