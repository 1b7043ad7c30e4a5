"""`slipway publish --plan`: say what would be published where, and change nothing."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from slipway.cli.lib.plan_table import print_plan
from slipway.cli.lib.terminal import terminal
from slipway.config import read
from slipway.model.errors import PASSED, MissingTool, StageFailed, WrongInput
from slipway.model.protocol.job import Job, RunFacts
from slipway.model.site import Project, Site
from slipway.model.spelling import did_you_mean
from slipway.scripts.redaction import MaskedReport
from slipway.scripts.releases.manifest import Manifest
from slipway.scripts.releases.verify import find_release
from slipway.scripts.report import ConsoleReport, Report
from slipway.scripts.stages.publish.delivery.ends import planned, release_in
from slipway.scripts.stages.publish.delivery.plan import Plan, PlannedTarget
from slipway.scripts.stages.publish.stage import PublishStage
from slipway.scripts.terminal_text import escape
from slipway.secrets.reading import given_here
from slipway.state_folder import Home

__all__ = ["run"]


def run(options: argparse.Namespace) -> int:
    """Say what would be done with each file at each target.

    Raises:
        WrongInput: `--plan` is missing, or there is no such project, stage or release.
    """
    if not options.plan:
        msg = (
            "a release is published by the stage of a run, on a site; this command says what would "
            "be done: slipway publish --plan"
        )
        raise WrongInput(msg)
    site = read(options.config)
    name = _project(site, options.name)
    stage_name, stage = _stage(site.project[name], name, options.stage)
    home = Home.beside(options.config).root
    release = release_in(_folder(options.release, name, stage, home))
    job = _job(name, stage_name, stage, release.manifest, home)
    job = _with_secrets(job, site.project[name], options.config.resolve().parent)
    report = MaskedReport(ConsoleReport(terminal(stderr=True)), job.secret_values)
    found = [_masked(one, report) for one in planned(stage, job, release, report)]
    told = Plan(project=release.project, version=release.version, targets=tuple(found))
    if options.json:
        terminal().print(json.dumps(told.model_dump(mode="json"), indent=2), markup=False)
    else:
        print_plan(told)
    return StageFailed.exit_code if any(one.problem for one in found) else PASSED


def _masked(target: PlannedTarget, report: Report) -> PlannedTarget:
    """Return a target without the secrets that a server may have said again."""
    masked = {"where": report.mask(target.where), "problem": report.mask(target.problem)}
    return target.model_copy(update=masked)


def _project(site: Site, asked: str | None) -> str:
    """Return the project that was asked for, or the only one.

    Raises:
        WrongInput: There is no such project, or there are several.
    """
    known = ", ".join(site.project)
    if asked is not None and asked not in site.project:
        msg = f'"{asked}" is not in pipeline.toml; there are {known}.'
        raise WrongInput(msg + did_you_mean(asked, site.project))
    if asked is None and len(site.project) > 1:
        msg = f"pipeline.toml has several projects, {known}: name one"
        raise WrongInput(msg)
    return asked or next(iter(site.project))


def _stage(project: Project, name: str, asked: str | None) -> tuple[str, PublishStage]:
    """Return the publish stage that was asked for, or the only one.

    Raises:
        WrongInput: There is no such stage, it has no targets, or there are several.
    """
    stages = {key: one for key, one in project.stages.items() if isinstance(one, PublishStage)}
    if asked is not None and asked not in stages:
        known = ", ".join(stages) or "none"
        msg = f'--stage "{asked}" is no publish stage of {name}; there are: {known}.'
        raise WrongInput(msg + did_you_mean(asked, stages))
    chosen = [asked] if asked else [key for key, one in stages.items() if one.targets]
    if len(chosen) > 1:
        msg = f"{name} has several stages with targets, {', '.join(chosen)}: name one with --stage"
        raise WrongInput(msg)
    if not chosen or not stages[chosen[0]].targets:
        msg = f"{name} publishes to no target: its releases lie in the site's folder alone"
        raise WrongInput(msg)
    return chosen[0], stages[chosen[0]]


def _folder(asked: str | None, name: str, stage: PublishStage, home: Path) -> Path:
    """Return the folder of the release.

    Args:
        asked: A version, a release's folder, or None for the newest.
        name: The project's name.
        stage: The publish stage.
        home: The state folder.

    Raises:
        WrongInput: There is none.
    """
    # The site's own releases, then those that `slipway run` has made here.
    roots = [(base / stage.folder / name) for base in (home, home / "local" / name)]
    places = [Path(asked), *(root / asked for root in roots)] if asked else roots
    for place in places:
        if (folder := find_release(place)) is not None:
            return folder
    looked = " and ".join(str(root) for root in roots)
    if asked:
        msg = f'there is no release "{asked}", neither as a folder nor in {looked}'
    else:
        msg = f"there is no release yet in {looked}; make one here: slipway run"
    raise WrongInput(msg)


def _job(name: str, title: str, stage: PublishStage, manifest: Manifest, home: Path) -> Job:
    """Return a job as a worker would get it."""
    facts = RunFacts(
        number=manifest.run,
        revision=manifest.revision,
        branch=manifest.branch,
        committed_at=int(manifest.committed_at.timestamp()),
        version=manifest.version,
        subject=manifest.subject,
        author=manifest.author,
        local=manifest.local,
        dirty=manifest.dirty,
    )
    return Job(
        project=name,
        name=title,
        stage=stage,
        run=facts,
        output=str(home / "output"),
        cache=str(home / "cache"),
        state=str(home),
    )


def _with_secrets(job: Job, project: Project, base: Path) -> Job:
    """Return a job with those of its secrets that can be read here."""
    try:
        given = given_here(project, [job.name], base, job.project)[job.name]
    except MissingTool as error:
        terminal(stderr=True).print(f"[yellow]{escape(str(error))}[/]")
        return job
    stage = job.stage.model_copy(update={"env": {**job.stage.env, **given}})
    return job.model_copy(update={"stage": stage, "answers": given, "secrets": tuple(given)})
