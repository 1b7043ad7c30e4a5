"""What pruning lets go, and what stays."""

from __future__ import annotations

from slipway.www.shapes.base import Asked, Line, Shape


class Prune(Asked):
    """What to let go."""

    project: Line | None = None
    """One project's; null: all projects'."""
    dry_run: bool = False
    """Only say what would go."""


class PrunedRun(Shape):
    """A run whose artefacts go; the run itself stays."""

    project: str
    number: int
    version: str


class PrunedRelease(Shape):
    """A published folder that goes."""

    project: str
    version: str
    place: str


class Rule(Shape):
    """What stays of a project by its own words."""

    project: str
    text: str


class Kept(Shape):
    """What is old enough to go, and stays."""

    project: str
    what: str
    why: str


class Pruned(Shape):
    """What goes or has gone, and what stays and why."""

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
