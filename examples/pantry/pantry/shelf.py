"""The things in the pantry, in a database."""

from __future__ import annotations

from datetime import date

from sqlalchemy import create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column


class WrongThing(ValueError):
    """A thing cannot be kept like that; the sentence is for people."""


class Base(DeclarativeBase):
    """The tables."""


class Thing(Base):
    """One kind of thing and how much of it there is."""

    __tablename__ = "thing"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    amount: Mapped[int]
    place: Mapped[str]
    best_before: Mapped[date | None]
    always: Mapped[bool]
    """Whether it is bought when there is none."""


class Shelf:
    """Keeps things."""

    def __init__(self, url: str) -> None:
        """Open the database; a new one gets its tables."""
        self._engine = create_engine(url)
        Base.metadata.create_all(self._engine)

    def put(
        self, name: str, amount: int, place: str, *, best_before: date | None, always: bool
    ) -> Thing:
        """Put a thing on the shelf; of one that is there the amounts add up.

        Raises:
            WrongThing: It has no name, or there is nothing of it.
        """
        name = " ".join(name.split())
        if not name:
            raise WrongThing("Say what it is.")
        if amount < 1:
            raise WrongThing(f"How much {name} is it?")
        with Session(self._engine, expire_on_commit=False) as session:
            thing = session.scalar(select(Thing).where(Thing.name == name))
            if thing is None:
                thing = Thing(name=name, amount=0)
                session.add(thing)
            thing.amount += amount
            thing.place, thing.best_before, thing.always = place, best_before, always
            session.commit()
            return thing

    def take(self, name: str) -> None:
        """Take one; the last one of what is always there is still known, to be bought."""
        with Session(self._engine) as session:
            thing = session.scalars(select(Thing).where(Thing.name == name)).one()
            thing.amount = max(0, thing.amount - 1)
            if thing.amount == 0 and not thing.always:
                session.delete(thing)
            session.commit()

    def clear(self) -> int:
        """Take everything; return how many kinds of things there were."""
        with Session(self._engine) as session:
            things = session.scalars(select(Thing)).all()
            for thing in things:
                session.delete(thing)
            session.commit()
            return len(things)

    def things(self) -> list[Thing]:
        """Return all that is known, by name."""
        with Session(self._engine, expire_on_commit=False) as session:
            return list(session.scalars(select(Thing).order_by(Thing.name)))

    def to_buy(self) -> list[str]:
        """Return the names of what must be bought."""
        return [one.name for one in self.things() if one.amount == 0]

    def close(self) -> None:
        """Let the file go."""
        self._engine.dispose()
