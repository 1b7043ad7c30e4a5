"""Job: all data that `slipway stage` needs to run one stage of one run."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from slipway.model.git_names import check_repository, check_revision
from slipway.model.kinds.environment import Environment
from slipway.model.kinds.stage import AnyStage
from slipway.model.protocol.artefact_name import ArtefactName, name_problem
from slipway.model.protocol.event import Role

__all__ = [
    "Deployment",
    "Input",
    "Job",
    "MadePointers",
    "MadeRelease",
    "PointerFile",
    "Release",
    "ReleaseNotes",
    "RunFacts",
    "Source",
    "StageRecord",
]


class _JobPart(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class RunFacts(_JobPart):
    """The run that a stage belongs to."""

    number: int
    revision: str
    """The full commit hash; empty if the project is not a git repository."""
    branch: str
    committed_at: int
    """Time of the commit in seconds since 1970; becomes SOURCE_DATE_EPOCH."""
    version: str
    """The release's version, such as 1.4.0+7."""
    subject: str = ""
    """The first line of the commit's message."""
    author: str = ""
    local: bool = False
    """True: made by `slipway run` from a working tree; the version has the local part "local"."""
    dirty: bool = False
    """True: the working tree has uncommitted changes."""


class Source(_JobPart):
    """The source of the application."""

    repository: Annotated[str, AfterValidator(check_repository)]
    """A git URL, or a path on the worker's machine."""
    revision: Annotated[str, AfterValidator(check_revision)]
    """The full commit hash."""


class Input(_JobPart):
    """An artefact of an earlier stage, fetched already, whose hash is still to be verified."""

    stage: str
    uses: str
    name: ArtefactName
    path: str
    """Its path, absolute or relative to the current folder."""
    sha256: str
    size: int
    media_type: str = "application/octet-stream"
    role: Role = "product"


class StageRecord(_JobPart):
    """Result of an earlier stage of the run, for the release's manifest."""

    stage: str
    uses: str
    state: str
    summary: str = ""
    facts: dict[str, Any] = Field(default_factory=dict)
    worker: str = ""
    seconds: float = 0.0


class Release(_JobPart):
    """A release that `publish` made, for a deployment."""

    version: str
    run: int
    revision: str
    inputs: tuple[Input, ...] = ()
    """Its artefacts; their paths are `../input/release/NAME` or `../input/previous/NAME`."""


def _check_path(path: str) -> str:
    for part in path.split("/"):
        if problem := name_problem(part):
            msg = f'"{path}" {problem}'
            raise ValueError(msg)
    return path


class PointerFile(_JobPart):
    """A file beside the releases, such as a page, a feed or a channel's pointer."""

    path: Annotated[str, AfterValidator(_check_path)]
    """Where it belongs, from the project's folder on, such as channels/beta.json."""
    file: Input
    """Its bytes; its path is `../input/pointers/NUMBER`."""


class MadePointers(_JobPart):
    """What the master has rendered beside the releases, for targets that can have it."""

    latest: str
    """The version that `latest` stands for. Empty: none."""
    channels: dict[str, str]
    """The version of each channel."""
    files: tuple[PointerFile, ...]


class ReleaseNotes(_JobPart):
    """What has changed since an earlier release."""

    since: str
    """The version of that release. Empty: there is none."""
    channel: str
    text: str
    """The notes, in Markdown."""


class MadeRelease(_JobPart):
    """The release that the master has made of the run, for `publish` to bring to its targets."""

    manifest_sha256: str
    """The hash of its release.json."""
    files: tuple[Input, ...] = ()
    """All of its files, release.json last; their paths are `../input/release/NAME`. Empty: the
    stage has no targets."""
    pointers: MadePointers | None = None
    """What lies beside the releases. None: the stage has no targets."""

    @property
    def fetched(self) -> tuple[Input, ...]:
        """All files to fetch."""
        beside = self.pointers.files if self.pointers else ()
        return self.files + tuple(one.file for one in beside)


class Deployment(_JobPart):
    """A deployment of a release to an environment."""

    number: int
    """Its id in the ledger."""
    name: str
    """The environment's name."""
    environment: Environment
    release: Release
    previous: Release | None = None
    """The current release, for a rollback after a failure; None if there is none."""
    parameters: dict[str, Any] = Field(default_factory=dict)
    """The values of the gate's parameters, by name."""
    secrets: dict[str, str] = Field(default_factory=dict, repr=False)
    """The values of secret parameters, by name; never stored or displayed."""
    rollback: bool = False
    """True: a person rolls back to an older release."""
    person: str = ""
    """The person who opened the gate."""

    @property
    def inputs(self) -> tuple[Input, ...]:
        """The artefacts to fetch."""
        fetched = self.release.inputs
        if self.previous is not None and self.environment.deployer.needs_previous:
            fetched += self.previous.inputs
        return fetched


class Job(_JobPart):
    """One stage of one run, for a worker or a developer's machine."""

    project: str
    name: str
    """The stage's name."""
    stage: AnyStage
    cell: str = ""
    """The cell's name, if the stage has several (a matrix, shards)."""
    shard: tuple[int, int] = (1, 1)
    """The number of the shard, from 1, and the number of shards."""
    run: RunFacts
    source: Source | None = None
    """The source to check out into the current folder. None: use the folder as it is."""
    inputs: tuple[Input, ...] = ()
    answers: dict[str, str] = Field(default_factory=dict, repr=False)
    """The values of the gate's parameters as environment variables, including secrets."""
    secrets: tuple[str, ...] = ()
    """The names of the answers that must be masked in all output."""
    deployment: Deployment | None = None
    """The deployment; only for `deploy`."""
    release: MadeRelease | None = None
    """The release; only for `publish`, whose `inputs` are empty then. None: it is still to be made
    of the inputs, as in `slipway run`."""
    notes: ReleaseNotes | None = None
    """What has changed; only for `publish`. None: nobody knows."""
    protected: tuple[str, ...] | None = None
    """The versions that no target may remove: those that environments run or ran before, that
    channels point at, and blocked ones; only for `publish`. None: nobody has said; then none is."""
    records: tuple[StageRecord, ...] = ()
    """The results of the run's earlier stages; only for `publish`."""
    audit_head: str = ""
    """The hash of the audit trail's newest row; only for `publish`."""
    output: str
    """Absolute path of the folder for artefacts; emptied before the stage starts."""
    cache: str
    """Absolute path of this machine's folder for environments and downloads."""
    state: str
    """Absolute path of the site's state folder, the base of relative publish folders."""
    worker: str = "this machine"
    """The worker's name, for the manifest."""

    @property
    def secret_values(self) -> tuple[str, ...]:
        """The values that must be masked in all output."""
        given = tuple(self.answers[name] for name in self.secrets if name in self.answers)
        return given + (tuple(self.deployment.secrets.values()) if self.deployment else ())

    @property
    def fetched(self) -> tuple[Input, ...]:
        """All files to fetch, including those of a release and of a deployment."""
        fetched = self.inputs + (self.release.fetched if self.release else ())
        return fetched + (self.deployment.inputs if self.deployment else ())
