"""Stage: the keys common to all kinds; each kind adds its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Self

from pydantic import Field, model_validator

from slipway.model.kinds.gate import GateKeys
from slipway.model.kinds.registry import Kind, Kinds
from slipway.model.kinds.release_target import Target
from slipway.model.kinds.scheduling_keys import FlowKeys
from slipway.model.parameter import asks_changes

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
    """True if it starts a program, which could use a secret."""
    makes_release: ClassVar[bool] = False
    """True if the master makes a release when it begins; it has the tenant of publishing."""
    reaches_targets: ClassVar[bool] = False
    """True if it reaches the targets of releases: it has the tenant of publishing."""
    needs_master: ClassVar[bool] = False
    """True if it has nothing to do without a master, in `slipway run`."""
    deploys: ClassVar[bool] = False
    """True if processes that it starts may continue after its end."""
    leaves_products: ClassVar[bool] = True
    """False if it leaves nothing for other stages, but reports for people at most."""
    replaces_inputs: ClassVar[bool] = False
    """True if it leaves what it gets again, under the same names."""
    moves_channel: ClassVar[bool] = False
    """True if the master moves a channel to the run's release when it begins."""
    uses: str

    @property
    def keeps_keys(self) -> bool:
        """True if it gets keys that no program of a project may read.

        It has its own tenant, and shares no worker that cannot keep tenants apart.
        """
        return False

    @property
    def deploys_to(self) -> str | None:
        """The environment that it deploys to; None: it does not deploy."""
        return None

    @property
    def release_folder(self) -> str:
        """The folder on the master's machine for the releases; relative to the state folder."""
        return "releases"

    @property
    def skips_unchanged(self) -> bool:
        """True if no release is made of the very files that the last one has."""
        return False

    @property
    def release_channels(self) -> tuple[str, ...]:
        """The channels of the releases that it makes, in their order."""
        return ()

    @property
    def promotes_to(self) -> str | None:
        """The channel that it moves. None: it moves none."""
        return None

    @property
    def first_channel(self) -> str | None:
        """The channel that each release that it makes goes to. None: it has no channels."""
        return None

    @property
    def release_targets(self) -> tuple[Target, ...]:
        """The targets to which it brings the release."""
        return ()

    @property
    def preflight_stage(self) -> Stage | None:
        """A stage that is to pass before all others of a run; None: there is none."""
        return None

    def written_folders(self, project: str) -> dict[tuple[str | int, ...], str]:  # noqa: ARG002  kinds need it
        """Return the folders on the worker, outside its own, that it writes, by each key's path.

        Args:
            project: The project's name.

        Returns:
            Paths, relative to the state folder or absolute.
        """
        return {}

    def key_files(self) -> tuple[str, ...]:
        """Return the files on the worker with credentials that it reads.

        Returns:
            Paths, relative to the state folder or absolute.
        """
        return ()

    @property
    def worker_variables(self) -> frozenset[str]:
        """Environment variables of the worker that it must see."""
        return frozenset()

    @property
    def needed_secrets(self) -> tuple[str, ...]:
        """The secrets without which it cannot work."""
        return ()

    @property
    def known_secrets(self) -> tuple[str, ...] | None:
        """The secrets that it takes. None: any, for a program of the project."""
        return None if self.runs_programs else ()

    @model_validator(mode="after")
    def _can_be_cut(self) -> Self:
        if self.shards > 1 and not self.can_shard:
            able = ", ".join(name for name, kind in STAGES.members.items() if kind.can_shard)
            msg = f'shards: "{self.uses}" cannot be cut; these can: {able}'
            raise ValueError(msg)
        if self.manual and (self.matrix or self.shards > 1):
            msg = "manual: a gate asks one question; take matrix and shards out"
            raise ValueError(msg)
        notes = [one for one in self.parameters if asks_changes(one)]
        if notes and not self.makes_release:
            msg = f'parameters: "{notes[0].name}": from = "changes" is for a stage that publishes'
            raise ValueError(msg)
        if self.secrets and self.known_secrets == ():
            msg = f'secrets: "{self.uses}" takes none: it has no use for one as it is set'
            raise ValueError(msg)
        return self


class ApplicationStage(Stage):
    """A stage that works inside the application's own Python environment."""

    takes_default_groups: ClassVar[bool] = False
    """True if it needs the dependency groups of developers, unlike stages that ship something."""
    python: str | None = None
    """The Python to use, as uv names it ("3.12", a path). None: the one Slipway runs on."""
    extras: tuple[str, ...] = ()
    """Extras of the application to install. None given: for tests, those named like tests or
    dev."""
    groups: tuple[str, ...] | None = None
    """Dependency groups to install. None: for tests, uv's default groups and those named like tests
    or dev; none for the others. With an empty list nothing is found by looking."""
    requirements: tuple[str, ...] = ()
    """Requirements files to install. None given: requirements.txt where nothing else says what the
    application needs and, for tests, files named like tests or dev."""


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
