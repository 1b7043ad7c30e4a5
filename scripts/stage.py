"""Run one stage in the current folder, as its job says: `slipway stage USES`."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from slipway.model.duration import format_duration
from slipway.model.errors import PASSED, SlipwayError, StageFailed, Stopped, WrongInput
from slipway.model.kinds.stage import STAGES, deploys
from slipway.model.protocol.event import event_problem
from slipway.model.protocol.event_codes import Coder
from slipway.model.protocol.job import Deployment, Input, Job
from slipway.model.protocol.script_input import Dispatched
from slipway.scripts import checkout, guard, removal, windows_job
from slipway.scripts.inputs import place_inputs
from slipway.scripts.process_tree import end_descendants
from slipway.scripts.redaction import MaskedReport
from slipway.scripts.report import Report, SequenceReport, hash_file

__all__ = [
    "Script",
    "check_input",
    "do",
    "find_script",
    "main",
    "main_keyed",
    "read_job",
    "resolved",
]

Script = Callable[[Job, Report], None]


def main(uses: str, settings: str, report: Report) -> int:
    """Run one stage in its own process: `slipway stage USES --settings FILE`.

    All processes that the stage started are ended with it.

    Args:
        uses: The kind of stage.
        settings: The job's file, or "-" for the standard input.
        report: Receives the events.

    Returns:
        The exit code: 0 passed, 1 failed, 2 wrong input, 3 something missing.
    """

    def read() -> Job:
        if settings == "-":
            return read_job(uses, sys.stdin.read(), "standard input")
        text = _text(Path(settings))
        if _has_secrets(text):
            _forget(Path(settings))
        return read_job(uses, text, settings)

    return _main(uses, read, report)


def main_keyed(uses: str) -> int:
    """Run one stage as a worker's step hands it over on the standard input: `--keyed`.

    This runs in a process that `guard.guarded` made. Its events carry an authentication code made
    with the job's own key, which no program that it starts can forge.

    Returns:
        The exit code: 0 passed, 1 failed, 2 wrong input, 3 something missing.
    """
    stream, read_input = guard.take_streams()
    try:
        # Checked first: the job of an unknown kind cannot even be parsed here.
        find_script(uses)
        handed = Dispatched.unpacked(read_input())
    except SlipwayError as error:
        # There is no key yet to authenticate an event with.
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    report = SequenceReport(stream, Coder(handed.key))
    # Projects do not share uv's cache, unless this worker's own environment says so.
    os.environ.setdefault("UV_CACHE_DIR", str(Path(handed.job.cache).resolve() / "uv"))

    def read() -> Job:
        job = resolved(uses, _with_secrets(handed), "standard input")
        if handed.given:
            place_inputs(job.fetched, Path(handed.given).resolve())
        return job

    return _main(uses, read, report)


def _with_secrets(handed: Dispatched) -> Job:
    """Return the job with the secrets: as the stage's variables, masked everywhere else."""
    job = handed.job
    answers = {**job.answers, **handed.secrets}
    return job.model_copy(
        update={
            "answers": answers,
            "secrets": tuple(dict.fromkeys((*job.secrets, *handed.secrets))),
        }
    )


def _main(uses: str, read: Callable[[], Job], report: Report) -> int:
    guard.adopt_orphans()
    guard.alone = True
    if not deploys(uses):
        # Of a deployment something is to stay.
        windows_job.join()
    signal.signal(signal.SIGTERM, _stopped)
    try:
        find_script(uses)
        return do(read(), report)
    except SlipwayError as error:
        report.notice(str(error), level="error")
        return error.exit_code
    finally:
        end_descendants(keep_deployed=deploys(uses))
        report.end()


def _stopped(number: int, _frame: object) -> None:
    # Ignore further signals: the worker signals the whole group, and our parent forwards it.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    msg = f"the stage was stopped from outside ({signal.Signals(number).name})"
    raise Stopped(msg)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        msg = f"{path}: the settings cannot be read: {error.strerror}"
        raise WrongInput(msg) from None
    except UnicodeDecodeError as error:
        msg = f"{path}: the settings are not UTF-8 at byte {error.start}; a job is JSON in UTF-8"
        raise WrongInput(msg) from None


def read_job(uses: str, text: str, place: str) -> Job:
    """Parse a job from JSON.

    Args:
        uses: The kind of stage that was requested.
        text: The JSON.
        place: The source of the text, for the error sentence.

    Raises:
        WrongInput: It is not a job, or a job of another kind.
    """
    try:
        job = Job.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the whole file"
        msg = f"{place}: {where}: {first['msg']} (in all {error.error_count()} wrong settings)"
        raise WrongInput(msg) from None
    return resolved(uses, job, place)


def resolved(uses: str, job: Job, place: str) -> Job:
    """Return a job with absolute paths.

    Args:
        uses: The kind of stage that was requested.
        job: The job; its relative paths are relative to the current folder.
        place: The source of the job, for the error sentence.

    Raises:
        WrongInput: It is a job of another kind.
    """
    if job.stage.uses != uses:
        msg = f'{place}: is a job for "{job.stage.uses}", but "{uses}" was asked for'
        raise WrongInput(msg)
    changes: dict[str, Any] = {"inputs": tuple(_resolved(given) for given in job.inputs)}
    if job.deployment is not None:
        changes["deployment"] = _deployment(job.deployment)
    folders = ("output", "cache", "state")
    places = {name: str(Path(getattr(job, name)).resolve()) for name in folders}
    return job.model_copy(update=places | changes)


