"""The graph of a project's stages: its order, and the rules it must keep."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from slipway.model.site import Project, Site, Worker
from slipway.model.stage import ArchiveStage, PublishStage, Stage


@dataclass(frozen=True)
class Breach:
    """A rule that is not kept, and the key it is about."""

    path: tuple[str | int, ...]
    message: str


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ' Did you mean "x"?' when something known is close, else nothing."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f' Did you mean "{close[0]}"?' if close else ""


def order(stages: Mapping[str, Stage]) -> list[str]:
    """Return the stages' names so that each comes after its needs, otherwise as written.

    Raises:
        ValueError: They go round in a circle; the circle is told as a path.
    """
    done: dict[str, None] = {}
    for first in stages:
        path = [first] if first not in done else []
        while path:
            name = path[-1]
            waits = [n for n in stages[name].needs if n in stages and n not in done]
            if not waits:
                done[path.pop()] = None
            elif waits[0] in path:
                raise ValueError(" -> ".join([*path[path.index(waits[0]) :], waits[0]]))
            else:
                path.append(waits[0])
    return list(done)


def able_workers(stage: Stage, workers: Mapping[str, Worker]) -> list[str]:
    """Return the workers that carry all labels a stage asks for and serve its lane."""
    return [
        name
        for name, worker in workers.items()
        if set(stage.runs_on) <= set(worker.labels) and stage.lane in worker.lanes
    ]


def check(site: Site) -> list[Breach]:
    """Return every rule of the graph that a site's projects break."""
    found: list[Breach] = []
    for name, project in site.project.items():
        place = ("project", name, "stages")
        found += _check_needs(project, place)
        found += _check_circle(project, place)
        found += _check_workers(project, site.workers, place)
        found += _check_inputs(project, place)
        if len(project.branches) != len(set(project.branches)):
            found.append(Breach(("project", name, "branches"), "names a branch more than once"))
    return found


def _check_needs(project: Project, place: tuple[str, ...]) -> list[Breach]:
    return [
        Breach(
            (*place, name, "needs"),
            f'unknown stage "{need}"; there are {", ".join(project.stages)}.'
            + did_you_mean(need, project.stages),
        )
        for name, stage in project.stages.items()
        for need in stage.needs
        if need not in project.stages
    ]


def _check_circle(project: Project, place: tuple[str, ...]) -> list[Breach]:
    try:
        order(project.stages)
    except ValueError as circle:
        first = str(circle).split(" -> ", 1)[0]
        message = f"the needs go round in a circle: {circle}; take one of them out"
        return [Breach((*place, first, "needs"), message)]
    return []


def _check_workers(
    project: Project, workers: Mapping[str, Worker], place: tuple[str, ...]
) -> list[Breach]:
    labels = sorted({label for worker in workers.values() for label in worker.labels})
    found = []
    for name, stage in project.stages.items():
        unknown = [label for label in stage.runs_on if label not in labels]
        if unknown:
            has = f"the workers' labels are {', '.join(labels)}" if labels else "no worker has any"
            message = f'no worker has the label "{unknown[0]}"; {has}.'
            found.append(
                Breach((*place, name, "runs-on"), message + did_you_mean(unknown[0], labels))
            )
        elif not able_workers(stage, workers):
            wants = " and ".join(stage.runs_on) or "any label"
            message = f'no worker can run it: none has {wants} and serves the lane "{stage.lane}"'
            found.append(Breach((*place, name), message))
    return found


def _check_inputs(project: Project, place: tuple[str, ...]) -> list[Breach]:
    return [
        Breach(
            (*place, name),
            f'"{stage.uses}" works on what other stages leave; name them with needs = [...]',
        )
        for name, stage in project.stages.items()
        if isinstance(stage, ArchiveStage | PublishStage) and not stage.needs
    ]
