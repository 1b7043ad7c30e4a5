"""A job: everything `slipway stage` must know to do one stage of one run."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from slipway.model.event import Role
from slipway.model.stage import AnyStage


class _JobPart(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RunFacts(_JobPart):
    """The run a stage belongs to."""

    number: int
    revision: str
    """The full commit hash; empty when the project is no git repository."""
    branch: str
    committed_at: int
    """The commit's time, seconds since 1970: SOURCE_DATE_EPOCH of everything built from it."""
    version: str
    """The release's version, such as 1.4.0+7."""
    subject: str = ""
    """The first line of the commit's message."""
    author: str = ""


class Source(_JobPart):
    """Where the application's source comes from."""

    repository: str
    """Any git URL, or a path on the worker's machine."""
    revision: str


class Input(_JobPart):
    """An artefact of an earlier stage, already fetched and still to be checked by its hash."""

    stage: str
    uses: str
    name: str
    path: str
    """Where it lies, relative to the current folder or absolute."""
    sha256: str
    size: int
    media_type: str = "application/octet-stream"
    role: Role = "product"


class StageRecord(_JobPart):
    """What an earlier stage of the run said of itself, for the release's manifest."""

    stage: str
    uses: str
    state: str
    summary: str = ""
    facts: dict[str, Any] = Field(default_factory=dict)
    worker: str = ""
    seconds: float = 0.0


class Job(_JobPart):
    """One stage of one run, as a worker or a developer's machine gets it."""

    project: str
    name: str
    """The stage's name."""
    stage: AnyStage
    run: RunFacts
    source: Source | None = None
    """What the current folder is made to hold first. None: it is taken as it is."""
    inputs: tuple[Input, ...] = ()
    records: tuple[StageRecord, ...] = ()
    """The run's stages so far; only `publish` gets them."""
    output: str
    """Folder for what the stage leaves, absolute; emptied before the stage starts."""
    cache: str
    """Folder of this machine for environments and downloads, absolute."""
    state: str
    """The site's state folder, absolute; relative publish folders lie in it."""
    worker: str = "this machine"
    """The worker's name, for the manifest."""