def _resolved(given: Input) -> Input:
    return given.model_copy(update={"path": str(Path(given.path).resolve())})


def _deployment(deployment: Deployment) -> Deployment:
    changes = {
        name: release.model_copy(
            update={"inputs": tuple(_resolved(given) for given in release.inputs)}
        )
        for name in ("release", "previous")
        if (release := getattr(deployment, name)) is not None
    }
    return deployment.model_copy(update=changes)


def _has_secrets(text: str) -> bool:
    with contextlib.suppress(ValueError, TypeError, AttributeError):
        data = json.loads(text)
        return bool(data.get("answers") or (data.get("deployment") or {}).get("secrets"))
    return False


def _answered(job: Job) -> Job:
    """Return a job with the gate's answers added to the stage's environment."""
    env = {**job.stage.env, **job.answers}
    return job.model_copy(update={"stage": job.stage.model_copy(update={"env": env})})


def _forget(settings: Path) -> None:
    """Overwrite and delete a job file that holds secrets."""
    with contextlib.suppress(OSError):
        with settings.open("r+b") as stream:
            stream.write(b" " * settings.stat().st_size)
            stream.flush()
            os.fsync(stream.fileno())
        settings.unlink()


def find_script(uses: str) -> Script:
    """Return the function that runs a kind of stage.

    Raises:
        WrongInput: There is no such kind.
        MissingTool: Its implementation cannot be imported on this machine.
    """
    kind = STAGES.get(uses)
    if kind is None:
        raise WrongInput(STAGES.missing(uses, "kind of stage"))
    script: Script = kind.load_runner()
    return script


def check_input(given: Input) -> None:
    """Compare a fetched artefact with the hash recorded by its stage.

    Raises:
        StageFailed: It is missing, truncated or altered.
    """
    path = Path(given.path)
    if not path.is_file():
        msg = f'artefact "{given.name}" of "{given.stage}" is not at {path}; re-run {given.stage}'
        raise StageFailed(msg)
    size = path.stat().st_size
    found = hash_file(path) if size == given.size else ""
    if found != given.sha256:
        difference = f"sha256 {found}" if found else f"{size} bytes"
        expected = f"sha256 {given.sha256}" if found else f"{given.size} bytes"
        msg = (
            f'artefact "{given.name}" of stage "{given.stage}" was altered or truncated: '
            f"{difference} instead of {expected}; re-run {given.stage}"
        )
        raise StageFailed(msg)


def do(job: Job, report: Report) -> int:
    """Run one stage and return its exit code: 0 passed, 1 failed, 2 wrong input, 3 missing."""
    script = find_script(job.stage.uses)
    if job.secret_values:
        report = MaskedReport(report, job.secret_values)
    deadline = _Deadline(job, report)
    try:
        if job.source is not None:
            checkout.take(job.source, Path.cwd(), Path(job.cache))
        for given in job.fetched:
            check_input(given)
        _empty(Path(job.output))
        report.root = Path(job.output)
        script(_answered(job), report)
    except SlipwayError as error:
        if not deadline.over.is_set():
            report.notice(str(error), level="error")
            return error.exit_code
        # An error after the timeout is a consequence of it; the timeout has been reported.
        return StageFailed.exit_code
    except ValidationError as error:
        # The invalid event came from the thing under test.
        sentence = f"{job.name} would have said what no event may say: {event_problem(error)}"
        report.notice(sentence, level="error")
        return StageFailed.exit_code
    except OSError as error:
        place = f" ({error.filename})" if error.filename else ""
        report.notice(f"{job.name} stopped: {error.strerror or error}{place}", level="error")
        return StageFailed.exit_code
    finally:
        deadline.timer.cancel()
        report.flush()
    return PASSED


def _empty(output: Path) -> None:
    """Create the output folder, empty; existing contents are deleted.

    Raises:
        StageFailed: The existing contents cannot be deleted.
    """
    if problems := removal.remove(output):
        msg = f"what an earlier run left cannot be removed: {problems[0]}"
        raise StageFailed(msg)
    output.mkdir(parents=True)


class _Deadline:
    """A timer that ends this whole process tree when the stage's timeout is over."""

    def __init__(self, job: Job, report: Report) -> None:
        timeout = job.stage.timeout
        self._deploys = job.stage.deploys
        self._sentence = (
            f'stage "{job.name}" did not end within {format_duration(timeout)} and was stopped; '
            "mend what hangs or raise its timeout"
        )
        self._report = report
        self.over = threading.Event()
        self.timer = threading.Timer(timeout, self._end)
        self.timer.daemon = True
        self.timer.start()

    def _end(self) -> None:
        self.over.set()
        self._report.notice(self._sentence, level="error")
        end_descendants(patience=1.0, keep_deployed=self._deploys)
        self._report.end()
        sys.stdout.flush()
        os._exit(StageFailed.exit_code)
