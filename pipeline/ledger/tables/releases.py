"""Ledger tables of what is decided on releases: channels, and blocks."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from slipway.ledger.audit.recording import Audited, Trail
from slipway.ledger.tables.base import Base
from slipway.ledger.tables.runs import Release

__all__ = ["ChannelMove", "ReleaseBlock"]


class ChannelMove(Audited, Base):
    """A release that reached a channel. The last one that is not blocked is what it points at.

    Rows are only inserted: so a channel falls back when a release is blocked, and returns when the
    block ends, without anybody moving it.
    """

    __tablename__ = "slipway_channel_move"
    __table_args__ = (Index("ix_slipway_channel_move_channel", "project", "channel"),)
    __trail__ = Trail(
        "channel",
        project=lambda move: str(move.project),
        summary=lambda move: f"{move.channel} of {move.project}: {move.release.version}",
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    project: Mapped[str] = mapped_column(String(40))
    channel: Mapped[str] = mapped_column(String(40))
    release_id: Mapped[int] = mapped_column(ForeignKey("slipway_release.id"))
    person: Mapped[str] = mapped_column(String(255), default="")
    """Who moved it there. Empty: a stage published it."""
    reason: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[float]

    release: Mapped[Release] = relationship()


class ReleaseBlock(Audited, Base):
    """A block: no gate deploys the release, and no channel or feed offers it."""

    __tablename__ = "slipway_release_block"
    __trail__ = Trail(
        "block",
        project=lambda block: str(block.project),
        summary=lambda block: f"release {block.version} of {block.project}",
    )

    project: Mapped[str] = mapped_column(String(40), primary_key=True)
    version: Mapped[str] = mapped_column(String(255), primary_key=True)
    reason: Mapped[str] = mapped_column(Text)
    person: Mapped[str] = mapped_column(String(255))
    at: Mapped[float]
