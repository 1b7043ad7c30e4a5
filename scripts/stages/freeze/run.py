"""Freeze the application into an executable without Python, and smoke-test it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from slipway.model.errors import StageFailed, WrongInput
from slipway.model.protocol.job import Job
from slipway.scripts.archives.pack import pack_tree
from slipway.scripts.humanize import count_text, size_text
from slipway.scripts.process import run as run_program
from slipway.scripts.python_env.environment import Environment, prepare
from slipway.scripts.report import Report
from slipway.scripts.stages.freeze import smoke_test
from slipway.scripts.stages.freeze.normalise import inspect, normalise
from slipway.scripts.stages.freeze.settings import make_settings
from slipway.scripts.stages.freeze.stage import FreezeStage

__all__ = ["CX_FREEZE", "GUEST", "run"]

CX_FREEZE = "8.7.3"
GUEST = Path(__file__).parent / "guest" / "freeze.py"
#: Low, for speed: frozen trees are compressed again for the release.
_LEVEL = 3
_LAST_LINES = 8


def run(job: Job, report: Report) -> None:
    """Freeze the application, smoke-test the result, and leave it as one archive.

    Args:
        job: The stage; its project is the current folder.
        report: Receives progress and the tools' output.

    Raises:
        MissingTool: The environment cannot be made on this machine.
        StageFailed: It cannot be frozen, or the frozen program does not start.
        WrongInput: The script or another file of the settings is missing.
    """
    stage = job.stage
    if not isinstance(stage, FreezeStage):
        msg = f'stage "{job.name}" is no freeze stage'
        raise WrongInput(msg)
    source, output = Path.cwd(), Path(job.output)
    name = stage.name or job.project
    settings = make_settings(source, stage, name, output / name)
    settings["epoch"] = job.run.committed_at
    tool = f"cx_Freeze=={CX_FREEZE}"
    environment = prepare(source, stage, Path(job.cache), report, tools=[tool])
    report.progress(f"freezing {stage.script}")
    result = _freeze(settings, environment, output, report)
    normalise(output / name, job.run.committed_at)
    facts = inspect(output / name, result)
    report.progress(f"packing {count_text(facts['files'], 'file')}")
    archive = output / f"{name}-{result['platform']}.tar.zst"
    pack_tree(output / name, archive, epoch=job.run.committed_at, level=_LEVEL, root=name)
    started = _start(stage, archive, f"{name}/{result['executable']}", output / name, report)
    _leave(job, archive, facts, started, report)


def _freeze(
    settings: dict[str, Any], environment: Environment, output: Path, report: Report
) -> dict[str, Any]:
    """Run cx_Freeze in the application's environment and return its result.

    Raises:
        StageFailed: cx_Freeze failed.
        WrongInput: The settings are wrong.
    """
    asked, answer = output / "freeze-settings.json", output / "freeze-result.json"
    asked.write_text(json.dumps(settings), "utf-8")
    try:
        finished = run_program(
            [environment.python, GUEST, asked, answer],
            cwd=environment.source,
            # A fixed hash seed: the order of sets in compiled modules depends on their hashes.
            env=environment.variables({"PYTHONHASHSEED": "0"}),
            log=report.log,
            what="cx_Freeze",
        )
        result = json.loads(answer.read_text("utf-8")) if answer.is_file() else {}
    finally:
        asked.unlink(missing_ok=True)
        answer.unlink(missing_ok=True)
    if "wrong" in result:
        raise WrongInput(str(result["wrong"]))
    if finished.code or not result:
        lines = finished.last_output(_LAST_LINES)
        msg = f"cx_Freeze ended with exit code {finished.code}; it said: {lines or 'nothing'}"
        raise StageFailed(msg)
    return dict(result)


def _start(
    stage: FreezeStage, archive: Path, program: str, tree: Path, report: Report
) -> smoke_test.Smoke | None:
    if stage.smoke is None:
        report.notice(
            f"{Path(program).name} was not started: the stage's smoke is off", level="warning"
        )
        return None
    report.progress(f"starting {Path(program).name} in an empty environment")
    # Renamed during the test, so that no path into the build folder works.
    aside = tree.with_name(f"{tree.name}.aside")
    tree.rename(aside)
    try:
        timeout, log = stage.smoke_timeout, report.log
        return smoke_test.start(archive, program, stage.smoke, timeout, log, gui=stage.gui)
    finally:
        aside.rename(tree)


def _leave(
    job: Job,
    archive: Path,
    facts: dict[str, Any],
    started: smoke_test.Smoke | None,
    report: Report,
) -> None:
    """Leave the archive and its description, and report the summary."""
    report.artefact(archive)
    smoked = None
    if started is not None:
        smoked = {
            "arguments": list(started.arguments),
            "seconds": round(started.seconds, 3),
            "output": started.output,
        }
    described = Path(job.output) / "freeze.json"
    text = json.dumps(facts | {"smoke": smoked}, indent=1, ensure_ascii=False)
    described.write_text(text + "\n", "utf-8")
    report.artefact(described, role="report")
    starts = f", starts in {started.seconds:.2f}s" if started else ", not started"
    name = Path(facts["executable"]).name
    size = f"{size_text(facts['size'])} in {count_text(facts['files'], 'file')}"
    keys = ("executable", "platform", "files", "size", "python", "cx_freeze", "packages")
    report.summary(
        f"{name} frozen: {size}{starts}",
        **{key: facts[key] for key in keys},
        smoke_seconds=round(started.seconds, 3) if started else None,
    )
