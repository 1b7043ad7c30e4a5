"""A tiny application with a column of every kind."""

import enum
import uuid
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from sqlalchemy import (
    JSON,
    DateTime,
    Enum,
    ForeignKey,
    LargeBinary,
    Numeric,
    String,
    Uuid,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class Colour(enum.Enum):
    RED = "r"
    GREEN = "g"


class Size(enum.Enum):
    SMALL = "s"
    LARGE = "l"


class Maker(Base):
    __tablename__ = "maker"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40), unique=True)
    founded: Mapped[date | None]


class Item(Base):
    __tablename__ = "item"
    id: Mapped[int] = mapped_column(primary_key=True)
    maker_id: Mapped[int] = mapped_column(ForeignKey("maker.id"), index=True)
    name: Mapped[str] = mapped_column(String(80))
    weight: Mapped[float | None]
    price: Mapped[Decimal | None] = mapped_column(Numeric(8, 2))
    made: Mapped[datetime | None]
    sent: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    opens: Mapped[time | None]
    colour: Mapped[Colour | None]
    size: Mapped[Size | None] = mapped_column(Enum(Size, native_enum=False))
    extra: Mapped[dict | None] = mapped_column(JSON)
    picture: Mapped[bytes | None] = mapped_column(LargeBinary)
    key: Mapped[uuid.UUID | None]
    token: Mapped[uuid.UUID | None] = mapped_column(Uuid(native_uuid=False))
    lasts: Mapped[timedelta | None]
    active: Mapped[bool] = mapped_column(server_default=text("true"))


class Tag(Base):
    __tablename__ = "tag"
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"), primary_key=True)
    word: Mapped[str] = mapped_column(primary_key=True)
