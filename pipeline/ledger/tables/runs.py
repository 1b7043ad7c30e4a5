"""Ledger tables of runs, stages, artefacts, releases, branches and polls.

They share a database with Buildbot's own tables.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from slipway.ledger.audit.recording import MACHINE, Audited, Trail
from slipway.ledger.tables.base import Base
from slipway.ledger.tables.stated import ReadOnly, Stated, state_column
from slipway.model.protocol.artefact_name import name_refusal
from slipway.model.states import RunState, StageState

__all__ = [
    "REVISION",
    "VERSION_TABLE",
    "Artefact",
    "Branch",
    "Poll",
    "Release",
    "Run",
    "StageResult",
]

#: The newest migration; readers do not open a ledger of another revision.
REVISION = "0012"
#: Separate from Buildbot's own version table, `alembic_version`.
VERSION_TABLE = "slipway_alembic_version"


def _decided(stage: Any, actor: str) -> bool:
    """Return whether a person asked for this attempt; automatic attempts are no decisions."""
    return actor != MACHINE and bool(stage.owner)


class Run(Audited, Stated, Base):
    """One execution of a project's pipeline for one revision."""

    __tablename__ = "slipway_run"
    __table_args__ = (
        UniqueConstraint("project", "number"),
        Index("ix_slipway_run_project_branch", "project", "branch"),
        Index("ix_slipway_run_state", "state"),
    )
    __trail__ = Trail(
        "run",
        project=lambda run: str(run.project),
        summary=lambda run: f"run {run.number}, {run.version} of {run.branch}",
        by_people=("state", "finished_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    project: Mapped[str] = mapped_column(String(40))
    number: Mapped[int]
    branch: Mapped[str] = mapped_column(String(255))
    revision: Mapped[str] = mapped_column(String(64))
    version: Mapped[str] = mapped_column(String(255))
    subject: Mapped[str] = mapped_column(Text, default="")
    author: Mapped[str] = mapped_column(String(255), default="")
    committed_at: Mapped[int] = mapped_column(BigInteger)
    trigger: Mapped[str] = mapped_column(String(20))
    """The trigger: poll, force, rerun."""
    owner: Mapped[str] = mapped_column(String(255), default="")
    reason: Mapped[str] = mapped_column(Text, default="")
    state: ReadOnly[RunState] = state_column(RunState)
    skips: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """Stages that `if-changed` skips in this run: `{stage: {"why": ..., "run": number}}`."""
    superseded_by: Mapped[int | None]
    """The number of the newer run that cancelled the stages this one had not begun."""
    pruned_at: Mapped[float | None]
    """Time at which its artefacts were deleted from the store."""
    started_at: Mapped[float]
    finished_at: Mapped[float | None]

    stages: Mapped[list[StageResult]] = relationship(
        back_populates="run", order_by="StageResult.id", cascade="all, delete-orphan"
    )
    releases: Mapped[list[Release]] = relationship(back_populates="run", order_by="Release.id")

    def entered(self, now: float) -> None:
        """Record the time at which it came to rest; waiting for people counts as rest."""
        at_rest = self.state != RunState.RUNNING
        self.finished_at = (self.finished_at or now) if at_rest else None


class StageResult(Audited, Stated, Base):
    """One attempt at one cell of a stage of a run. The newest attempt of a cell counts."""

    __tablename__ = "slipway_stage"
    __table_args__ = (
        UniqueConstraint("run_id", "name", "cell", "attempt"),
        Index("ix_slipway_stage_request", "request_id"),
        Index("ix_slipway_stage_state", "state"),
    )
    __trail__ = Trail(
        "stage",
        project=lambda stage: str(stage.run.project),
        summary=lambda stage: f"{stage.name} of run {stage.run.number}, attempt {stage.attempt}",
        # Not recorded in the audit trail: these come from the machine, not from people.
        silent=(
            *("uses", "buildset_id", "request_id", "build_id", "worker"),
            *("exit_code", "summary", "facts", "queued_at", "started_at", "finished_at"),
        ),
        counts=_decided,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("slipway_run.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(40))
    cell: Mapped[str] = mapped_column(String(60), default="")
    """The cell of a matrix or shard; empty for a stage with a single cell."""
    uses: Mapped[str] = mapped_column(String(20))
    attempt: Mapped[int] = mapped_column(default=1)
    state: ReadOnly[StageState] = state_column(StageState)
    tries: Mapped[int] = mapped_column(default=0)
    """Number of automatic retries since a person or the run asked for it."""
    stale: Mapped[bool] = mapped_column(default=False)
    """True: an earlier stage was run again "from here"; the attempt does not count any more."""
    rollback: Mapped[bool] = mapped_column(default=False)
    """True: a rollback to this older release. It never counts in the run's own state."""
    borrowed_id: Mapped[int | None] = mapped_column(
        ForeignKey("slipway_stage.id", ondelete="SET NULL")
    )
    """For a skipped stage: the attempt of an earlier run whose artefacts it uses."""
    owner: Mapped[str] = mapped_column(String(255), default="")
    buildset_id: Mapped[int | None]
    request_id: Mapped[int | None]
    """The id of Buildbot's build request."""
    build_id: Mapped[int | None]
    worker: Mapped[str] = mapped_column(String(50), default="")
    exit_code: Mapped[int | None]
    summary: Mapped[str] = mapped_column(Text, default="")
    facts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    queued_at: Mapped[float]
    started_at: Mapped[float | None]
    finished_at: Mapped[float | None]

    run: Mapped[Run] = relationship(back_populates="stages")
    borrowed: Mapped[StageResult | None] = relationship(remote_side="StageResult.id")
    artefacts: Mapped[list[Artefact]] = relationship(
        back_populates="stage", order_by="Artefact.id", cascade="all, delete-orphan"
    )

    def entered(self, now: float) -> None:
        """Record the time at which it was queued, began or ended."""
        if self.state == StageState.QUEUED:
            self.queued_at = now
        elif self.state == StageState.RUNNING:
            self.started_at, self.finished_at = now, None
        else:
            self.started_at, self.finished_at = self.started_at or now, now


class Artefact(Base):
    """A file that a stage produced; the store holds its bytes under its hash."""

    __tablename__ = "slipway_artefact"
    __table_args__ = (
        UniqueConstraint("stage_id", "name"),
        Index("ix_slipway_artefact_sha256", "sha256"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    stage_id: Mapped[int] = mapped_column(ForeignKey("slipway_stage.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(255))
    sha256: Mapped[str] = mapped_column(String(64))
    size: Mapped[int] = mapped_column(BigInteger)
    media_type: Mapped[str] = mapped_column(String(127))
    role: Mapped[str] = mapped_column(String(20))

    stage: Mapped[StageResult] = relationship(back_populates="artefacts")

    @validates("name")
    def _allowed(self, _key: str, name: str) -> str:
        """Refuse a name that could escape a folder on another machine."""
        if refusal := name_refusal(name):
            raise ValueError(refusal)
        return name


class Release(Audited, Base):
    """A release that `publish` made of a run."""

    __tablename__ = "slipway_release"
    __table_args__ = (UniqueConstraint("run_id", "place"),)
    __trail__ = Trail(
        "release",
        project=lambda release: str(release.run.project),
        summary=lambda release: f"release {release.version}",
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("slipway_run.id", ondelete="CASCADE"))
    version: Mapped[str] = mapped_column(String(255))
    place: Mapped[str] = mapped_column(String(1024))
    manifest_sha256: Mapped[str] = mapped_column(String(64))
    published_at: Mapped[float]
    artefacts: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    """Its contents: stage, cell, uses, name, sha256, size and media_type of each artefact."""
    audit_head: Mapped[str | None] = mapped_column(String(64))
    """The audit trail's head when it was published, as in its manifest."""

    run: Mapped[Run] = relationship(back_populates="releases")


class Branch(Base):
    """A branch that existed when its pattern was first polled, or the pattern itself."""

    __tablename__ = "slipway_branch"

    project: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(255), primary_key=True)
    revision: Mapped[str] = mapped_column(String(64), default="")
    """Its head at that time; empty for the pattern itself."""


class Poll(Base):
    """The result of the last poll of a project's repository."""

    __tablename__ = "slipway_poll"

    project: Mapped[str] = mapped_column(String(40), primary_key=True)
    began_at: Mapped[float | None]
    """None: recorded by an older version of Slipway."""
    polled_at: Mapped[float]
    """End time, in seconds since 1970."""
    runs: Mapped[list[int] | None] = mapped_column(JSON, default=list)
    """The numbers of the runs it started."""
    outcome: Mapped[str] = mapped_column(Text)
    """The result, a sentence for people."""
    failed: Mapped[bool]
