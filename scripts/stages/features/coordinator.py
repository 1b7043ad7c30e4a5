"""Run features in parallel processes, each with its own application, and merge the results."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.model.errors import MissingTool, SlipwayError, StageFailed, WrongInput
from slipway.scripts.atomic_files import write_text
from slipway.scripts.report import Report
from slipway.scripts.stages.features.collector import Collector
from slipway.scripts.stages.features.early_start import Started
from slipway.scripts.stages.features.guest.slipway_behave.queue import lost, seconds
from slipway.scripts.stages.features.injected_package import importable
from slipway.scripts.stages.features.request import Order
from slipway.scripts.stages.features.results import FeaturesRun
from slipway.scripts.stages.features.worker_process import FeatureProcess, Launch

if TYPE_CHECKING:
    from slipway.scripts.stages.features.application.external import UnderTest
    from slipway.scripts.stages.features.application.postgresql_seeds import Copies

__all__ = ["RunOutcome", "run_features"]

_PAUSE = 0.1
_STEP_TIMEOUT = 300
_LOG_LINES = 60
#: Lines of those that a failed scenario gets.
_EVIDENCE_LINES = 30
_CHECK_EVERY = 0.5


@dataclass(frozen=True)
class RunOutcome:
    """The outcome of the run."""

    run: FeaturesRun
    broken: tuple[str, ...] = ()
    """Errors that fail the run besides its scenarios: of a hook, a process, the application."""
    chosen: int = 0
    """Number of selected scenarios."""
    others: int = 0
    """Number of scenarios that other shards of the stage run."""
    disturbed: str = ""
    """A sentence about failed scenarios that passed alone; empty if there are none."""

    @property
    def has_nothing_to_do(self) -> bool:
        """True: other shards run all scenarios; there are more shards than feature files."""
        return bool(self.others) and not self.chosen


def run_features(order: Order, report: Report, started_early: Started | None = None) -> RunOutcome:
    """Run features to the end, and report all results.

    Args:
        order: What to run.
        report: Receives each scenario's result.
        started_early: Processes that wait for their settings.

    Raises:
        MissingTool: behave, or the application's program, is not installed.
        StageFailed: The application did not start or died.
        WrongInput: The features cannot be read, or an argument is wrong.
    """
    work = order.output / "work"
    work.mkdir(parents=True, exist_ok=True)
    started, began = datetime.now(UTC), time.monotonic()
    processes: list[FeatureProcess] = []
    collector = Collector(
        report, order.output / "evidence", lambda index: _log_of(processes[index])
    )
    with ExitStack() as stack:
        applications = _applications(order, stack, report)
        stack.callback(_end, processes)
        launch = _launch(order, len(applications), work)
        for index, application in enumerate(applications):
            launched = _with_address(launch, application)
            process = FeatureProcess(launched, index, report, started_early)
            process.application = application
            processes.append(process)
        problems = _follow(processes, collector)
        tails = [one.log_tail(_LOG_LINES) for one in applications if one is not None]
    _record_lost(work / "queue", processes, problems, collector)
    _keep_history(order.history, work / "queue")
    shutil.rmtree(work, ignore_errors=True)
    _raise_wrong(collector)
    broken = (*(one["text"] for one in collector.errors), *problems.values())
    scenarios = sorted(collector.results.values(), key=lambda one: (one.feature_file, one.line))
    found = FeaturesRun(
        title=order.title,
        started_at=started,
        seconds=time.monotonic() - began,
        base_url=_shown(order.base_url),
        revision=order.revision,
        version=order.version,
        command=shlex.join(["slipway", "features", *order.arguments]),
        jobs=len(processes),
        scenarios=tuple(scenarios),
        notices=(*collector.notices, *broken),
        application_log_tail="\n".join(tail for tail in tails if tail),
    )
    return RunOutcome(found, broken, collector.chosen, collector.others)


def _load_report() -> None:
    """Load what the results at the end need, while the processes wait for the application."""
    import slipway.scripts.archives.zip_writer  # noqa: F401  that the JUnit files are packed with
    from slipway.scripts.stages.features.report.page import load_templates

    load_templates()


def _shown(base_url: tuple[str, str] | None) -> str:
    if base_url is None:
        return ""
    from slipway.scripts.stages.features.application.external import shown

    return shown(base_url[1])


def _applications(order: Order, stack: ExitStack, report: Report) -> list[UnderTest | None]:
    """Start one application for each process, in parallel."""
    keys, jobs = order.keys, order.jobs
    if keys.command is None:
        if order.base_url is None:
            return [None] * jobs
        from slipway.scripts.stages.features.application.external import Elsewhere

        place, url = order.base_url
        trusting = order.trusts_any_certificate
        elsewhere = Elsewhere(url, trust_any_certificate=trusting, place=place)
        stack.enter_context(elsewhere)
        return [elsewhere] * jobs
    # Imported late: features of a running application start without them.
    from concurrent.futures import ThreadPoolExecutor

    from slipway.scripts.stages.features.application.process import Application
    from slipway.scripts.stages.features.application.settings import ApplicationSettings

    copies: Callable[[int], Copies] | None = None
    if order.needs_postgresql:
        from slipway.scripts.stages.features.application.postgresql_seeds import restored

        report.progress("restoring the PostgreSQL seeds")
        copies = stack.enter_context(restored(order.dumps, report.log))
    report.progress(f"starting the application, {jobs} times" if jobs > 1 else "starting it")
    program, *arguments = keys.command
    python = str(order.environment.python)
    made = [
        Application(
            ApplicationSettings(
                command=(python if program == "python" else program, *arguments),
                log=order.output / f"application-{index + 1}.log",
                env=keys.application_env,
                base_env=order.environment.variables(),
                cwd=order.source,
                health=keys.health or "/",
                patience=float(keys.patience or 60),
                token_path=keys.token_path,
                seeds=order.seeds,
                postgresql=copies(index + 1) if copies else None,
            ),
            notice=lambda text: report.notice(text, level="warning"),
        )
        for index in range(jobs)
    ]
    for one in made:
        stack.callback(one.stop)
    with ThreadPoolExecutor(jobs) as pool:
        list(pool.map(lambda one: one.start(), made))
    return list(made)


def _launch(order: Order, jobs: int, work: Path) -> Launch:
    """Return the launch settings common to all processes."""
    keys = order.keys
    env = order.environment.variables()
    package = importable(order.environment, order.cache)
    if package is not None:
        path = [str(package), *filter(None, [env.get("PYTHONPATH")])]
        env["PYTHONPATH"] = os.pathsep.join(path)
    settings = {
        "queue": str(work / "queue"),
        "evidence": str(order.output / "evidence"),
        "arguments": order.words,
        "jobs": jobs,
        "retries": keys.retries or 0,
        "max_failures": keys.max_failures or 0,
        "shard": list(order.shard),
        # Each machine records other durations: shards dealt by them would overlap or leave gaps.
        "history": _history(order.history) if order.shard[1] == 1 else {},
        "junit": str(order.output / "junit"),
        "step_timeout": keys.step_timeout or _STEP_TIMEOUT,
        "userdata": order.userdata,
    }
    return Launch(order.environment.python, order.source, env, settings, work)


def _with_address(launch: Launch, application: UnderTest | None) -> Launch:
    """Add the application's address to a process's settings; -D overrides it, as any setting."""
    if application is None:
        return launch
    userdata = {"base_url": application.url, **launch.settings["userdata"]}
    copies = application.databases
    variables = {f"SLIPWAY_DATABASE_{name.upper()}": str(path) for name, path in copies.items()}
    if len(copies) == 1:
        variables["SLIPWAY_DATABASE"] = str(*copies.values())
    return replace(
        launch,
        env={**launch.env, "SLIPWAY_BASE_URL": application.url, **variables},
        settings={**launch.settings, "userdata": userdata},
    )


def _follow(processes: list[FeatureProcess], collector: Collector) -> dict[int, str]:
    """Handle events until all processes have ended.

    Returns:
        The problem of a process's application, by the process's index.
    """
    problems: dict[int, str] = {}
    checked, is_loaded = 0.0, False
    while True:
        at_work = [process for process in processes if process.code is None]
        for process in processes:
            for event in process.events():
                # The interruption is our own doing, not the cause of the problem.
                if event.get("kind") != "stopped" or process.index not in problems:
                    collector.take(event, process.index)
        if not at_work:
            # An application that died in the last scenario may not have been noticed before its
            # process ended.
            _check(processes, problems, ended=True)
            return problems
        if time.monotonic() - checked > _CHECK_EVERY:
            checked = time.monotonic()
            _check(processes, problems)
        if collector.results and not is_loaded:
            # Not before: it would take the processor from processes that load.
            _load_report()
            is_loaded = True
        at_work[0].wait(_PAUSE)


def _log_of(process: FeatureProcess) -> str:
    """Return the last output of a process's application."""
    return process.application.log_tail(_EVIDENCE_LINES) if process.application is not None else ""


