"""The contract of what copies releases to a target."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol


class ReleaseTarget(Protocol):
    """One release on its way to one target.

    It is made with the target's settings, the job and its report. Each method raises `StageFailed`,
    `WrongInput` or `MissingTool` with a sentence. What is done again, because a worker died or a
    later target failed, finds what is there already: the same bytes are done, others are refused,
    and nothing is ever removed or overwritten.
    """

    where: str
    """What sentences call the place, without any secret."""

    def check(self, version: str) -> None:
        """See that the version can be published there. This changes nothing.

        It is asked of every target before anything is written anywhere.
        """

    def stage(self, release: Path) -> None:
        """Bring the release there, aside, and read each file back: nobody sees it yet.

        Args:
            release: The folder with all of its files; release.json names them.
        """

    def commit(self) -> str:
        """Let people see it, all of it in one step; returns where they find it."""

    def discard(self) -> None:
        """Remove what was brought aside and will not be seen. This never raises."""
