"""The contract of publish targets."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

__all__ = ["ReleaseTarget"]


class ReleaseTarget(Protocol):
    """One release on its way to one target.

    It is constructed with the target's settings, the job and its report. Each method raises
    `StageFailed`, `WrongInput` or `MissingTool` with a sentence. All methods are idempotent,
    because a worker may die or a later target may fail: identical files that exist already are
    accepted, different ones are refused, and nothing is ever deleted or overwritten.
    """

    where: str
    """Name of the place for sentences, without any secret."""

    def check(self, version: str) -> None:
        """Check that the version can be published there. This changes nothing.

        It is called on every target before anything is written anywhere.
        """

    def stage(self, release: Path) -> None:
        """Upload the release to a staging place, invisible to people, and read each file back.

        Args:
            release: The folder with all of its files; release.json names them.
        """

    def commit(self) -> str:
        """Make the release visible in one atomic step; return the place where people find it."""

    def discard(self) -> None:
        """Delete staged files that will not be committed. This never raises."""
