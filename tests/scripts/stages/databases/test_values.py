"""Values are written as SQLAlchemy's own bind processors write them."""

import enum
import sqlite3
import uuid
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from slipway.scripts.stages.databases.guest import schema
from slipway.scripts.stages.databases.rows import BAD
from slipway.scripts.stages.databases.tables import Column, read_tables
from slipway.scripts.stages.databases.text_values import allowed, as_text, check
from slipway.scripts.stages.databases.values import converter


class Colour(enum.Enum):
    RED = "r"
    GREEN = "g"


SHORT_DAY = sqlite.DATE(
    storage_format="%(year)04d%(month)02d%(day)02d", regexp=r"(\d{4})(\d\d)(\d\d)"
)
SECONDS = sqlite.DATETIME(
    storage_format="%(year)04d-%(month)02d-%(day)02d %(hour)02d:%(minute)02d:%(second)02d"
)
KEY = uuid.UUID("123e4567-e89b-12d3-a456-426614174000")

# Type, text of a fixture, the application's own value.
GOOD = [
    (sa.Integer(), "42", 42),
    (sa.BigInteger(), "-9000000000", -9000000000),
    (sa.Float(), "1e-3", 0.001),
    (sa.Float(), "2.5", 2.5),
    (sa.Numeric(8, 2), "19.90", Decimal("19.90")),
    (sa.Numeric(8, 2), "100", Decimal(100)),
    (sa.Numeric(), "0.1", Decimal("0.1")),
    (sa.String(20), "Löwe", "Löwe"),
    (sa.Text(), "a\nb", "a\nb"),
    (sa.Boolean(), "true", True),
    (sa.Boolean(), "F", False),
    (sa.Boolean(), "0", False),
    (sa.Date(), "2024-02-29", date(2024, 2, 29)),
    (SHORT_DAY, "2024-02-29", date(2024, 2, 29)),
    (sa.DateTime(), "2024-12-05 03:14:10", datetime(2024, 12, 5, 3, 14, 10)),
    (sa.DateTime(), "2024-12-05T03:14:10", datetime(2024, 12, 5, 3, 14, 10)),
    (sa.DateTime(), "2024-12-05T03:14:10.25", datetime(2024, 12, 5, 3, 14, 10, 250000)),
    (sa.DateTime(), "2024-12-05", datetime(2024, 12, 5)),
    (SECONDS, "2024-12-05 03:14:10", datetime(2024, 12, 5, 3, 14, 10)),
    (
        sa.DateTime(timezone=True),
        "2024-12-05 03:14:10Z",
        datetime(2024, 12, 5, 3, 14, 10, tzinfo=UTC),
    ),
    (sa.DateTime(timezone=True), "2024-12-05T03:14:10+00:00", datetime(2024, 12, 5, 3, 14, 10)),
    (sa.Time(), "08:30:00", time(8, 30)),
    (sa.Time(), "23:59:59.25", time(23, 59, 59, 250000)),
    (sa.Enum(Colour), "RED", Colour.RED),
    (sa.Enum(Colour, values_callable=lambda kind: [c.value for c in kind]), "g", Colour.GREEN),
    (sa.Enum("a", "b"), "b", "b"),
    (sa.JSON(), '{"b":[1,"é",null],"a":1.5}', {"b": [1, "é", None], "a": 1.5}),
    (sa.JSON(), "null", sa.JSON.NULL),
    (sa.LargeBinary(), r"\x00fF", b"\x00\xff"),
    (sa.Uuid(), str(KEY), KEY),
    (sa.Uuid(native_uuid=False), KEY.hex, KEY),
    (sa.Interval(), "2 days 03:00:00.5", timedelta(days=2, hours=3, milliseconds=500)),
    (sa.Interval(), "1:02:03", timedelta(hours=1, minutes=2, seconds=3)),
]


def described(given) -> tuple[sa.Table, Column]:
    metadata = sa.MetaData()
    table = sa.Table("t", metadata, sa.Column("v", given))
    tables = read_tables(schema.from_models(metadata, ["sqlite"])["tables"])
    return table, tables["t"].columns[0]