def _end(processes: list[FeatureProcess]) -> None:
    for process in processes:
        process.end()


def _check(
    processes: list[FeatureProcess], problems: dict[int, str], *, ended: bool = False
) -> None:
    """End a process whose application has died: its further results would mislead."""
    checked: dict[UnderTest, str] = {}
    for process in processes:
        at_work = process.code is None or ended
        application = process.application
        if not at_work or application is None or process.index in problems:
            continue
        # Processes may share an application that runs elsewhere.
        if application not in checked:
            checked[application] = _problem(application)
        if checked[application]:
            problems[process.index] = checked[application]
            process.end()


def _problem(application: UnderTest) -> str:
    try:
        application.check()
    except StageFailed as error:
        return str(error)
    return ""


def _record_lost(
    queue: Path, processes: list[FeatureProcess], problems: dict[int, str], collector: Collector
) -> None:
    """Record features whose process ended while running them: a lost feature has not passed."""
    for claim in lost(str(queue)) if queue.is_dir() else ():
        index = int(claim["process"])
        process = processes[index]
        why = problems.get(index) or f"its process {process.ending}"
        collector.lose(str(claim["feature"]), why, index)
    for process in processes:
        known = process.index in collector.finished or process.index in problems or collector.errors
        if not known:
            problems[process.index] = f"a process {process.ending}"
    if collector.stopped and not collector.errors and not problems:
        problems[-1] = collector.stopped
    elif collector.missing and not problems and not collector.errors:
        problems[-1] = f"{collector.missing} of {collector.chosen} selected scenarios did not run"


def _history(file: Path) -> dict[str, float]:
    try:
        found = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(key): float(value) for key, value in found.items()}


def _keep_history(file: Path, queue: Path) -> None:
    if queue.is_dir():
        file.parent.mkdir(parents=True, exist_ok=True)
        write_text(file, json.dumps({**_history(file), **seconds(str(queue))}, indent=1))


def _raise_wrong(collector: Collector) -> None:
    """Raise errors that prevented the run.

    Raises:
        MissingTool: Something is not installed.
        WrongInput: The features or arguments are wrong.
    """
    for code, kind in ((2, WrongInput), (3, MissingTool)):
        texts = [one["text"] for one in collector.errors if one["code"] == code]
        if texts:
            error: type[SlipwayError] = kind
            raise error("\n".join(texts))
