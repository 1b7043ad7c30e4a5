"""Build and read release.json: revision, artefacts, stages and origin of a release."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from slipway.model.errors import WrongInput
from slipway.model.protocol.job import Job, StageRecord
from slipway.scripts.humanize import plain_name, utc
from slipway.scripts.releases.strict_json import explain, parse, read_small

__all__ = [
    "KEYS",
    "MANIFEST",
    "PAGE",
    "PROVENANCE",
    "RESERVED",
    "SIGNATURE",
    "SUMS",
    "VERSION",
    "Artefact",
    "FileName",
    "Hash",
    "Manifest",
    "Notes",
    "ReleaseFile",
    "StageResult",
    "make",
    "read",
]

MANIFEST = "release.json"
SUMS = "SHA256SUMS"
PAGE = "index.html"
VERSION = 1
#: The public keys of the site that signed.
KEYS = "keys.json"
#: What the name of a detached signature ends with: 64 bytes, as `openssl pkeyutl` reads them.
SIGNATURE = ".sig"
#: What the name of an artefact's provenance ends with, after the artefact's own.
PROVENANCE = ".intoto.jsonl"
#: Names, besides those above, that a release may need itself.
RESERVED = (
    KEYS,
    f"{MANIFEST}{SIGNATURE}",
    f"{SUMS}{SIGNATURE}",
    f"{SUMS}.asc",
    f"{SUMS}.sigstore.json",
)
#: Largest size of a manifest, in bytes.
_LONGEST = 64_000_000

Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


def _safe(name: str) -> str:
    # An untrusted manifest must not lead a check or a download to another folder.
    try:
        return plain_name(name, "the name")
    except WrongInput as error:
        raise ValueError(str(error)) from None


FileName = Annotated[str, AfterValidator(_safe)]


class _Part(BaseModel):
    # Unknown fields are ignored, so that an older Slipway can verify releases of a newer one.
    model_config = ConfigDict(frozen=True, extra="ignore")


class ReleaseFile(_Part):
    """A file of the release for people, such as its page."""

    name: FileName
    size: int = Field(ge=0)
    sha256: Hash


class Artefact(ReleaseFile):
    """A released file."""

    media_type: str = "application/octet-stream"
    stage: str = ""
    """The stage that made it."""


class StageResult(_Part):
    """The outcome of one stage of the run."""

    stage: str
    uses: str = ""
    state: str
    seconds: float = 0.0
    worker: str = ""
    summary: str = ""
    facts: dict[str, Any] = Field(default_factory=dict)


class Notes(_Part):
    """What has changed since an earlier release."""

    since: str = ""
    """The version of that release. Empty: there is none."""
    channel: str = ""
    """The channel whose last release that is. Empty: the project has no channels."""
    text: str = ""
    """The notes, in Markdown; a person may have edited them."""


class Manifest(_Part):
    """The content of release.json."""

    schema_version: int = Field(default=VERSION, ge=1)
    product: Literal["slipway"] = "slipway"
    project: FileName
    version: FileName
    revision: str
    branch: str = ""
    subject: str = ""
    author: str = ""
    run: int
    local: bool = False
    """True: `slipway run` made it from a working tree; no site knows of it."""
    dirty: bool = False
    """True: that working tree had uncommitted changes, which the revision does not describe."""
    committed_at: AwareDatetime
    published_at: AwareDatetime
    worker: str = ""
    """The machine that published it."""
    artefacts: tuple[Artefact, ...] = Field(min_length=1)
    pages: tuple[ReleaseFile, ...] = ()
    """Files for people, beside the artefacts."""
    evidence: tuple[ReleaseFile, ...] = ()
    """Files that prove where it comes from: provenance, public keys, signatures of SHA256SUMS."""
    key: Annotated[str, Field(pattern=r"^(sha256:[0-9a-f]{64})?$")] = ""
    """The fingerprint of the key that signed this manifest. Empty: nobody did."""
    stages: tuple[StageResult, ...] = ()
    notes: Notes | None = None
    """What has changed. None: an older Slipway made the release, or there is no git repository."""
    audit_head: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] = ""
    """The hash of the newest row of the site's audit trail: an earlier row cannot be changed
    without contradicting this release. Empty: it was made without a master.
    """

    @model_validator(mode="after")
    def _names_each_once(self) -> Self:
        # Two facts of one file: of one of them nothing would be checked.
        names = [one.name for one in (*self.artefacts, *self.pages, *self.evidence)]
        if len(set(names)) != len(names):
            twice = next(name for name in names if names.count(name) > 1)
            msg = f"it names {twice!r} twice"
            raise ValueError(msg)
        return self

    def text(self) -> str:
        """Return the manifest as JSON text; equal content gives equal text."""
        return self.model_dump_json(indent=2) + "\n"

    def sums(self) -> str:
        """Return the content of SHA256SUMS, in the format of `sha256sum -c`."""
        return "".join(f"{one.sha256}  {one.name}\n" for one in self.artefacts)

    def same_release(self, other: Manifest) -> bool:
        """Return True if both release the same files of the same commit."""
        return _content(self) == _content(other)


def _content(manifest: Manifest) -> object:
    files = sorted((one.name, one.size, one.sha256) for one in manifest.artefacts)
    return manifest.project, manifest.version, manifest.revision, files


def make(job: Job, artefacts: tuple[Artefact, ...], published_at: float) -> Manifest:
    """Build the manifest of a release from its run."""
    run = job.run
    return Manifest(
        project=job.project,
        version=run.version,
        revision=run.revision,
        branch=run.branch,
        subject=run.subject,
        author=run.author,
        run=run.number,
        local=run.local,
        dirty=run.dirty,
        committed_at=utc(run.committed_at),
        published_at=utc(published_at),
        worker=job.worker,
        artefacts=artefacts,
        stages=tuple(_result(record) for record in job.records),
        notes=Notes(**job.notes.model_dump()) if job.notes else None,
        audit_head=job.audit_head,
    )


def _result(record: StageRecord) -> StageResult:
    return StageResult(**record.model_dump())


def read(path: Path) -> Manifest:
    """Read a release.json of this or an older Slipway.

    Raises:
        WrongInput: It is missing, not JSON (with the line), or not a manifest (with the key).
    """
    content = parse(read_small(path.parent, path.name, _LONGEST), str(path))
    return explain(Manifest, content, str(path))
