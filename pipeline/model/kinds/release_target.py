"""Targets: places that receive a copy of each release, besides the publish folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Self

from pydantic import Field, model_validator

from slipway.model.bandwidth import Bandwidth
from slipway.model.kinds.registry import Kind, Kinds
from slipway.model.retention import KeepReleases

__all__ = ["TARGETS", "Target"]


class Target(Kind):
    """A place that gets a copy of each release."""

    can_remove: ClassVar[bool] = False
    """True if old releases can be removed there, as `keep` says."""
    why_kept: ClassVar[str] = ""
    """Why nothing is removed there, for the sentence that refuses `keep`."""
    takes_all: ClassVar[bool] = True
    """False if it takes only some of a release's files (`ReleaseTarget.wants`); the others need not
    be public there."""
    kind: str
    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")] | None = None
    """Its name in lists and messages; different for each target of a stage. None: its kind."""
    bandwidth: Bandwidth | None = Field(default=None, examples=["10 MB/s"])
    """The most that is sent to it, and read back from it: "500 kB/s", "10 MB/s". None: as fast as
    it goes."""

    keep: KeepReleases | None = Field(default=None, examples=[{"latest": 10, "age": "90d"}])
    """Which releases stay there. None: all. Those that an environment runs or that a channel points
    at, and blocked ones, always stay."""

    @property
    def title(self) -> str:
        """Its name, or else its kind."""
        return self.name or self.kind

    @model_validator(mode="after")
    def _can_keep(self) -> Self:
        if self.keep is not None and not self.can_remove:
            able = ", ".join(name for name, kind in TARGETS.members.items() if kind.can_remove)
            why = f": {self.why_kept}" if self.why_kept else ""
            msg = f'keep: nothing is removed at a "{self.kind}"{why}; these can: {able}'
            raise ValueError(msg)
        return self

    @property
    def needed_secrets(self) -> tuple[str, ...]:
        """The stage's secrets without which it cannot work, by name."""
        return ()

    @property
    def known_secrets(self) -> tuple[str, ...]:
        """All of the stage's secrets that it takes."""
        return self.needed_secrets

    def written_folders(self, project: str) -> dict[str, str]:  # noqa: ARG002  kinds need it
        """Return the folders on the worker that it writes, by key.

        Args:
            project: The project's name.

        Returns:
            Paths, relative to the state folder or absolute.
        """
        return {}

    def key_files(self) -> tuple[str, ...]:
        """Return the files on the worker with credentials for its access.

        Returns:
            Paths, relative to the state folder or absolute.
        """
        return ()


#: The kinds of targets. A kind's `runner` names a subclass of
#: `slipway.scripts.releases.target.ReleaseTarget`.
TARGETS: Kinds[Target] = Kinds("slipway.targets", lambda: Target, "kind")

if TYPE_CHECKING:
    AnyTarget = Target
else:
    AnyTarget = Annotated[Target, TARGETS]