@pytest.mark.parametrize(("given", "text", "value"), GOOD)
def test_sqlite_holds_what_sqlalchemy_would_write(given, text, value):
    table, column = described(given)
    engine = sa.create_engine("sqlite://")
    with engine.begin() as connection:
        table.create(connection)
        connection.execute(table.insert(), {"v": value})
        raw = connection.connection.dbapi_connection
        assert isinstance(raw, sqlite3.Connection)
        theirs = raw.execute("SELECT v, typeof(v) FROM t").fetchone()
        raw.execute("DELETE FROM t")
        raw.execute("INSERT INTO t VALUES (?)", (converter(column)([text])[0],))
        assert raw.execute("SELECT v, typeof(v) FROM t").fetchone() == theirs
        if not isinstance(given, sa.JSON):
            same = sa.select(sa.func.count()).where(table.c.v == value)
            assert connection.scalar(same) == 1
        if isinstance(given, (sa.Date, sa.DateTime, sa.Time, sa.Numeric)):
            later = sa.select(sa.func.count()).where(table.c.v >= value, table.c.v <= value)
            assert connection.scalar(later) == 1
    check(column, text)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (sa.Integer(), "4.0"),
        (sa.Integer(), "x"),
        (sa.Integer(), "3000000000"),
        (sa.SmallInteger(), "40000"),
        (sa.Float(), "1,5"),
        (sa.Float(), "nan"),
        (sa.Numeric(8, 2), "1.239"),
        (sa.Numeric(), "1234567890.1234567"),
        (sa.Numeric(), "NaN"),
        (sa.String(3), "four"),
        (sa.Boolean(), "maybe"),
        (sa.Date(), "2024-13-01"),
        (sa.Date(), "20241201"),
        (sa.Date(), "2024-12-01 00:00:00"),
        (sa.DateTime(), "2024-12-05 25:00:00"),
        (sa.DateTime(), "2024-12-05 03:14:10+01:00"),
        (sa.DateTime(), "2024-12-05 03:14:10Z"),
        (sa.DateTime(), "2024-12-05 03:14:10.1234567"),
        (sa.DateTime(timezone=True), "2024-12-05 03:14:10+01:00"),
        (sa.Time(), "24:10:00"),
        (sa.Time(), "08:30:00Z"),
        (sa.Enum(Colour), "r"),
        (sa.JSON(), "{"),
        (sa.JSON(), "NaN"),
        (sa.LargeBinary(), "00ff"),
        (sa.Uuid(), "123"),
        (sa.Interval(), "soon"),
        (sa.Interval(), ""),
    ],
)
def test_what_cannot_be_held_is_refused(given, text):
    _, column = described(given)
    with pytest.raises(BAD):
        check(column, text)
    assert allowed(column)


def test_a_column_of_like_stamps_is_written_as_single_ones_are():
    _, column = described(sa.DateTime())
    for separator in " T":
        texts = [f"2024-12-{day:02}{separator}03:14:10" for day in range(1, 32)]
        alone = [converter(column)([text])[0] for text in texts]
        assert converter(column)(texts) == alone == converter(column)([*texts, "2024-12-05"])[:-1]


@pytest.mark.parametrize(
    ("given", "value", "text"),
    [
        (sa.Integer(), 5, "5"),
        (sa.Integer(), None, None),
        (sa.Boolean(), True, "true"),
        (sa.Boolean(), 0, "0"),
        (sa.Float(), 5, "5"),
        (sa.Float(), 0.1, "0.1"),
        (sa.Date(), date(2024, 1, 2), "2024-01-02"),
        (sa.DateTime(), datetime(2024, 1, 2), "2024-01-02T00:00:00"),
        (sa.DateTime(), date(2024, 1, 2), "2024-01-02"),
        (sa.String(), "", ""),
        (sa.JSON(), {"a": [1]}, '{"a": [1]}'),
        (sa.LargeBinary(), b"\xff", r"\xff"),
    ],
)
def test_typed_values_become_texts(given, value, text):
    assert as_text(described(given)[1], value) == text


@pytest.mark.parametrize(
    ("given", "value"),
    [
        (sa.String(), 1234),
        (sa.String(), True),
        (sa.String(), "a\0"),
        (sa.Integer(), True),
        (sa.Integer(), 1.0),
        (sa.Date(), datetime(2024, 1, 1)),
        (sa.Text(), {"a": 1}),
        (sa.JSON(), float("nan")),
    ],
)
def test_values_of_other_types_are_refused(given, value):
    with pytest.raises(ValueError, match=r"^$|JSON compliant"):
        as_text(described(given)[1], value)


def test_models_are_described():
    class Shouted(sa.TypeDecorator):
        impl = sa.String(7)
        cache_ok = True

    metadata = sa.MetaData()
    sa.Table("b", metadata, sa.Column("id", sa.Integer, primary_key=True))
    sa.Table(
        "a",
        metadata,
        sa.Column("id", sa.Integer, sa.Sequence("a_ids"), primary_key=True),
        sa.Column("b_id", sa.ForeignKey("b.id"), nullable=False),
        sa.Column("loud", Shouted),
        sa.Column("twice", sa.Integer, sa.Computed("b_id * 2")),
        sa.CheckConstraint("loud LIKE '%!'"),
        schema="s",
    )
    found = schema.from_models(metadata, ["postgresql"])
    tables = read_tables(found["tables"])
    table = tables["s.a"]
    assert table.references == ("b",)
    assert (table.columns[0].sequence, table.columns[0].required) == ("a_ids", True)
    assert (table.columns[2].decorated, table.columns[2].length) == (True, 7)
    assert table.columns[3].computed
    assert tables["b"].columns[0].autoincrement
    assert any("LIKE '%!'" in statement for statement in found["ddl"]["postgresql"])
