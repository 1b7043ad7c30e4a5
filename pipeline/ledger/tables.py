"""The ledger's tables, beside Buildbot's own in the same database."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, MetaData, String, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """What all tables of the ledger are; their names start with `slipway_`."""

    metadata = MetaData(naming_convention=_NAMES)


class Run(Base):
    """One trip of one revision through a project's pipeline."""

    __tablename__ = "slipway_run"
    __table_args__ = (
        UniqueConstraint("project", "number"),
        Index("ix_slipway_run_project_branch", "project", "branch"),
        Index("ix_slipway_run_state", "state"),
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
    """What started it: poll, force."""
    owner: Mapped[str] = mapped_column(String(255), default="")
    reason: Mapped[str] = mapped_column(Text, default="")
    state: Mapped[str] = mapped_column(String(20), default="running")
    """running, waiting (only gates are left), passed, failed, cancelled."""
    started_at: Mapped[float]
    finished_at: Mapped[float | None]

    stages: Mapped[list[StageResult]] = relationship(
        back_populates="run", order_by="StageResult.id", cascade="all, delete-orphan"
    )
    releases: Mapped[list[Release]] = relationship(back_populates="run", order_by="Release.id")


class StageResult(Base):
    """One attempt at one stage of a run. The newest attempt of a stage counts."""

    __tablename__ = "slipway_stage"
    __table_args__ = (
        UniqueConstraint("run_id", "name", "attempt"),
        Index("ix_slipway_stage_request", "request_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("slipway_run.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(40))
    uses: Mapped[str] = mapped_column(String(20))
    attempt: Mapped[int] = mapped_column(default=1)
    state: Mapped[str] = mapped_column(String(20), default="queued")
    """gate (waits for a person), queued, running, passed, failed, cancelled."""
    owner: Mapped[str] = mapped_column(String(255), default="")
    buildset_id: Mapped[int | None]
    request_id: Mapped[int | None]
    """Buildbot's build request."""
    build_id: Mapped[int | None]
    worker: Mapped[str] = mapped_column(String(50), default="")
    exit_code: Mapped[int | None]
    summary: Mapped[str] = mapped_column(Text, default="")
    facts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    queued_at: Mapped[float]
    started_at: Mapped[float | None]
    finished_at: Mapped[float | None]

    run: Mapped[Run] = relationship(back_populates="stages")
    artefacts: Mapped[list[Artefact]] = relationship(
        back_populates="stage", order_by="Artefact.id", cascade="all, delete-orphan"
    )


class Artefact(Base):
    """A file that a stage left; its bytes lie in the store under its hash."""

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


class Release(Base):
    """What `publish` made of a run."""

    __tablename__ = "slipway_release"
    __table_args__ = (UniqueConstraint("run_id", "place"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("slipway_run.id", ondelete="CASCADE"))
    version: Mapped[str] = mapped_column(String(255))
    place: Mapped[str] = mapped_column(String(1024))
    manifest_sha256: Mapped[str] = mapped_column(String(64))
    published_at: Mapped[float]

    run: Mapped[Run] = relationship(back_populates="releases")


class Poll(Base):
    """What the last look at a project's repository found."""

    __tablename__ = "slipway_poll"

    project: Mapped[str] = mapped_column(String(40), primary_key=True)
    polled_at: Mapped[float]
    outcome: Mapped[str] = mapped_column(Text)
    """A sentence for people."""
    failed: Mapped[bool]
