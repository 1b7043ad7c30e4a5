"""Run behave inside the application's Python, with the standard library and behave only.

Usage: python run.py [SETTINGS.json]

Without SETTINGS.json its path is read from the standard input once behave is loaded; if that ends
first, nothing runs.

A process runs one part of a run; several (`jobs`) share a folder and claim feature files from it.
Each reads and checks all feature files before anything runs.

SETTINGS.json holds one object:

    queue             folder shared by all processes of a run, initially empty; required
    events            file to append events to, or the number of an open descriptor; required
    evidence          folder for attachments; required
    arguments         behave's own arguments as typed, tags in the old or the new style: []
    jobs, index       number of processes, and index of this one (from 0): 1, 0
    retries           number of retries of a failed scenario: 0
    max_failures      failed scenarios, in all processes, after which the run stops; 0 is no limit
    shard             [i, n]: run the i-th (from 1) of n parts of the feature files: [1, 1]
    quarantine        {"tag": "quarantine", "today": "2026-12-31"}, both optional: {}
    history           seconds by feature file of the last run ("features/a.feature": 1.5): {}
    junit             folder for one XML file per feature, or null: null
    step_timeout      timeout of a step or hook in seconds; 0 is no limit
    scenario_timeout  timeout of a scenario with its hooks in seconds; 0 is no limit
    userdata          added to context.config.userdata: {}
    environment       environment variables to set before anything of the project is loaded: {}
    token             the host's identifier of the run, in every event: ""
    mark              line to write to the standard output after each scenario: "", for none

Hooks and steps find in context.config.userdata: slipway.attempt (a number, from 1),
slipway.process, slipway.jobs, slipway.evidence, slipway.token.

Events, one JSON object per line, all with event, time, process, token:

    run_started        behave, python, jobs, shard, features, scenarios (selected, all shards), mine
    feature_started    feature, file, scenarios
    scenario_started   feature, file, line, name, tags, attempt
    step_failed        file, line, step, scenario_line, attempt, message, snippet
    attempt_finished   as scenario_started, and status, seconds, message, details, step, output,
                       evidence: an attempt that failed and is followed by another
    scenario_finished  feature, file, line, name, tags, status, seconds, attempt (their
                       number), attempts (if there were several), message, details, step, output,
                       evidence ([{path, name, media_type, size}]): once per selected scenario
    feature_finished   feature, file, seconds, counts (by status)
    attachment         path, name, media_type, size: attached outside any scenario
    notice             text, level
    error              text, kind, code, file, line: a failure of the run besides its scenarios
    run_finished       code, seconds, counts, stopped (why it stopped early, or empty)

A status is passed, failed, error, flaky (passed in a later attempt), quarantined (failed, but does
not count), skipped, or untested (not reached).

A process that ends without run_finished was lost, whatever its exit code. Only the host sees all
processes and shards: it must compare run_started's scenarios with the scenario_finished events, and
refuse a run in which all were skipped.

Exit codes: 0 passed or flaky or quarantined; 1 failed, or nothing ran; 2 wrong input; 3 behave is
missing.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from . import behave_patches, tags
from . import config as feature_config
from .errors import Missing, Stop, WrongInput, at, one_line, place, relative, standing
from .events import Events
from .hang_watch import Watch
from .runner import Run
from .settings import Settings, read
from .verdicts import HookError

__all__ = ["check_behave", "end_hung", "judge", "main", "no_features", "run"]

_OLDEST = (1, 3)


def run(settings: Settings, events: Events) -> int:
    """Run this process's part.

    Returns:
        The exit code.

    Raises:
        Stop: It cannot be run; the text is the sentence for the user.
    """
    check_behave()
    try:
        config = feature_config.configure(settings)
    except SystemExit:  # argparse has printed the --help
        return 0
    if feature_config.is_question(config):
        from behave.__main__ import run_behave

        return int(run_behave(config))
    compact = feature_config.set_formats(config, settings)
    if settings.index == 0:
        for text in tags.notes(settings.arguments):
            events.notice(text, "warning")
    part = Run(settings, events)
    part.has_compact_log = compact
    part.watch = Watch(
        settings.step_timeout,
        settings.scenario_timeout,
        lambda what, limit: end_hung(part, what, limit),
    )
    part.watch.last_words = sys.__stderr__
    behave_patches.install(part)
    runner = behave_patches.make_runner(part, feature_config.runner_class(config), config)
    failed = _run(part, runner, config)
    part.watch.end()
    code = judge(part, failed=failed, dry=bool(config.dry_run))
    part.finish(code)
    return code


def _run(part: Run, runner: Any, config: Any) -> bool:
    from behave.exception import ConfigError

    try:
        failed = bool(runner.run())
    except ConfigError as error:
        raise no_features(config, error) from None
    except KeyboardInterrupt:
        part.stopped = "the run was interrupted"
        return True
    if runner.aborted and not part.stopped and not _late(part):
        part.stopped = "the run was interrupted, or a step or hook aborted it"
    return failed


def check_behave() -> None:
    """Check that the application's environment has a suitable behave.

    Raises:
        Missing: It has none, or one that is too old.
    """
    try:
        import behave
    except ModuleNotFoundError as error:
        text = f"{sys.executable} has no module {error.name}; add behave>=1.3.3 to the application"
        raise Missing(text, "behave") from None
    version = str(getattr(behave, "__version__", "0"))
    numbers = tuple(int(one) for one in version.split(".")[:2] if one.isdigit())
    if numbers < _OLDEST:
        text = f"{sys.executable} has behave {version}, which is too old; take behave>=1.3.3"
        raise Missing(text, "behave")


def no_features(config: Any, error: Exception) -> WrongInput:
    """Return the error for a run without a features folder."""
    given = [str(one) for one in config.paths] or ["features"]
    missing = [one for one in given if not Path(one.lstrip("@").partition(":")[0]).exists()]
    if missing:
        text = f'there is no "{missing[0]}" in {Path.cwd()}; name the folder of your features'
        return WrongInput(text, "path")
    reason = str(error).replace(f"{Path.cwd()}{os.sep}", "")
    return WrongInput(f"{reason}: features need .feature files and a folder steps", "path")


def judge(part: Run, *, failed: bool, dry: bool) -> int:
    """Return the exit code, and report errors that are not those of scenarios."""
    counts: dict[str, int] = part.counts
    for one in _late(part):
        part.hook_error(one)
    bad = counts.get("failed", 0) + counts.get("error", 0)
    if part.stopped:
        part.events.error(part.stopped, kind="stopped", code=1)
    if failed and not bad and not part.events.errors and not dry:
        reasons = "; ".join(one.sentence for one in part.hooks) or "behave says so, and not why"
        part.events.error(f"the run failed outside its scenarios: {reasons}", kind="hook", code=1)
    alone = part.settings.jobs == 1 and part.settings.shard[1] == 1
    if alone and not dry and set(counts) <= {"skipped"} and not part.events.errors:
        text = f"nothing ran: all {counts.get('skipped', 0)} chosen scenarios were skipped"
        if not counts:
            text = f"nothing ran: {part.settings.queue} holds the claims of an earlier run"
        part.events.error(text, kind="nothing", code=1)
    return 1 if failed or bad or part.events.errors else 0


def _late(part: Run) -> list[HookError]:
    """Return the errors of hooks outside all features."""
    return [one for one in part.hooks if one.hook in {"before_all", "after_all"}]


def end_hung(part: Run, what: str, limit: float) -> None:
    """Report what hangs and where, and end this process: a hanging thread cannot be stopped."""
    main = sys._current_frames().get(threading.main_thread().ident or 0)  # noqa: SLF001  no public function
    where = at(*standing(main))
    try:
        folder = part.evidence.folder
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{part.evidence.stem}-hang.txt"
        with path.open("w", encoding="utf-8") as stream:
            faulthandler.dump_traceback(file=stream, all_threads=True)
        size = path.stat().st_size
        kept = {"path": str(path.resolve()), "name": path.name, "media_type": "text/plain"}
        part.evidence.kept.append({**kept, "size": size})
        part.stopped = part.hung(f"{what}{where}", limit)
        part.events.error(part.stopped, kind="hang", code=1)
        part.finish(1)
        if sys.__stdout__ is not None:
            sys.__stdout__.flush()
        print(path.read_text(encoding="utf-8"), file=sys.__stderr__, flush=True)
    finally:
        os._exit(1)


def _interrupt(*_: Any) -> None:
    raise KeyboardInterrupt


def main(path: str) -> int:
    """Read the settings and run; report an error as one sentence. Return the exit code."""
    try:
        settings = read(path)
        events = Events(settings.events, settings.index, settings.token)
    except (Stop, OSError) as error:
        print(f"features: {error}", file=sys.stderr)
        return 2
    os.environ.update(settings.environment)
    # From here on the folder of run.py must not hide the application's modules.
    sys.path[0] = str(Path.cwd())
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, ValueError):
            # By lines: formatters write each word by itself, and each write wakes the host.
            stream.reconfigure(  # type: ignore[union-attr]
                encoding="utf-8",
                errors="backslashreplace",
                line_buffering=True,
                write_through=False,
            )
    # On SIGTERM run the after_all hooks, which close sessions and servers.
    for name in ("SIGTERM", "SIGBREAK"):
        with contextlib.suppress(AttributeError, ValueError, OSError):
            signal.signal(getattr(signal, name), _interrupt)
    try:
        return run(settings, events)
    except Stop as stop:
        events.error(stop.text, kind=stop.kind, code=stop.code, file=stop.file, line=stop.line)
        print(f"features: {stop.text}", file=sys.stderr)
        return stop.code
    except (Exception, SystemExit) as error:  # noqa: BLE001  a formatter, a cleanup, behave itself
        where = place(error.__traceback__)
        text = f"the run broke off: {one_line(error)}{at(*where)}"
        events.error(text, kind="broken", code=1, file=relative(where[0]) if where[0] else "")
        print(f"features: {text}", file=sys.stderr)
        return 1
