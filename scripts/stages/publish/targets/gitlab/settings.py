"""Settings of the target `gitlab`."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from slipway.model.kinds.release_target import Target
from slipway.scripts.stages.publish.targets.http_settings import Authorities, SecretName, Url
from slipway.scripts.stages.publish.targets.release_text import TagTemplate, Template

__all__ = ["GitlabTarget"]


class GitlabTarget(Target):
    """A generic package and a release that links to its files, on gitlab.com or another GitLab."""

    runner: ClassVar[str] = "slipway.scripts.stages.publish.targets.gitlab.target:GitlabRelease"
    can_remove: ClassVar[bool] = True

    kind: Literal["gitlab"]
    project: str = Field(
        pattern=r"^([0-9]{1,18}|[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*){1,20})$",
        max_length=300,
        examples=["example/almanac"],
    )
    """The project, as "group/name" or by its number."""
    url: Url = "https://gitlab.com"
    """The server."""
    token: SecretName = "GITLAB_TOKEN"  # noqa: S105  it is a name
    """The stage's secret with the token, by its name."""
    token_kind: Literal["personal", "job", "deploy"] = "personal"  # noqa: S105  a kind of them
    """What the token is: "personal" for an access token of a person, a group or a project, with the
    scope api; "job" for one of a CI job; "deploy" for a deploy token, which can make no releases:
    it needs release = false."""
    package: str | None = Field(default=None, pattern=r"^[A-Za-z0-9._+-]{1,200}$")
    """The name of the package. None: the project's name here."""
    release: bool = True
    """False: only the package, and no release that links to its files."""
    tag: TagTemplate = "v{version}"
    """The tag: {version} is 1.4.0+7, {public} is 1.4.0, {project} the project's name. It is made at
    the run's commit with the release, if it is not there yet."""
    heading: Template = "{project} {version}"
    """The title of the release; the same names may stand in it."""
    authorities: Authorities | None = None
    """A PEM file with authorities to trust besides the usual ones, on the machine that publishes,
    by its absolute path."""

    @property
    def needed_secrets(self) -> tuple[str, ...]:
        """The token's name."""
        return (self.token,)

    @model_validator(mode="after")
    def _may_release(self) -> Self:
        if self.token_kind == "deploy" and self.release:  # noqa: S105  a kind of them
            msg = (
                "token-kind: a deploy token can make no release; write release = false, or give a "
                "token of another kind"
            )
            raise ValueError(msg)
        if self.token_kind == "deploy" and self.keep is not None:  # noqa: S105  a kind of them
            msg = (
                "keep: a deploy token can neither list packages nor delete one; leave keep out, or "
                "give a token of another kind"
            )
            raise ValueError(msg)
        return self
