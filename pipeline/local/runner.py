"""Running a pipeline on this machine without a master: the same jobs, the same scripts."""

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
from slipway.model.errors import WrongInput
from slipway.model.protocol.event import AnyEvent, ArtefactLeft, Notice, Summary, part_line
from slipway.model.protocol.job import Input, Job, StageRecord
from slipway.model.secrets.masking import MaskedStream, Masker
from slipway.model.stage import AnyStage, Stage
from slipway.scripts.process import feed


@dataclass
class Outcome:
    """How one stage stands, and what it has said."""

    name: str
    uses: str
    state: str = "pending"
    exit_code: int | None = None
    started_at: float | None = None
    finished_at: float | None = None
    summary: str = ""
    facts: dict[str, object] = field(default_factory=dict)
    artefacts: list[ArtefactLeft] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    log: list[str] = field(default_factory=list)


class LocalRun:
    """Stages as processes of this machine, each started the moment its needs have passed."""

    def __init__(
        self,
        trip: Trip,
        names: list[str],
        said: Callable[[str, AnyEvent], None],
        given: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
        hidden: Collection[str] = (),
    ) -> None:
        """Prepare.

        Args:
            trip: What runs.
            names: The stages, in the graph's order.
            said: Told of every event, with the stage's name; from several threads.
            given: Secrets, by stage and by the environment variable its program gets each in.
            hidden: Environment variables of ours that no stage gets.
        """
        self.trip = trip
        self.said = said
        stages = trip.project.stages
        self.outcomes = {name: Outcome(name, stages[name].uses) for name in names}
        self._processes: dict[str, subprocess.Popen[str]] = {}
        self._given, self._hidden = given, hidden
        self._lock = threading.Lock()
        self._stopped = False

    def run(self, jobs: int) -> int:
        """Run all stages, at most `jobs` side by side.

        Returns:
            0 when all passed, else the exit code of the first that did not.
        """
        with ThreadPoolExecutor(max_workers=jobs) as pool:
            running: dict[Future[None], str] = {}
            try:
                self._start_ready(pool, running)
                while running:
                    done, _ = wait(running, return_when=FIRST_COMPLETED)
                    for future in done:
                        running.pop(future)
                        future.result()
                    self._start_ready(pool, running)
            except BaseException:
                self.stop()
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        failed = [o for o in self.outcomes.values() if o.exit_code]
        failed.sort(key=lambda outcome: outcome.finished_at or 0)
        return failed[0].exit_code or 0 if failed else 0

    def stop(self) -> None:
        """End the stages that run; each ends its own tree."""
        with self._lock:
            self._stopped = True
            for process in self._processes.values():
                if process.poll() is None:
                    process.terminate()

    def _start_ready(self, pool: ThreadPoolExecutor, running: dict[Future[None], str]) -> None:
        for name, outcome in self.outcomes.items():
            if outcome.state != "pending":
                continue
            needs = [need for need in self._stage(name).needs if need in self.outcomes]
            states = {self.outcomes[need].state for need in needs}
            if states & {"failed", "skipped"}:
                bad = [n for n in needs if self.outcomes[n].state in {"failed", "skipped"}]
                outcome.state, outcome.summary = "skipped", f"{bad[0]} did not pass"
                # Those that wait for this one come later in the graph's order.
            elif states <= {"passed"}:
                outcome.state = "queued"
                running[pool.submit(self._do, name)] = name

    def _stage(self, name: str) -> AnyStage:
        return self.trip.project.stages[name]

    def _do(self, name: str) -> None:
        """Run one stage as `slipway stage` does on a worker."""
        outcome = self.outcomes[name]
        outcome.state, outcome.started_at = "running", time.time()
        job = self._job(name)
        self._write("jobs", f"{name}.json", job.model_dump_json(by_alias=True))
        secrets = dict(self._given.get(name, {}))
        whole = job.model_copy(update={"answers": secrets, "secrets": tuple(secrets)})
        masked = MaskedStream(Masker(secrets.values()))
        argv = [sys.executable, "-m", "slipway.cli", "stage", outcome.uses]
        with self._lock:
            if self._stopped:
                outcome.state = "cancelled"
                return
            process = self._processes[name] = subprocess.Popen(
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
                self._hear(line, outcome, masked)
        outcome.log.append(masked.end())
        self._close(outcome, process.returncode)

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name not in self._hidden}
        return {**kept, "PYTHONUTF8": "1", "PYTHONUNBUFFERED": "1"}

    def _hear(self, line: str, outcome: Outcome, masked: MaskedStream) -> None:
        log, event = part_line(line)
        if log:
            # The script has masked what its program says; what breaks it says so past it.
            outcome.log.append(masked.take(log))
        if event is None:
            return
        if isinstance(event, ArtefactLeft):
            outcome.artefacts.append(event)
        elif isinstance(event, Summary):
            outcome.summary, outcome.facts = event.text, event.facts
        elif isinstance(event, Notice) and event.level == "error":
            outcome.errors.append(event.text)
        self.said(outcome.name, event)

    def _close(self, outcome: Outcome, code: int) -> None:
        outcome.exit_code = code if code in (0, 1, 2, 3) else 1
        outcome.finished_at = time.time()
        outcome.state = "passed" if code == 0 else "failed"
        if outcome.errors:
            outcome.summary = outcome.errors[-1]
        elif code != 0:
            said = "".join(outcome.log).strip()
            last = said.splitlines()[-1].strip() if said else "it said nothing"
            outcome.summary = f"ended with exit code {code}: {last}"
        self._write("logs", f"{outcome.name}.log", "".join(outcome.log))
        left = [one.model_dump() for one in outcome.artefacts] if code == 0 else []
        self._write("kept", f"{outcome.name}.json", json.dumps(left))

    def _job(self, name: str) -> Job:
        stage = self._stage(name)
        home = self.trip.home
        return Job(
            project=self.trip.name,
            name=name,
            stage=stage,
            run=self.trip.run,
            inputs=tuple(self._inputs(stage)),
            records=self._records() if stage.uses == "publish" else (),
            output=str(home / "output" / name),
            cache=str(home / "cache"),
            state=str(home),
        )

    def _inputs(self, stage: Stage) -> Iterable[Input]:
        for need in stage.needs:
            for left in self._left(need):
                if left.role == "product":
                    yield Input(
                        stage=need,
                        uses=self._stage(need).uses,
                        name=left.name,
                        path=left.path,
                        sha256=left.sha256,
                        size=left.size,
                        media_type=left.media_type,
                    )

    def _left(self, name: str) -> list[ArtefactLeft]:
        """Return what a stage left, now or (for a stage that is not run now) the last time."""
        if name in self.outcomes:
            return self.outcomes[name].artefacts
        kept = self._kept(name)
        if not kept.exists():
            msg = f'what "{name}" leaves is not here; run it too: leave out --alone'
            raise WrongInput(msg)
        return [ArtefactLeft.model_validate(one) for one in json.loads(kept.read_text("utf-8"))]

    def _write(self, folder: str, name: str, text: str) -> Path:
        file = self.trip.home / folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    def _kept(self, name: str) -> Path:
        return self.trip.home / "kept" / f"{name}.json"

    def _records(self) -> tuple[StageRecord, ...]:
        return tuple(
            StageRecord(
                stage=one.name,
                uses=one.uses,
                state=one.state,
                summary=one.summary,
                facts=one.facts,
                worker="this machine",
                seconds=round((one.finished_at or 0) - (one.started_at or 0), 3),
            )
            for one in self.outcomes.values()
            if one.finished_at
        )
