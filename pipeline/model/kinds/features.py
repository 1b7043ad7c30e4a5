"""Settings of the features stage, shared with pyproject.toml and the command line."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from slipway.model.base import Part
from slipway.model.duration import Duration

__all__ = ["FeatureKeys", "FeatureProject", "Size", "layered"]

Size = Annotated[str, Field(pattern=r"^[1-9][0-9]{1,4}x[1-9][0-9]{1,4}$", examples=["1280x900"])]


class FeatureKeys(Part):
    """Every key may be left out: the next place is asked, and at last there is a default.

    The places, the first that says something wins: the command line, the stage in pipeline.toml,
    the profile, [tool.slipway.features] of the project's pyproject.toml.
    """

    base_url: str | None = Field(default=None, pattern=r"^https?://[^\s]+$")
    """URL of a running application, such as a staging system. None: `command` starts one."""
    command: tuple[str, ...] | None = None
    """Starts the application: an argument list, in which {port}, {host}, {url}, {token},
    {database}, {database:NAME}, {postgresql} and {postgresql:NAME} are replaced. "python" is the
    application's own."""
    health: str | None = Field(default=None, pattern=r"^/")
    """The path that answers once the application is ready. Default: "/"."""
    token_path: str | None = Field(default=None, pattern=r"^/")
    """The path that answers with $SLIPWAY_TOKEN. None: the listening process must be ours."""
    patience: Duration | None = None
    """Maximum duration of the application's start. Default: 60 seconds."""
    application_env: dict[str, str] = Field(default_factory=dict)
    """Environment variables for the application; placeholders are replaced as in `command`."""
    browser: Literal["chromium", "firefox"] | None = None
    """The browser for @javascript. Default: chromium."""
    headless: bool | None = None
    """False: the browser can be seen. Default: true."""
    window_size: Size | None = None
    """The browser's window, in pixels. Default: 1280x900."""
    grid_url: str | None = Field(default=None, pattern=r"^https?://[^\s]+$")
    """A Selenium Grid; with it @javascript runs there."""
    without_browser: Literal["fail", "skip"] | None = None
    """Result of @javascript scenarios on a machine without a browser. Default: fail."""
    trust_any_certificate: bool | None = None
    """True: base-url may have an untrusted certificate, such as a self-signed one.
    Default: false."""
    desktop: tuple[str, ...] | None = None
    """Starts the desktop program for @desktop: an argument list, in which {folder} (a fresh folder
    for each start), {database}, {database:NAME} and {frozen} (what a needed `freeze` stage left)
    are replaced. "python" is the application's own."""
    desktop_env: dict[str, str] = Field(default_factory=dict)
    """Environment variables for the desktop program; placeholders as in `desktop`."""
    tags: tuple[str, ...] | None = None
    """Tag expressions, old spelling or new; all of them must hold."""
    paths: tuple[str, ...] | None = None
    """Feature files and folders. Default: behave's own."""
    jobs: int | None = Field(default=None, ge=1, le=64)
    """Processes side by side. Default: the number of cores where `command` starts an application
    for each, else 1."""
    retries: int | None = Field(default=None, ge=0, le=10)
    """Number of retries of a failed scenario; if one passes, it is flaky. Default: 0."""
    max_failures: int | None = Field(default=None, ge=1)
    """Stop after so many failed scenarios. Default: no limit."""
    step_timeout: Duration | None = None
    """Maximum duration of one step; then the run is ended. Default: 5 minutes."""
    define: dict[str, str] = Field(default_factory=dict)
    """The values of behave's -D: `context.config.userdata`."""

    @field_validator("command", "desktop")
    @classmethod
    def _a_program(cls, command: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if command is not None and (not command or not command[0]):
            msg = "the command is empty; write the program and its arguments"
            raise ValueError(msg)
        return command


class FeatureProject(FeatureKeys):
    """[tool.slipway.features] of a project's pyproject.toml."""

    profiles: dict[str, FeatureKeys] = Field(default_factory=dict)
    """Other values under a name: `slipway features --profile NAME`."""


def layered(*places: FeatureKeys) -> FeatureKeys:
    """Merge the keys of several places; the first place that sets a key wins; tables are merged."""
    merged: dict[str, object] = {}
    for place in reversed(places):
        for name in place.model_fields_set & set(FeatureKeys.model_fields):
            value = getattr(place, name)
            if value is None:
                # A job's JSON contains every key; None means that it is not set here.
                continue
            before = merged.get(name)
            both = isinstance(value, dict) and isinstance(before, dict)
            merged[name] = {**before, **value} if both else value  # type: ignore[dict-item]
    # A command in a nearer place replaces the base URL of a farther one, and vice versa.
    return FeatureKeys.model_validate(_without_the_other_target(merged, places))


def _without_the_other_target(
    merged: dict[str, object], places: tuple[FeatureKeys, ...]
) -> dict[str, object]:
    for place in places:
        if place.base_url or place.command:
            other = "command" if place.base_url else "base_url"
            return {name: value for name, value in merged.items() if name != other}
    return merged
