"""What the ledger knows of the build of a release: all that its provenance says."""

from __future__ import annotations

from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

__all__ = ["BuildFacts", "Dependency", "StageFacts"]


class _Facts(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Dependency(_Facts):
    """Something that the build used, such as a lock file or an input."""

    name: str = ""
    """Its name in the build, such as requirements.txt."""
    uri: str = ""
    """Where it comes from. Empty: only its name and hash are known."""
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    media_type: str = ""


class StageFacts(_Facts):
    """One stage of the run."""

    name: str
    uses: str
    needs: tuple[str, ...] = ()
    """The stages whose artefacts it got."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """All its settings as in pipeline.toml; of secrets only their names: `settings_of`."""
    parameters: dict[str, Any] = Field(default_factory=dict)
    """What people answered at its gate, without secrets."""
    worker: str = ""
    fresh: bool = False
    """True: its worker was made for this build alone, and is gone after it."""
    tools: dict[str, str] = Field(default_factory=dict)
    """The versions of the tools that it used."""
    dependencies: tuple[Dependency, ...] = ()
    """Lock files, and what else went into it."""


class BuildFacts(_Facts):
    """A run, as the master knows it."""

    site: str = Field(pattern=r"^https?://[^/\s]+/$")
    """The site's URL."""
    slipway: str
    """The version of Slipway on the master."""
    project: str
    repository: str
    """Its repository as in pipeline.toml; a password in it is left out of the provenance."""
    revision: str
    branch: str
    version: str
    """The release's version."""
    run: int
    run_url: str
    """Where people see the run."""
    started_at: AwareDatetime
    finished_at: AwareDatetime
    stages: tuple[StageFacts, ...]
    """The stages whose artefacts are released, and all before them."""
    audit_head: str = ""
    """The hash of the audit trail's newest row."""
