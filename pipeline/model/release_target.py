"""Targets: places that get a copy of each release, besides the folder where it is at home."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from slipway.model.kinds import Kind, Kinds


class Target(Kind):
    """A place that gets a copy of each release."""

    kind: str

    def written_folders(self, project: str) -> dict[str, str]:  # noqa: ARG002  kinds need it
        """Return the folders on the worker that it writes, by the key that names each.

        Args:
            project: The project's name.

        Returns:
            Paths, relative to the state folder or absolute.
        """
        return {}


#: The kinds of targets. The class named by a kind's `runner` is a
#: `slipway.scripts.releases.target.ReleaseTarget`.
TARGETS: Kinds[Target] = Kinds("slipway.targets", lambda: Target, "kind")

if TYPE_CHECKING:
    AnyTarget = Target
else:
    AnyTarget = Annotated[Target, TARGETS]
