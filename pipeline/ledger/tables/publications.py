"""Ledger tables of publications: what each target has of a release."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from slipway.ledger.audit.recording import Audited, Trail
from slipway.ledger.tables.base import Base
from slipway.ledger.tables.runs import Release
from slipway.ledger.tables.stated import ReadOnly, Stated, state_column, text_enum
from slipway.model.states import FileState, PublicationState

__all__ = ["Publication", "PublishedFile"]


class Publication(Audited, Stated, Base):
    """A release on its way to a target, or there."""

    __tablename__ = "slipway_publication"
    __table_args__ = (
        UniqueConstraint("release_id", "target"),
        Index("ix_slipway_publication_stage", "stage_id"),
    )
    __trail__ = Trail(
        "publication",
        project=lambda one: str(one.release.run.project),
        summary=lambda one: f"release {one.release.version} at {one.target}",
        silent=("files", "started_at", "finished_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    release_id: Mapped[int] = mapped_column(ForeignKey("slipway_release.id", ondelete="CASCADE"))
    stage_id: Mapped[int | None] = mapped_column(
        ForeignKey("slipway_stage.id", ondelete="SET NULL")
    )
    """The attempt that brings it there, or was the last to do so."""
    target: Mapped[str] = mapped_column(String(40))
    """The target's name in the stage."""
    kind: Mapped[str] = mapped_column(String(40))
    state: ReadOnly[PublicationState] = state_column(PublicationState)
    place: Mapped[str] = mapped_column(Text, default="")
    """Where people find it: a path or an address. Empty: not known yet."""
    error: Mapped[str] = mapped_column(Text, default="")
    files: Mapped[int] = mapped_column(default=0)
    """The number of files of the release."""
    started_at: Mapped[float]
    finished_at: Mapped[float | None]

    release: Mapped[Release] = relationship()
    states: Mapped[list[PublishedFile]] = relationship(
        back_populates="publication", order_by="PublishedFile.id", cascade="all, delete-orphan"
    )

    def entered(self, now: float) -> None:
        """Record the time at which it began or ended."""
        if self.state == PublicationState.RUNNING:
            self.started_at, self.finished_at = now, None
        else:
            self.finished_at = now


class PublishedFile(Base):
    """A file of a release at a target. One without a row is absent there."""

    __tablename__ = "slipway_published_file"
    __table_args__ = (UniqueConstraint("publication_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    publication_id: Mapped[int] = mapped_column(
        ForeignKey("slipway_publication.id", ondelete="CASCADE")
    )
    name: Mapped[str] = mapped_column(String(255))
    sha256: Mapped[str] = mapped_column(String(64))
    reached: Mapped[FileState] = mapped_column(text_enum(FileState, 10))
    """The furthest state that was told of it."""

    publication: Mapped[Publication] = relationship(back_populates="states")
