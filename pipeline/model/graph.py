"""Graph of a project's stages: topological order and validation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from slipway.model.cell import Cell, cells
from slipway.model.kinds.stage import Stage
from slipway.model.site import Project, Site, Worker
from slipway.model.spelling import did_you_mean

__all__ = ["Breach", "able_workers", "check", "dependents", "order", "waited_for"]


@dataclass(frozen=True)
class Breach:
    """A violated rule, with the path of its key."""

    path: tuple[str | int, ...]
    message: str


def order(stages: Mapping[str, Stage]) -> list[str]:
    """Return the stages' names in topological order; ties keep the order of the file.

    Raises:
        ValueError: There is a cycle; the message is its path.
    """
    done: dict[str, None] = {}
    for first in stages:
        path = [first] if first not in done else []
        while path:
            name = path[-1]
            waits = [n for n in waited_for(stages[name]) if n in stages and n not in done]
            if not waits:
                done[path.pop()] = None
            elif waits[0] in path:
                raise ValueError(" -> ".join([*path[path.index(waits[0]) :], waits[0]]))
            else:
                path.append(waits[0])
    return list(done)


def waited_for(stage: Stage) -> tuple[str, ...]:
    """Return the stages that a stage waits for, whether to pass or to fail."""
    return (*stage.needs, *stage.on_failure)


def dependents(stages: Mapping[str, Stage], name: str) -> list[str]:
    """Return the direct and indirect dependents of a stage, in topological order."""
    found = {name}
    ordered = order(stages)
    for other in ordered:
        if found & set(waited_for(stages[other])):
            found.add(other)
    return [other for other in ordered if other in found and other != name]


def able_workers(stage: Stage, workers: Mapping[str, Worker]) -> list[str]:
    """Return the workers that have all labels a stage requires and serve its lane."""
    return [
        name
        for name, worker in workers.items()
        if set(stage.runs_on) <= set(worker.labels) and stage.lane in worker.lanes
    ]


def check(site: Site) -> list[Breach]:
    """Return all violated rules of the graphs of a site's projects."""
    found: list[Breach] = []
    for name, project in site.project.items():
        place = ("project", name, "stages")
        found += _check_needs(project, place)
        found += _check_circle(project, place)
        found += _check_cells(project, site.workers, place)
        found += _check_inputs(project, place)
        found += _check_replaced(project, place)
        found += _check_deploys(project, place)
        found += _check_promotes(project, place)
        found += _check_folders(project, place)
        if len(project.branches) != len(set(project.branches)):
            found.append(Breach(("project", name, "branches"), "names a branch more than once"))
    return found


