"""Stage: the keys common to all kinds; each kind adds its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Self

from pydantic import Field, model_validator

from slipway.model.kinds.gate import GateKeys
from slipway.model.kinds.registry import Kind, Kinds
from slipway.model.kinds.scheduling_keys import FlowKeys

__all__ = ["STAGES", "ApplicationStage", "Glob", "Stage", "deploys"]

Glob = Annotated[str, Field(min_length=1)]


class Stage(GateKeys, FlowKeys, Kind):
    """The keys every stage has, whatever it does, and what a kind of stages says of itself."""

    needs_source: ClassVar[bool] = True
    """True if the run's commit is checked out for it."""
    needs_inputs: ClassVar[bool] = False
    """True if it processes what other stages produce, and must need one."""
    can_shard: ClassVar[bool] = False
    """True if it can do a part of its work, as `shards` requires."""
    runs_programs: ClassVar[bool] = True
    """True if it starts a program of the project, which could use a secret."""
    makes_release: ClassVar[bool] = False
    """True if it makes a release: it gets the run's record, and its own tenant."""
    deploys: ClassVar[bool] = False
    """True if processes that it starts may continue after its end."""
    uses: str

    @property
    def deploys_to(self) -> str | None:
        """The environment that it deploys to; None: it does not deploy."""
        return None

    def written_folders(self, project: str) -> dict[tuple[str | int, ...], str]:  # noqa: ARG002  kinds need it
        """Return the folders outside its own that it writes, by the path of each key.

        Args:
            project: The project's name.

        Returns:
            Paths, relative to the state folder or absolute.
        """
        return {}

    @property
    def worker_variables(self) -> frozenset[str]:
        """Environment variables of the worker that it must see."""
        return frozenset()

    @model_validator(mode="after")
    def _can_be_cut(self) -> Self:
        if self.shards > 1 and not self.can_shard:
            able = ", ".join(name for name, kind in STAGES.members.items() if kind.can_shard)
            msg = f'shards: "{self.uses}" cannot be cut; these can: {able}'
            raise ValueError(msg)
        if self.manual and (self.matrix or self.shards > 1):
            msg = "manual: a gate asks one question; take matrix and shards out"
            raise ValueError(msg)
        if self.secrets and not self.runs_programs:
            msg = f'secrets: "{self.uses}" starts no program of yours that could use one'
            raise ValueError(msg)
        return self


class ApplicationStage(Stage):
    """A stage that works inside the application's own Python environment."""

    takes_default_groups: ClassVar[bool] = False
    """True if it needs the dependency groups of developers, unlike stages that ship something."""
    python: str | None = None
    """The Python to use, as uv names it ("3.12", a path). None: the one Slipway runs on."""
    extras: tuple[str, ...] = ()
    """Extras of the application to install."""
    groups: tuple[str, ...] | None = None
    """Dependency groups to install. None: uv's default groups for tests, none for the others."""
    requirements: tuple[str, ...] = ()
    """Requirements files, for applications that have no pyproject.toml with dependencies."""


#: The kinds of stages.
STAGES: Kinds[Stage] = Kinds("slipway.stages", lambda: Stage, "uses")

if TYPE_CHECKING:
    AnyStage = Stage
else:
    AnyStage = Annotated[Stage, STAGES]


def deploys(uses: str) -> bool:
    """Return whether a kind of stage deploys; False for an unknown kind."""
    kind = STAGES.get(uses)
    return kind is not None and kind.deploys
