"""Settings of the stages that make a release, and that check its targets before."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from slipway.model.base import Name
from slipway.model.kinds.release_target import AnyTarget, Target
from slipway.model.kinds.stage import Stage

__all__ = [
    "MOST_CHANNELS",
    "MOST_TARGETS",
    "PromoteStage",
    "PublishCheckStage",
    "PublishStage",
    "TargetStage",
]

#: Each target is brought the release by a thread of its own.
MOST_TARGETS = 16
MOST_CHANNELS = 10
#: Seconds of the check at the run's start, which all else waits for.
_LONGEST_CHECK = 600


class TargetStage(Stage):
    """What both have: targets, and the secrets that these take."""

    needs_source: ClassVar[bool] = False
    runs_programs: ClassVar[bool] = False
    reaches_targets: ClassVar[bool] = True
    brings_releases: ClassVar[bool] = True
    """False if it only looks at its targets."""

    targets: tuple[AnyTarget, ...] = Field(default=(), max_length=MOST_TARGETS)
    """Places that get a copy of each release, such as { kind = "folder", path = "/srv/www" }. They
    are brought it side by side."""

    @property
    def keeps_keys(self) -> bool:
        """True if it has secrets: passwords and tokens of its targets."""
        return bool(self.secrets)

    @property
    def needed_secrets(self) -> tuple[str, ...]:
        """The secrets without which a target cannot work."""
        return tuple(dict.fromkeys(name for one in self.targets for name in one.needed_secrets))

    @property
    def known_secrets(self) -> tuple[str, ...] | None:
        """The secrets that its targets take."""
        return tuple(dict.fromkeys(name for one in self.targets for name in one.known_secrets))

    def key_files(self) -> tuple[str, ...]:
        """Return the files of keys that its targets read."""
        return tuple(file for one in self.targets for file in one.key_files())

    def written_folders(self, project: str) -> dict[tuple[str | int, ...], str]:
        """Return the folders of its targets."""
        found: dict[tuple[str | int, ...], str] = {}
        for number, target in enumerate(self.targets):
            for key, path in target.written_folders(project).items():
                found["targets", number, key] = path
        return found

    @field_validator("targets")
    @classmethod
    def _named(cls, targets: tuple[Target, ...]) -> tuple[Target, ...]:
        titles = [one.title for one in targets]
        for title in titles:
            if titles.count(title) > 1:
                msg = (
                    f'two targets are called "{title}"; give each its own name, such as '
                    f'{{ kind = "{title}", name = "mirror" }}'
                )
                raise ValueError(msg)
        return targets


class PublishCheckStage(TargetStage):
    """Check targets before anything else is done: whether they can be reached and written to.

    Slipway adds this stage by itself, see `preflight`; written down, it can have keys of its own.
    """

    runner: ClassVar[str] = "slipway.scripts.stages.publish.check:run"
    brings_releases: ClassVar[bool] = False
    leaves_products: ClassVar[bool] = False
    needs_master: ClassVar[bool] = True

    uses: Literal["publish-check"]


class PromoteStage(TargetStage):
    """Move a channel to the release of the run: a pointer moves, no file of a release is copied."""

    runner: ClassVar[str] = "slipway.scripts.stages.publish.promote:run"
    leaves_products: ClassVar[bool] = False
    needs_master: ClassVar[bool] = True
    moves_channel: ClassVar[bool] = True

    uses: Literal["promote"]
    channel: Name
    """The channel, one of those of the stage that publishes, such as "stable"."""

    @property
    def promotes_to(self) -> str | None:
        """The channel."""
        return self.channel


class PublishStage(TargetStage):
    """Make a release of what the needed stages left: wholly there, or not at all."""

    needs_inputs: ClassVar[bool] = True
    makes_release: ClassVar[bool] = True

    uses: Literal["publish"]
    folder: str = "releases"
    """The folder of all releases, on the master's machine; relative to the state folder."""
    if_unchanged: Literal["skip", "release"] = "skip"
    """What is done where the last release of the branch has the same files: "skip" makes no other
    one, and the stage is "unchanged"; what deploys after it takes that last release."""
    preflight: bool = True
    """Whether the targets are checked when a run starts: a stage NAME-check comes before all
    others, and fails before tests are run. Where the stage is manual there is none."""
    channels: Annotated[tuple[Name, ...], Field(max_length=MOST_CHANNELS)] = ()
    """The channels of the releases, in the order in which one goes through them, such as
    ["beta", "stable"]. Each release reaches the first by itself; it is promoted to the others."""
    channel: Name | None = None
    """The channel that each release of this stage goes to, one of `channels`. None: the first."""

    @property
    def release_folder(self) -> str:
        """The folder of all releases."""
        return self.folder

    @property
    def skips_unchanged(self) -> bool:
        """True if no release is made of the very files that the last one has."""
        return self.if_unchanged == "skip"

    @property
    def release_targets(self) -> tuple[Target, ...]:
        """The targets."""
        return self.targets

    @property
    def release_channels(self) -> tuple[str, ...]:
        """The channels of its releases."""
        return self.channels

    @property
    def first_channel(self) -> str | None:
        """The channel that each of its releases goes to."""
        return self.channel or next(iter(self.channels), None)

    @model_validator(mode="after")
    def _channels_are_known(self) -> Self:
        if len(set(self.channels)) < len(self.channels):
            msg = f"channels: {', '.join(self.channels)}: one of them comes twice"
            raise ValueError(msg)
        if self.channel is not None and self.channel not in self.channels:
            there = ", ".join(self.channels) or "none"
            msg = f'channel: "{self.channel}" is none of its channels; they are: {there}'
            raise ValueError(msg)
        return self

    @property
    def preflight_stage(self) -> Stage | None:
        """The check of its targets; None if there are none, or a person starts it."""
        if not self.preflight or not self.targets or self.manual:
            return None
        taken = ("targets", "runs_on", "lane", "env", "secrets", "machine_retries")
        keys = {name: getattr(self, name) for name in taken}
        return PublishCheckStage(uses="publish-check", timeout=_LONGEST_CHECK, **keys)