def _check_needs(project: Project, place: tuple[str, ...]) -> list[Breach]:
    return [
        Breach(
            (*place, name, key),
            f'unknown stage "{need}"; there are {", ".join(project.stages)}.'
            + did_you_mean(need, project.stages),
        )
        for name, stage in project.stages.items()
        for key, wanted in (("needs", stage.needs), ("on-failure", stage.on_failure))
        for need in wanted
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


def _check_cells(
    project: Project, workers: Mapping[str, Worker], place: tuple[str, ...]
) -> list[Breach]:
    found: dict[Breach, None] = {}
    for name, stage in project.stages.items():
        try:
            made = cells(stage)
        except ValueError as error:
            found[Breach((*place, name, "matrix"), str(error))] = None
            continue
        for cell in made:
            found |= dict.fromkeys(_check_workers(cell, workers, (*place, name)))
    return list(found)


def _check_workers(
    cell: Cell, workers: Mapping[str, Worker], place: tuple[str, ...]
) -> list[Breach]:
    stage = cell.stage
    labels = sorted({label for worker in workers.values() for label in worker.labels})
    unknown = [label for label in stage.runs_on if label not in labels]
    if unknown:
        key = "matrix" if "runs-on" in cell.values else "runs-on"
        has = f"the workers' labels are {', '.join(labels)}" if labels else "no worker has any"
        message = f'no worker has the label "{unknown[0]}"; {has}.'
        return [Breach((*place, key), message + did_you_mean(unknown[0], labels))]
    if able_workers(stage, workers):
        return []
    wants = " and ".join(stage.runs_on) or "any label"
    message = f'no worker can run it: none has {wants} and serves the lane "{stage.lane}"'
    return [Breach(place, message)]


def _check_inputs(project: Project, place: tuple[str, ...]) -> list[Breach]:
    return [
        Breach(
            (*place, name),
            f'"{stage.uses}" works on what other stages leave; name them with needs = [...]',
        )
        for name, stage in project.stages.items()
        if stage.needs_inputs and not stage.needs
    ]


def _check_replaced(project: Project, place: tuple[str, ...]) -> list[Breach]:
    """Check that no stage gets the same files twice: as they were, and as they were replaced."""
    found = []
    for name, stage in project.stages.items():
        replacing = [need for need in stage.needs if need in project.stages]
        for need in replacing if stage.needs_inputs else ():
            other = project.stages[need]
            # A need may be for the order alone.
            both = [one for one in replacing if other.replaces_inputs and one in other.needs]
            twice = [one for one in both if project.stages[one].leaves_products]
            if twice:
                message = (
                    f'"{need}" leaves what "{twice[0]}" has left again, under the same names; '
                    f'take "{twice[0]}" out'
                )
                found.append(Breach((*place, name, "needs"), message))
    return found


def _check_deploys(project: Project, place: tuple[str, ...]) -> list[Breach]:
    """Check that each stage that deploys has an environment and, before it, a release."""
    found = []
    known = ", ".join(project.environments) or "none; write [project.NAME.environments.NAME]"
    for name, stage in project.stages.items():
        if stage.deploys_to is None:
            continue
        if stage.deploys_to not in project.environments:
            message = f'unknown environment "{stage.deploys_to}"; there are: {known}.'
            message += did_you_mean(stage.deploys_to, project.environments)
            found.append(Breach((*place, name, "environment"), message))
        found += _check_release(name, "deploys", project, place)
    return found


def _check_release(name: str, verb: str, project: Project, place: tuple[str, ...]) -> list[Breach]:
    """Check that a release is made before a stage that needs one."""
    if any(one.makes_release for one in _before(name, project.stages)):
        return []
    message = (
        f'"{name}" {verb} a release, but none is made before it: name a stage that uses '
        '"publish" in its needs, directly or through others'
    )
    return [Breach((*place, name, "needs"), message)]


def _before(name: str, stages: Mapping[str, Stage]) -> list[Stage]:
    """Return the direct and indirect needs of a stage."""
    seen: dict[str, Stage] = {}
    waiting = [name]
    while waiting:
        for need in stages[waiting.pop()].needs:
            if need in stages and need not in seen:
                seen[need] = stages[need]
                waiting.append(need)
    return list(seen.values())


def _check_promotes(project: Project, place: tuple[str, ...]) -> list[Breach]:
    """Check that each stage that promotes names a channel and has, before it, a release."""
    found = []
    known = ", ".join(project.channels) or "none; write channels = [...] into the publish stage"
    for name, stage in project.stages.items():
        if stage.promotes_to is None:
            continue
        if stage.promotes_to not in project.channels:
            message = f'unknown channel "{stage.promotes_to}"; there are: {known}.'
            message += did_you_mean(stage.promotes_to, project.channels)
            found.append(Breach((*place, name, "channel"), message))
        found += _check_release(name, "promotes", project, place)
    return found


def _check_folders(project: Project, place: tuple[str, ...]) -> list[Breach]:
    """Check that all releases of a project are in one folder: they share versions and one site."""
    first = ""
    found = []
    for name, stage in project.stages.items():
        if not stage.makes_release:
            continue
        first = first or stage.release_folder
        if stage.release_folder != first:
            message = f'the releases of a project have one folder, and "{first}" is another'
            found.append(Breach((*place, name, "folder"), message))
    return found
