"""Settings of the notifier `commit-status`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from slipway.model.duration import Duration
from slipway.model.kinds.notice import Notifier
from slipway.model.notices.events import Event
from slipway.model.secrets.location import SecretPlace
from slipway.notifiers.addresses import check_address
from slipway.notifiers.trust import lacking_authorities

__all__ = ["RUN_EVENTS", "CommitStatusNotifier", "Service"]


class Service(StrEnum):
    """What speaks the API."""

    GITHUB = "github"
    """github.com, or a GitHub Enterprise server."""
    GITLAB = "gitlab"
    """gitlab.com, or another GitLab."""
    GITEA = "gitea"
    FORGEJO = "forgejo"
    """Forgejo, such as codeberg.org."""


#: The API where pipeline.toml names none; Gitea and Forgejo are anybody's.
_URLS = {Service.GITHUB: "https://api.github.com", Service.GITLAB: "https://gitlab.com/api/v4"}
_OWNED = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}/[A-Za-z0-9._-]{1,100}")
_PART = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"
_PROJECT = re.compile(rf"[0-9]{{1,18}}|{_PART}(/{_PART}){{1,20}}")
#: The events that tell how a run ended.
RUN_EVENTS = (
    Event.RUN_PASSED,
    Event.RUN_FAILED,
    Event.RUN_FIXED,
    Event.RUN_STILL_FAILING,
    Event.RUN_CANCELLED,
)


class CommitStatusNotifier(Notifier):
    """Tell GitHub, GitLab, Gitea or Forgejo the state of each stage, and of the run, at its commit.

    Of the states of a stage that wait to be told only the latest is. What is above
    `most-a-minute` waits, and becomes no digest.
    """

    runner: ClassVar[str] = "slipway.notifiers.commit_status.sender:CommitStatusSender"
    latest_only: ClassVar[bool] = True
    default_events: ClassVar[tuple[Event, ...]] = (Event.STAGE_CHANGED, *RUN_EVENTS)

    kind: Literal["commit-status"]
    service: Service
    """One of "github", "gitlab", "gitea" and "forgejo"."""
    repository: str = Field(max_length=300, examples=["example/almanac"])
    """The repository, as "owner/name"; at GitLab also in groups of groups, or by its number."""
    token: SecretPlace
    """A token that may write statuses of commits there."""
    url: str = Field(default="", max_length=2000, examples=["https://codeberg.org/api/v1"])
    """The address of the API. https:// unless it is this machine. Empty: that of github.com or
    gitlab.com; a GitHub Enterprise server has https://HOST/api/v3, a GitLab https://HOST/api/v4,
    Gitea and Forgejo https://HOST/api/v1."""
    context: str = Field(default="slipway", pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._/-]{0,49}$")
    """What the statuses are called: the run's so, a stage's with a stroke and its name."""
    authorities: str | None = None
    """A PEM file with the certificate authorities to trust in place of the system's; relative to
    the folder of pipeline.toml."""
    timeout: Duration = 20
    """How long the server may take for an answer."""
    most_a_minute: int = Field(default=60, ge=1, le=100_000)
    """So many notices are sent a minute; what is above waits. GitHub wants at most 80 statuses a
    minute from anybody."""

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        if not url:
            return url
        if "?" in url or "#" in url:
            msg = 'is no address of an API; write one such as "https://codeberg.org/api/v1"'
            raise ValueError(msg)
        return check_address(url, "https://codeberg.org/api/v1", "token").rstrip("/")

    @field_validator("events")
    @classmethod
    def _are_states(cls, events: tuple[Event, ...]) -> tuple[Event, ...]:
        for one in events:
            if one not in cls.default_events:
                msg = f'"{one}" has no status; allowed are {", ".join(cls.default_events)}'
                raise ValueError(msg)
        return events

    @model_validator(mode="after")
    def _fits_the_service(self) -> Self:
        pattern = _PROJECT if self.service is Service.GITLAB else _OWNED
        if not pattern.fullmatch(self.repository) or ".." in self.repository:
            msg = f'repository: "{self.repository}" is none; write "owner/name"'
            raise ValueError(msg)
        if not self.url and self.service not in _URLS:
            msg = f'url: write where {self.service} is, such as "https://codeberg.org/api/v1"'
            raise ValueError(msg)
        if not self.projects:
            msg = "projects: name the project that is built from this repository"
            raise ValueError(msg)
        if self.digest:
            msg = "digest: a status tells one commit's state and cannot be a digest; take it out"
            raise ValueError(msg)
        return self

    @property
    def api(self) -> str:
        """The address of the API, without a stroke at its end."""
        return self.url or _URLS[self.service]

    def problems(self, folder: Path) -> Iterator[str]:
        """Yield a sentence if the file of authorities cannot be read."""
        yield from lacking_authorities(self.authorities, folder)
