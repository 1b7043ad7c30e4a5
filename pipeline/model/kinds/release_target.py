"""Targets: places that receive a copy of each release, besides the publish folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from slipway.model.kinds.registry import Kind, Kinds

__all__ = ["TARGETS", "Target"]


class Target(Kind):
    """A place that gets a copy of each release."""

    kind: str

    def written_folders(self, project: str) -> dict[str, str]:  # noqa: ARG002  kinds need it
        """Return the folders on the worker that it writes, by key.

        Args:
            project: The project's name.

        Returns:
            Paths, relative to the state folder or absolute.
        """
        return {}


#: The kinds of targets. A kind's `runner` names a subclass of
#: `slipway.scripts.releases.target.ReleaseTarget`.
TARGETS: Kinds[Target] = Kinds("slipway.targets", lambda: Target, "kind")

if TYPE_CHECKING:
    AnyTarget = Target
else:
    AnyTarget = Annotated[Target, TARGETS]
