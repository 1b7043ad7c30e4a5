"""Lay out a project's stages for views: in the graph's order, each in its column."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from slipway.ledger.deployments import environment_of
from slipway.model.cell import cells
from slipway.model.graph import order, waited_for
from slipway.model.kinds.stage import Stage
from slipway.model.site import Project, Worker

__all__ = ["Outline", "Outlines", "Place", "draw"]


@dataclass(frozen=True)
class Place:
    """A stage and its position."""

    name: str
    stage: Stage
    level: int
    cells: tuple[str, ...]
    environment: str | None


@dataclass(frozen=True)
class Outline:
    """A project's stages, in the graph's order."""

    name: str
    project: Project
    places: dict[str, Place]
    workers: Mapping[str, Worker] = field(default_factory=dict)
    """The site's workers."""

    @property
    def environments(self) -> dict[str, list[str]]:
        """The names of the stages that deploy to each environment."""
        found: dict[str, list[str]] = {name: [] for name in self.project.environments}
        for place in self.places.values():
            if place.environment is not None:
                found.setdefault(place.environment, []).append(place.name)
        return found


def draw(
    name: str, project: Project, workers: Mapping[str, Worker] = MappingProxyType({})
) -> Outline:
    """Return the outline of a project.

    Args:
        name: Its name.
        project: The project.
        workers: The site's workers.
    """
    levels: dict[str, int] = {}
    places = {}
    for one in order(project.stages):
        stage = project.stages[one]
        before = [levels[need] for need in waited_for(stage) if need in levels]
        levels[one] = max(before, default=-1) + 1
        names = tuple(cell.name for cell in cells(stage))
        places[one] = Place(one, stage, levels[one], names, environment_of(project, one))
    return Outline(name, project, places, workers)


class Outlines:
    """The outlines of a site, cached until pipeline.toml is read again."""

    def __init__(self, workers: Mapping[str, Mapping[str, Any]] = MappingProxyType({})) -> None:
        """Initialize an empty cache.

        Args:
            workers: The site's workers from the plugin's configuration.
        """
        self._workers = {name: Worker.model_construct(**one) for name, one in workers.items()}
        self._drawn: dict[str, Outline] = {}

    def of(self, name: str, project: Project) -> Outline:
        """Return a project's outline."""
        known = self._drawn.get(name)
        if known is None or known.project is not project:
            known = self._drawn[name] = draw(name, project, self._workers)
        return known
