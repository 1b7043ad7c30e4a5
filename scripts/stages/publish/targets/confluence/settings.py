"""Settings of the target `confluence`."""

from __future__ import annotations

from pathlib import PurePosixPath, PureWindowsPath
from string import Formatter
from typing import Annotated, ClassVar, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, StringConstraints, field_validator, model_validator

from slipway.model.kinds.environment import PLAIN
from slipway.model.kinds.release_target import Target
from slipway.model.site import is_loopback

__all__ = ["ConfluenceTarget"]

#: The name of a secret, not the secret.
_TOKEN = "CONFLUENCE_TOKEN"  # noqa: S105
_CLOUD = (".atlassian.net", ".jira.com")
_Title = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=PLAIN)]


class ConfluenceTarget(Target):
    """Pages of Confluence, Cloud or Data Center: one for each release, with its files attached."""

    runner: ClassVar[str] = (
        "slipway.scripts.stages.publish.targets.confluence.target:ConfluencePages"
    )

    can_remove: ClassVar[bool] = True

    kind: Literal["confluence"]
    url: Annotated[
        str, StringConstraints(pattern=r"^https?://[^\s/?#@]+[^\s?#@]*$", max_length=500)
    ]
    """Its address, such as "https://example.atlassian.net/wiki" or "https://wiki.example.org"."""
    edition: Literal["cloud", "data-center"] | None = None
    """Which Confluence it is. None: Cloud if the address ends in atlassian.net."""
    space: Annotated[str, StringConstraints(pattern=r"^~?[A-Za-z0-9_.:-]{1,255}$")]
    """The key of the space."""
    parent: _Title | None = None
    """The page under which the pages are made: its title, or its number. None: the space's top."""
    page_title: _Title = "{project} {version}"
    """The title of a release's page. It holds {version}; {project} is the project's name."""
    latest_title: _Title | None = Field(default=None, examples=["{project}: the latest release"])
    """The title of a page that shows the newest release and the channels. None: there is none."""
    account: (
        Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=r"^[^\s:]+$")] | None
    ) = None
    """Whose token it is: an e-mail address (Cloud), or a user's name whose password is the token
    (Data Center). None: the token is a personal access token (Data Center)."""
    token: Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]*$")] = _TOKEN
    """The name of the stage's secret with the API token, access token or password."""
    private: bool = True
    """Nobody but the account sees a page and its files until the release is whole, by restrictions
    of the page. False: for sites without restrictions, such as Cloud's free plan: files are seen
    while they arrive, on a page that does not have its name yet."""
    template: Annotated[str, StringConstraints(min_length=1, max_length=100_000)] | None = None
    """A Jinja template for the page of a release, in Confluence's storage format, instead of the
    built-in one. All it inserts is escaped. The how-to guide says what it may use."""
    authorities: str | None = None
    """A PEM file with authorities to trust besides the usual ones, on the machine that publishes,
    by its absolute path."""

    @property
    def needed_secrets(self) -> tuple[str, ...]:
        """The token."""
        return (self.token,)

    @property
    def is_cloud(self) -> bool:
        """True if it is Confluence Cloud."""
        host = urlsplit(self.url).hostname or ""
        return self.edition == "cloud" or (self.edition is None and host.endswith(_CLOUD))

    @property
    def base(self) -> str:
        """The address that all paths of its API are relative to; without a slash at its end."""
        base = self.url.rstrip("/")
        return f"{base}/wiki" if self.is_cloud and not base.endswith("/wiki") else base

    @field_validator("url")
    @classmethod
    def _kept_secret(cls, url: str) -> str:
        try:
            parts = urlsplit(url)
            host, _ = parts.hostname or "", parts.port
        except ValueError as error:
            msg = f'"{url}" is no address: {error}'
            raise ValueError(msg) from None
        if parts.scheme == "http" and not is_loopback(host):
            msg = f'"{url}" would send the token in the clear; write https://'
            raise ValueError(msg)
        return url

    @field_validator("page_title", "latest_title")
    @classmethod
    def _known_words(cls, title: str | None) -> str | None:
        try:
            fields = [one[1:] for one in Formatter().parse(title or "") if one[1] is not None]
        except ValueError as error:
            msg = f'"{title}" is no title: {error}'
            raise ValueError(msg) from None
        for name, form, conversion in fields:
            if name not in ("project", "version") or form or conversion:
                msg = f'"{title}" may hold {{project}} and {{version}}, and no other braces'
                raise ValueError(msg)
        return title

    @field_validator("authorities")
    @classmethod
    def _on_the_machine(cls, path: str | None) -> str | None:
        if path is None or PurePosixPath(path).is_absolute() or PureWindowsPath(path).is_absolute():
            return path
        msg = f'"{path}" is not absolute; write the path on the machine that publishes'
        raise ValueError(msg)

    @field_validator("template")
    @classmethod
    def _readable(cls, template: str | None) -> str | None:
        if template is not None:
            from jinja2 import TemplateSyntaxError
            from jinja2.sandbox import ImmutableSandboxedEnvironment

            try:
                ImmutableSandboxedEnvironment().parse(template)
            except TemplateSyntaxError as error:
                msg = f"line {error.lineno} of the template: {error.message}"
                raise ValueError(msg) from None
        return template

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if "{version}" not in self.page_title:
            msg = (
                f'page-title: "{self.page_title}" must hold '
                "{version}, as each release has a page of its own"
            )
            raise ValueError(msg)
        if self.latest_title is not None and "{version}" in self.latest_title:
            msg = (
                f'latest-title: "{self.latest_title}" stays the same for all releases; take '
                "{version} out"
            )
            raise ValueError(msg)
        if self.is_cloud and self.account is None:
            msg = "account: Confluence Cloud wants the e-mail address that its API token belongs to"
            raise ValueError(msg)
        return self
