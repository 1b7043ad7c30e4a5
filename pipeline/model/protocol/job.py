"""A job: everything `slipway stage` must know to do one stage of one run."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from slipway.model.environment import Environment
from slipway.model.git_names import check_repository, check_revision
from slipway.model.protocol.artefact_name import ArtefactName
from slipway.model.protocol.event import Role
from slipway.model.stage import AnyStage


class _JobPart(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


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
    local: bool = False
    """True: `slipway run` makes it from a working tree; its version has the local part "local"."""
    dirty: bool = False
    """True: the working tree has what no commit has."""


class Source(_JobPart):
    """Where the application's source comes from."""

    repository: Annotated[str, AfterValidator(check_repository)]
    """A git URL, or a path on the worker's machine."""
    revision: Annotated[str, AfterValidator(check_revision)]
    """The full commit hash."""


class Input(_JobPart):
    """An artefact of an earlier stage, already fetched and still to be checked by its hash."""

    stage: str
    uses: str
    name: ArtefactName
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


class Release(_JobPart):
    """What `publish` made of a run, as a deployment gets it."""

    version: str
    run: int
    revision: str
    inputs: tuple[Input, ...] = ()
    """Its artefacts; their paths are `../input/release/NAME` or `../input/previous/NAME`."""


class Deployment(_JobPart):
    """One release on its way to one environment."""

    number: int
    """Its id in the ledger."""
    name: str
    """The environment's name."""
    environment: Environment
    release: Release
    previous: Release | None = None
    """What runs there now, to be put back; None where nothing does."""
    parameters: dict[str, Any] = Field(default_factory=dict)
    """What the gate asked, by name."""
    secrets: dict[str, str] = Field(default_factory=dict, repr=False)
    """Parameters that are never stored and never shown, by name."""
    rollback: bool = False
    """True: a person goes back to an older release."""
    person: str = ""
    """Who opened the gate."""

    @property
    def inputs(self) -> tuple[Input, ...]:
        """The artefacts to fetch."""
        fetched = self.release.inputs
        if self.previous is not None and self.environment.deployer.needs_previous:
            fetched += self.previous.inputs
        return fetched


class Job(_JobPart):
    """One stage of one run, as a worker or a developer's machine gets it."""

    project: str
    name: str
    """The stage's name."""
    stage: AnyStage
    cell: str = ""
    """The cell's name, where the stage has several (a matrix, shards)."""
    shard: tuple[int, int] = (1, 1)
    """Which part of the stage this is, from 1, of how many."""
    run: RunFacts
    source: Source | None = None
    """What the current folder is made to hold first. None: it is taken as it is."""
    inputs: tuple[Input, ...] = ()
    answers: dict[str, str] = Field(default_factory=dict, repr=False)
    """What the stage's gate was answered, as environment variables; secrets among them."""
    secrets: tuple[str, ...] = ()
    """Which of the answers no output may show."""
    deployment: Deployment | None = None
    """What is deployed where; only `deploy` gets it."""
    records: tuple[StageRecord, ...] = ()
    """The run's stages so far; only `publish` gets them."""
    audit_head: str = ""
    """The hash of the audit trail's newest row; only `publish` gets it."""
    output: str
    """Folder for what the stage leaves, absolute; emptied before the stage starts."""
    cache: str
    """Folder of this machine for environments and downloads, absolute."""
    state: str
    """The site's state folder, absolute; relative publish folders lie in it."""
    worker: str = "this machine"
    """The worker's name, for the manifest."""

    @property
    def secret_values(self) -> tuple[str, ...]:
        """What no output may show."""
        given = tuple(self.answers[name] for name in self.secrets if name in self.answers)
        return given + (tuple(self.deployment.secrets.values()) if self.deployment else ())

    @property
    def fetched(self) -> tuple[Input, ...]:
        """Every artefact that is fetched for it, a deployment's too."""
        return self.inputs + (self.deployment.inputs if self.deployment else ())
