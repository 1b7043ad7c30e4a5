"""`slipway release refresh`: sign pages and pointers anew, here and at targets."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.cli.lib.ledger_listing import check_project
from slipway.cli.lib.release_sites import open_site_ledger, rewrite_sites
from slipway.cli.lib.running_site import running_site
from slipway.cli.lib.terminal import terminal
from slipway.cli.remote.words import print_json
from slipway.ledger.queries import public_targets
from slipway.master.releases.site import Written
from slipway.model.errors import PASSED, MissingTool, SlipwayError, StageFailed
from slipway.model.kinds.release_target import Target
from slipway.model.protocol.job import Job, RunFacts
from slipway.scripts.redaction import MaskedReport
from slipway.scripts.releases.outgoing import OutgoingFile, Pointers
from slipway.scripts.releases.pointing import LATEST_POINTER
from slipway.scripts.releases.site.rendering import media_type
from slipway.scripts.releases.target import ReleaseTarget
from slipway.scripts.report import ConsoleReport, Report, hash_file
from slipway.scripts.stages.publish.delivery.clock import Clock
from slipway.scripts.stages.publish.delivery.ends import destinations
from slipway.scripts.stages.publish.delivery.one_target import Destination
from slipway.scripts.stages.publish.delivery.retries import Retries
from slipway.scripts.stages.publish.promote import point_one
from slipway.scripts.stages.publish.stage import TargetStage
from slipway.scripts.terminal_text import escape
from slipway.secrets.reading import given_here
from slipway.state_folder import Home

if TYPE_CHECKING:
    from slipway.model.site import Project, Site

__all__ = ["run"]


@dataclass(frozen=True)
class _Refreshed:
    """A place whose pages and pointers were to be signed anew."""

    project: str
    target: str
    """The target's name; empty: the folder that the master serves."""
    where: str
    problem: str = ""
    """Why it has the old ones; empty: it has the new ones, or shows none."""


def run(options: argparse.Namespace) -> int:
    """Sign pages, feeds and pointers with the key that signs now, and bring them to targets.

    Raises:
        WrongInput: There is no such project.
        MissingTool: The ledger or the key cannot be read.
    """
    site = running_site(options)
    check_project(site, options.project)
    names = [options.project] if options.project else list(site.project)
    engine = open_site_ledger(site, Home.beside(options.config))
    found: list[_Refreshed] = []
    if engine is not None:
        for name in names:
            written = rewrite_sites(options, site, engine, name)
            home = Home.beside(options.config).root
            found += (_Refreshed(name, "", str(home / one / name)) for one in written)
            found += _at_targets(options, site, name, written, public_targets(engine, name))
    if options.json:
        print_json([asdict(one) for one in found])
    else:
        _print(found)
    return StageFailed.exit_code if any(one.problem for one in found) else PASSED


def _print(found: list[_Refreshed]) -> None:
    console = terminal()
    for one in found:
        name = f"{one.project} at {one.target} ({one.where})" if one.target else one.where
        colour, text = ("red", one.problem) if one.problem else ("green", "signed anew")
        console.print(f"{escape(name)}: [{colour}]{escape(text)}[/]")
    if not found:
        console.print("there are no releases yet, so nothing is to be signed anew")


def _at_targets(
    options: argparse.Namespace,
    site: Site,
    name: str,
    written: dict[str, Written],
    public: set[str],
) -> Iterator[_Refreshed]:
    """Bring what was written to the project's targets, each place once.

    Args:
        options: The command's.
        site: The site.
        name: The project's name.
        written: What was written here, by folder.
        public: The names of the targets where readers see a release.
    """
    project, seen = site.project[name], set()
    for title, stage in project.stages.items():
        own = written.get(stage.release_folder) if stage.makes_release else None
        there = own or next(iter(written.values()), None)
        if not isinstance(stage, TargetStage) or not stage.brings_releases or there is None:
            continue
        for target in stage.targets:
            settings = target.model_dump_json(exclude={"name", "bandwidth", "keep"})
            if settings not in seen and target.title in public:
                seen.add(settings)
                job = _job(options, (name, project), title, stage, there)
                yield _at_target(job, target, there)


def _job(
    options: argparse.Namespace,
    named: tuple[str, Project],
    title: str,
    stage: TargetStage,
    written: Written,
) -> Job:
    """Return a job as a worker would get it, with those of its secrets that can be read here."""
    name, project = named
    home = Home.beside(options.config).root
    newest = written.contents.newest_first[0].manifest if written.contents.releases else None
    facts = RunFacts(
        number=newest.run if newest else 0,
        revision=newest.revision if newest else "",
        branch=newest.branch if newest else "",
        committed_at=int(newest.committed_at.timestamp()) if newest else 0,
        version=newest.version if newest else "0",
    )
    try:
        given = given_here(project, [title], options.config.resolve().parent, name)[title]
    except MissingTool as error:
        terminal(stderr=True).print(f"[yellow]{escape(str(error))}[/]")
        given = {}
    return Job(
        project=name,
        name=title,
        stage=stage.model_copy(update={"env": {**stage.env, **given}}),
        run=facts,
        output=str(home / "output"),
        cache=str(home / "cache"),
        state=str(home),
        answers=dict(given),
        secrets=tuple(given),
    )


def _at_target(job: Job, target: Target, written: Written) -> _Refreshed:
    """Bring pages and pointers to one target."""
    report = MaskedReport(ConsoleReport(terminal(stderr=True)), job.secret_values)
    where, problem = target.kind, ""
    try:
        stage = job.stage.model_copy(update={"targets": (target,)})
        assert isinstance(stage, TargetStage)  # noqa: S101  for mypy
        (made,) = destinations(stage, job, report)
        where = made.target.where
        problem = _bring(made, written, report)
    except SlipwayError as error:
        problem = str(error)
    return _Refreshed(job.project, target.title, report.mask(where), report.mask(problem))


def _bring(made: Destination, written: Written, report: Report) -> str:
    """Return why a target has not got the pages and pointers; empty: it has."""
    if type(made.target).pointer is ReleaseTarget.pointer:
        # Its readers know no pointers: nothing there is signed but releases.
        made.target.close()
        return ""
    clock = Clock()
    shown = Retries(made.title, clock, report)(lambda: made.target.pointer(LATEST_POINTER))
    if shown is None:
        made.target.close()
        return (
            "no pointer is seen there from this machine; if a worker on another machine brings "
            "releases there, run its publish stage once more: slipway rerun"
        )
    with tempfile.TemporaryDirectory() as folder:
        return point_one(made, _pointers(Path(folder), written), report, clock)


def _pointers(folder: Path, written: Written) -> Pointers:
    """Write what targets get into a folder."""
    files = []
    for number, (path, data) in enumerate(written.files.items()):
        file = folder / str(number)
        file.write_bytes(data)
        files.append(OutgoingFile(path, file, len(data), hash_file(file), media_type(path)))
    contents = written.contents
    return Pointers(contents.latest_version, contents.pointed, tuple(files))
