"""Rows with a trail, for tests of it."""

from sqlalchemy import (
    ForeignKey,
    String,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from slipway.ledger import runs
from slipway.ledger.audit.queries import list_audit
from slipway.ledger.audit.recording import Audited, Trail
from slipway.model.commit import Cause, Commit


class Base(DeclarativeBase):
    """Tables that only these tests have."""


class Thing(Audited, Base):
    """A row with a bit of everything."""

    __tablename__ = "slipway_test_thing"
    __trail__ = Trail(
        "thing",
        secret=("api_token",),
        silent=("seen",),
        summary=lambda thing: f"thing {thing.name}",
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None] = mapped_column(String(50))
    size: Mapped[int | None]
    api_token: Mapped[str | None] = mapped_column(String(50))
    seen: Mapped[int | None]
    parts: Mapped[list["Part"]] = relationship(cascade="all, delete-orphan")


class Part(Audited, Base):
    """What goes with its thing."""

    __tablename__ = "slipway_test_part"
    __trail__ = Trail("part")

    id: Mapped[int] = mapped_column(primary_key=True)
    thing_id: Mapped[int] = mapped_column(ForeignKey(Thing.id))


def begin_run(session, number=1, **cause):
    commit = Commit("main", f"{number:040}", "1.4.0", 1, "a subject", "Ann")
    return runs.start_run(session, "almanac", commit, Cause(**{"trigger": "poll", **cause}), 1.0)


def trail(engine, entity=None):
    found = reversed(list_audit(engine, limit=1000))
    return [row for row in found if entity in {None, row.entity}]
