"""Run any program by its argument list, and collect the files it leaves."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath

from slipway.model.errors import StageFailed, WrongInput
from slipway.model.protocol.job import Job
from slipway.scripts.humanize import count_text
from slipway.scripts.process import end_strays
from slipway.scripts.process import run as run_program
from slipway.scripts.python_env.environment import prepare
from slipway.scripts.python_env.interpreter import clean_environment
from slipway.scripts.report import Report
from slipway.scripts.stages.command.stage import CommandStage

__all__ = ["check_pattern", "leave", "matches", "run", "variables"]

#: Folders of git and of Slipway itself, excluded from "**".
_PRIVATE = {".git", ".slipway"}


def run(job: Job, report: Report) -> None:
    """Run the program and leave the files that its settings name.

    Args:
        job: The stage; its project is the current folder.
        report: Receives the program's output.

    Raises:
        MissingTool: The program is not on this machine.
        StageFailed: It ended with an exit code other than 0, or did not leave a file.
        WrongInput: A pattern leads out of the project.
    """
    stage = job.stage
    if not isinstance(stage, CommandStage):
        msg = f'stage "{job.name}" is no command stage'
        raise WrongInput(msg)
    source = Path.cwd()
    for pattern in stage.artefacts:
        check_pattern(pattern)
    env = variables(job)
    if stage.environment:
        made = prepare(source, stage, Path(job.cache), report, version=job.run.version)
        env = made.variables(env)
    else:
        env = clean_environment() | env | dict(stage.env)
    # Windows would otherwise search this process's own PATH.
    program = shutil.which(stage.argv[0], path=env.get("PATH")) or stage.argv[0]
    began = time.perf_counter()
    finished = run_program([program, *stage.argv[1:]], cwd=source, env=env, log=report.log)
    seconds = time.perf_counter() - began
    # Processes left behind could still change the files that are collected now.
    end_strays()
    if finished.code:
        raise StageFailed(finished.sentence(" ".join(stage.argv)[:200]))
    artefacts = leave(source, Path(job.output), stage.artefacts, report)
    name = Path(stage.argv[0]).name
    files = f", {count_text(artefacts, 'artefact')}" if stage.artefacts else ""
    report.summary(
        f"{name} passed in {seconds:.1f}s{files}", seconds=round(seconds, 3), artefacts=artefacts
    )


def variables(job: Job) -> dict[str, str]:
    """Return the environment variables that describe the run to a program."""
    inputs = [str(Path(given.path).resolve()) for given in job.inputs]
    return {
        "SLIPWAY_PROJECT": job.project,
        "SLIPWAY_STAGE": job.name,
        "SLIPWAY_RUN": str(job.run.number),
        "SLIPWAY_REVISION": job.run.revision,
        "SLIPWAY_BRANCH": job.run.branch,
        "SLIPWAY_VERSION": job.run.version,
        "SLIPWAY_INPUTS": json.dumps(inputs),
        "SLIPWAY_OUTPUT": job.output,
        "SOURCE_DATE_EPOCH": str(job.run.committed_at),
    }


def check_pattern(pattern: str) -> None:
    """Refuse a pattern that could name files outside the project.

    Raises:
        WrongInput: It is absolute or contains "..".
    """
    windows = PureWindowsPath(pattern)
    if windows.drive or windows.root or ".." in windows.parts:
        msg = f'artefacts: "{pattern}" leads out of the project; write it relative, without ".."'
        raise WrongInput(msg)


def leave(source: Path, output: Path, patterns: tuple[str, ...], report: Report) -> int:
    """Copy the files that match the patterns into the output folder, and report them.

    Args:
        source: The project.
        output: The artefacts' folder; files that the program left there itself stay unchanged.
        patterns: Each must match a file in one of the folders.
        report: Receives the artefacts.

    Returns:
        The number of artefacts.

    Raises:
        StageFailed: A pattern matches nothing.
        WrongInput: A link leads outside, or two files have the same name.
    """
    found: dict[str, Path] = {}
    output = output.resolve()
    for pattern in patterns:
        matched = [*matches(source, pattern), *matches(output, pattern)]
        if not matched:
            raise StageFailed(_nothing(source, pattern))
        for path in matched:
            other = found.setdefault(path.name, path)
            if not other.samefile(path):
                msg = (
                    f'artefacts: {other} and {path} are both called "{path.name}"; '
                    "later stages know artefacts by their names, so give them different ones"
                )
                raise WrongInput(msg)
    for name, path in found.items():
        inside = path.is_relative_to(output)
        report.artefact(path if inside else Path(shutil.copy2(path, output / name)))
    return len(found)


def matches(base: Path, pattern: str) -> Iterator[Path]:
    """Yield the files below a folder that match a pattern.

    Raises:
        WrongInput: A link among them leads out of the folder.
    """
    root = base.resolve()
    whole = f"{pattern}/*" if PurePosixPath(pattern).name == "**" else pattern
    for path in sorted(root.glob(whole)):
        if _PRIVATE.intersection(path.relative_to(root).parts) or not path.is_file():
            continue
        if not path.resolve().is_relative_to(root):
            msg = f"artefacts: {path} is a link to {path.resolve()}, which is not in {root}"
            raise WrongInput(msg)
        yield path


def _nothing(source: Path, pattern: str) -> str:
    folder = source
    for part in PurePosixPath(pattern).parts[:-1]:
        if not (folder / part).is_dir():
            break
        folder /= part
    names = sorted(path.name for path in folder.iterdir())[:8]
    place = folder.relative_to(source).as_posix()
    there = f"in {'the project' if place == '.' else place} there are: {', '.join(names) or 'none'}"
    return f'artefacts: no file matches "{pattern}"; {there}'
