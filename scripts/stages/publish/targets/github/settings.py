"""Settings of the target `github`."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from slipway.model.kinds.release_target import Target
from slipway.scripts.stages.publish.targets.http_settings import Authorities, SecretName, Url
from slipway.scripts.stages.publish.targets.release_text import TagTemplate, Template

__all__ = ["GithubTarget"]


class GithubTarget(Target):
    """A release on GitHub or on a GitHub Enterprise server: a draft, until all of it is there."""

    runner: ClassVar[str] = "slipway.scripts.stages.publish.targets.github.target:GithubRelease"
    can_remove: ClassVar[bool] = True

    kind: Literal["github"]
    repository: str = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,99}/[A-Za-z0-9._-]{1,100}$",
        examples=["example/almanac"],
    )
    """The repository, as "owner/name"."""
    url: Url = "https://api.github.com"
    """The API. An Enterprise server has it at https://HOST/api/v3."""
    token: SecretName = "GITHUB_TOKEN"  # noqa: S105  it is a name
    """The stage's secret with the token, by its name; it must be allowed to write contents."""
    tag: TagTemplate = "v{version}"
    """The tag: {version} is 1.4.0+7, {public} is 1.4.0, {project} the project's name. It is made at
    the run's commit when the release is published, if it is not there yet."""
    heading: Template = "{project} {version}"
    """The title of the release; the same names may stand in it."""
    prerelease: bool | None = None
    """True: each release is marked as a pre-release, until a channel that is not in pre-channels
    gets it. None: versions such as 1.5.0rc1 are, and all at first if there are pre-channels."""
    pre_channels: tuple[str, ...] = ()
    """Channels whose releases are pre-releases here, such as ["beta"], as long as no other channel
    points at them."""
    authorities: Authorities | None = None
    """A PEM file with authorities to trust besides the usual ones, on the machine that publishes,
    by its absolute path."""

    @property
    def needed_secrets(self) -> tuple[str, ...]:
        """The token's name."""
        return (self.token,)
