"""Settings of the target `folder`."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from slipway.model.kinds.environment import PLAIN
from slipway.model.kinds.release_target import Target

__all__ = ["FolderTarget"]


class FolderTarget(Target):
    """Another folder on the worker's machine, such as one that a web server shows."""

    runner: ClassVar[str] = "slipway.scripts.stages.publish.targets.folder.target:FolderCopy"

    can_remove: ClassVar[bool] = True

    kind: Literal["folder"]
    path: str = Field(min_length=1, pattern=PLAIN)
    """The folder; relative to the state folder. It gets a folder for the project in it."""

    def written_folders(self, project: str) -> dict[str, str]:
        """Return the project's folder in it."""
        return {"path": f"{self.path}/{project}"}
