"""Services: what a status is called there, where it is sent, and what may be done with a token.

Sources: GitHub's OpenAPI description (github/rest-api-description, "repos/create-commit-status"),
GitLab's doc/api/commits.md and lib/api/commit_statuses.rb, the Swagger description of Gitea, which
Forgejo has kept ("repoCreateStatus").
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from slipway.notifiers.commit_status.notifier import Service
from slipway.notifiers.commit_status.statuses import Light, Status

__all__ = ["SERVICES", "ServiceFacts"]

_INSTEAD = "\N{REPLACEMENT CHARACTER}"
_MORE = "..."
#: GitHub and GitLab take no longer names of statuses.
_LONGEST_NAME = 255


@dataclass(frozen=True)
class ServiceFacts:
    """The facts of one service."""

    title: str
    lights: Mapping[Light, str]
    longest_text: int
    """Maximum number of characters of a description."""
    longest_url: int
    """Maximum number of characters of an address; a longer one is left out."""
    right: str
    """What a token needs, for error sentences."""
    is_gitlab: bool = False
    scheme: str = "Bearer"
    """What stands before the token in the header Authorization."""
    hides_missing: bool = False
    """True: that a commit is not there is an error of the server, which does not say so."""

    def headers(self, token: str) -> dict[str, str]:
        """Return the headers of all requests."""
        common = {"user-agent": "Slipway", "accept-encoding": "identity"}
        if self.is_gitlab:
            return common | {"accept": "application/json", "private-token": token}
        common["authorization"] = f"{self.scheme} {token}"
        if self.scheme == "Bearer":
            kind = "application/vnd.github+json"
            return common | {"accept": kind, "x-github-api-version": "2022-11-28"}
        return common | {"accept": "application/json"}

    def repository_path(self, repository: str) -> str:
        """Return the path of a repository below the API."""
        if self.is_gitlab:
            return f"/projects/{quote(repository, safe='')}"
        return f"/repos/{quote(repository)}"

    def status_path(self, repository: str, revision: str) -> str:
        """Return the path that takes statuses of a commit."""
        return f"{self.repository_path(repository)}/statuses/{quote(revision, safe='')}"

    def commit_path(self, repository: str, revision: str) -> str:
        """Return the path of a commit, where the answer to a status does not say that it lacks."""
        return f"{self.repository_path(repository)}/git/commits/{quote(revision, safe='')}"

    def body(self, status: Status) -> dict[str, Any]:
        """Return a status as the service takes it."""
        made = {
            "state": self.lights[status.light],
            "name" if self.is_gitlab else "context": _cut(status.context, _LONGEST_NAME),
            "description": _cut(status.text, self.longest_text),
        }
        if len(status.url) <= self.longest_url:
            made["target_url"] = status.url
        branch = status.branch
        # A name that was cut or cleaned for people is no branch there.
        if self.is_gitlab and 0 < len(branch) <= _LONGEST_NAME and _INSTEAD not in branch:
            made["ref"] = branch
        return made


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - len(_MORE)].rstrip() + _MORE


_GITEA = {
    Light.PENDING: "pending",
    Light.RUNNING: "pending",
    Light.GOOD: "success",
    Light.BAD: "failure",
    Light.STOPPED: "error",
}
_GITLAB = {
    Light.PENDING: "pending",
    Light.RUNNING: "running",
    Light.GOOD: "success",
    Light.BAD: "failed",
    Light.STOPPED: "canceled",
}
_OF_GITEA = ServiceFacts(
    title="Gitea",
    lights=_GITEA,
    longest_text=255,
    longest_url=2000,
    right="the scope write:repository, from a person who may write there",
    scheme="token",
    hides_missing=True,
)

SERVICES: Mapping[Service, ServiceFacts] = {
    Service.GITHUB: ServiceFacts(
        title="GitHub",
        lights=_GITEA,
        longest_text=140,
        longest_url=2000,
        right='the permission "Commit statuses: write" (a classic token: the scope repo:status)',
    ),
    Service.GITLAB: ServiceFacts(
        title="GitLab",
        lights=_GITLAB,
        longest_text=255,
        longest_url=255,
        right="the scope api and at least the role Developer",
        is_gitlab=True,
    ),
    Service.GITEA: _OF_GITEA,
    # It began as a copy of Gitea, and speaks the same API.
    Service.FORGEJO: replace(_OF_GITEA, title="Forgejo"),
}
