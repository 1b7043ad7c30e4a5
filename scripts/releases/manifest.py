"""Build and read release.json: revision, artefacts, stages and origin of a release."""

from __future__ import annotations

import errno
import json
import os
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from slipway.model.errors import WrongInput
from slipway.model.protocol.job import Job, StageRecord
from slipway.scripts.humanize import plain_name, utc
from slipway.scripts.opened_files import open_plain

__all__ = [
    "MANIFEST",
    "PAGE",
    "SUMS",
    "VERSION",
    "Artefact",
    "FileName",
    "Hash",
    "Manifest",
    "ReleaseFile",
    "StageResult",
    "make",
    "read",
]

MANIFEST = "release.json"
SUMS = "SHA256SUMS"
PAGE = "index.html"
VERSION = 1
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
    committed_at: datetime
    published_at: datetime
    worker: str = ""
    """The machine that published it."""
    artefacts: tuple[Artefact, ...] = Field(min_length=1)
    pages: tuple[ReleaseFile, ...] = ()
    """Files for people, beside the artefacts."""
    stages: tuple[StageResult, ...] = ()
    audit_head: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] = ""
    """The hash of the newest row of the site's audit trail: an earlier row cannot be changed
    without contradicting this release. Empty: it was made without a master.
    """

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
        audit_head=job.audit_head,
    )


def _result(record: StageRecord) -> StageResult:
    return StageResult(**record.model_dump())


def _text(path: Path) -> str:
    """Read a plain file without blocking: the publisher may have put a pipe or a device there."""
    with os.fdopen(open_plain(Path(os.path.realpath(path.parent)), (path.name,)), "rb") as stream:
        data = stream.read(_LONGEST + 1)
    if len(data) > _LONGEST:
        raise OSError(errno.EFBIG, f"it is longer than {_LONGEST} bytes")
    return data.decode("utf-8")


def read(path: Path) -> Manifest:
    """Read a release.json of this or an older Slipway.

    Raises:
        WrongInput: It is missing, not JSON (with the line), or not a manifest (with the key).
    """
    try:
        content = json.loads(_text(path))
    except FileNotFoundError:
        msg = f"{path} is missing"
        raise WrongInput(msg) from None
    except UnicodeDecodeError as error:
        msg = f"{path}: is not UTF-8 at byte {error.start}"
        raise WrongInput(msg) from None
    except json.JSONDecodeError as error:
        msg = f"{path}:{error.lineno}: is not readable as JSON: {error.msg}"
        raise WrongInput(msg) from None
    except (RecursionError, ValueError):
        # Nested too deeply, or a number with thousands of digits.
        msg = f"{path}: is not readable as JSON: it is no manifest"
        raise WrongInput(msg) from None
    except OSError as error:
        msg = f"{path} cannot be read: {error.strerror}"
        raise WrongInput(msg) from None
    try:
        return Manifest.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the whole file"
        more = f" (in all {error.error_count()} errors)" if error.error_count() > 1 else ""
        msg = f"{path}: {where}: {first['msg']}{more}"
        raise WrongInput(msg) from None
