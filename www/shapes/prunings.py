"""Shapes of prunings: what is deleted, and what is kept."""

from __future__ import annotations

from slipway.www.shapes.base import Asked, Line, Shape

__all__ = ["Kept", "Prune", "Pruned", "PrunedRelease", "PrunedRun", "Rule"]


class Prune(Asked):
    """A request to prune."""

    project: Line | None = None
    """One project's; null: all projects'."""
    dry_run: bool = False
    """Only say what would go."""


class PrunedRun(Shape):
    """A run whose artefacts are deleted; the run itself is kept."""

    project: str
    number: int
    version: str


class PrunedRelease(Shape):
    """A published folder that is deleted."""

    project: str
    version: str
    place: str


class Rule(Shape):
    """What a project keeps by its own rules."""

    project: str
    text: str


class Kept(Shape):
    """An item that is old enough to be deleted, and is kept."""

    project: str
    what: str
    why: str


class Pruned(Shape):
    """The items that are deleted or would be, and those that are kept, with the reason."""

    dry_run: bool
    runs: list[PrunedRun]
    releases: list[PrunedRelease]
    files: int
    """So many files of the store."""
    size: int
    """The bytes that the disk gets back."""
    rules: list[Rule]
    kept: list[Kept]
    young: int
    """Files that nothing needs, and that are not a day old yet."""
