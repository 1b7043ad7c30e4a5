"""Settings of the stage that makes a release."""

from __future__ import annotations

from typing import ClassVar, Literal

from slipway.model.kinds.release_target import AnyTarget
from slipway.model.kinds.stage import Stage

__all__ = ["PublishStage"]


class PublishStage(Stage):
    """Make a release of what the needed stages left: wholly there, or not at all."""

    needs_source: ClassVar[bool] = False
    needs_inputs: ClassVar[bool] = True
    runs_programs: ClassVar[bool] = False
    makes_release: ClassVar[bool] = True

    uses: Literal["publish"]
    folder: str = "releases"
    """The folder to publish to, on the worker's machine; relative to the state folder."""
    targets: tuple[AnyTarget, ...] = ()
    """Places that get a copy of each release, such as { kind = "folder", path = "/srv/www" }."""

    def written_folders(self, project: str) -> dict[tuple[str | int, ...], str]:
        """Return the project's folder of releases, and those of its targets."""
        found: dict[tuple[str | int, ...], str] = {("folder",): f"{self.folder}/{project}"}
        for number, target in enumerate(self.targets):
            for key, path in target.written_folders(project).items():
                found["targets", number, key] = path
        return found
