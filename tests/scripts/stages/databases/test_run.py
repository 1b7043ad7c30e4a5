"""The stage `databases`, from models, migrations and fixtures to seeds that restore."""

import contextlib
import hashlib
import json
import shutil
import sqlite3
from datetime import date, datetime
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import create_engine, select

from slipway.model.errors import StageFailed
from slipway.scripts.stages.databases import postgresql_dump
from tests.scripts.conftest import MODELS, build, fail


@pytest.fixture
def stack():
    with contextlib.ExitStack() as made:
        yield made


def digests(folder: Path) -> dict[str, str]:
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.iterdir())}


@contextlib.contextmanager
def restored(server, output: Path, name="tiny_shop"):
    """Restore a dump as a person would."""
    with psycopg.connect(**server.parameters("postgres"), autocommit=True) as home:
        home.execute("CREATE DATABASE person TEMPLATE template0")
        try:
            with psycopg.connect(**server.parameters("person"), autocommit=True) as db:
                for _ in range(2):
                    db.execute((output / f"{name}-roles.sql").read_bytes())
                postgresql_dump.restore(server, output / f"{name}.dump", "person", print)
                yield db
        finally:
            home.execute("DROP DATABASE person WITH (FORCE)")
            home.execute(f"DROP ROLE {name}_ro")


@pytest.mark.slow
def test_both_seeds_hold_the_same(app, tmp_path, recorder, server, monkeypatch, stack):
    output = build(tmp_path, recorder, metadata=MODELS, fixtures="seed/*")
    assert sorted(path.name for path in output.iterdir()) == [
        "databases.json",
        "tiny_shop-roles.sql",
        "tiny_shop.dump",
        "tiny_shop.sqlite",
    ]
    roles = {event.name: event.role for event in recorder.of(type(recorder.events[-2]))}
    assert roles["databases.json"] == "report"
    assert recorder.closing.text.startswith("3 tables, 12 rows; SQLite ")
    assert recorder.closing.text.endswith("read-only role tiny_shop_ro checked")
    found = json.loads((output / "databases.json").read_text())
    assert found["tables"] == {"item": 3, "maker": 6, "tag": 3}
    assert all(one["allowed"] == one["expected"] for one in found["read-only checks"])
    assert len(found["read-only checks"]) > 40

    monkeypatch.syspath_prepend(str(app))
    from shop.models import Colour, Item, Maker, Size, Tag

    urls = [f"sqlite:///{output / 'tiny_shop.sqlite'}", server.url("person")]
    contents = []
    stack.enter_context(restored(server, output))
    for url in urls:
        engine = create_engine(url)
        with engine.begin() as db:
            made = datetime(2024, 12, 5, 3, 14, 10)
            assert db.scalar(select(Item.id).where(Item.made == made)) == 1
            later = db.scalars(select(Item.id).where(Item.made >= made).order_by(Item.id))
            assert later.all() == [1, 2]
            leap = select(Maker.id).where(Maker.founded >= date(1904, 2, 29)).order_by(Maker.id)
            assert db.scalars(leap).all() == [1, 7, 11]
            assert db.scalar(select(Item.id).where(Item.colour == Colour.GREEN)) == 2
            assert db.scalar(select(Item.id).where(Item.size == Size.LARGE)) == 5
            assert db.scalars(select(Item.id).where(Item.active).order_by(Item.id)).all() == [1, 5]
            tables = [
                [tuple(row) for row in db.execute(select(model.__table__).order_by(*keys))]
                for model, keys in ((Maker, [Maker.id]), (Tag, [Tag.item_id, Tag.word]))
            ]
            items = select(Item.__table__).with_only_columns(
                *(c for c in Item.__table__.columns if c.name != "sent")
            )
            tables.append([tuple(row) for row in db.execute(items.order_by(Item.id))])
            contents.append(tables)
            # The next id is free: sequences went on behind the ids that were given.
            new = db.execute(Maker.__table__.insert().values(name="New"))
            assert new.inserted_primary_key[0] > 20
        engine.dispose()
    assert contents[0] == contents[1]


@pytest.mark.slow
@pytest.mark.parametrize("settings", [{"metadata": MODELS}, {"alembic": "alembic.ini"}])
def test_same_input_same_bytes(app, tmp_path, recorder, monkeypatch, settings):
    fixtures = ["seed/*maker*"]
    first = digests(build(tmp_path, recorder, fixtures=fixtures, **settings))
    other = tmp_path / "elsewhere" / "deeper"
    shutil.copytree(app, other / "project")
    monkeypatch.chdir(other / "project")
    assert digests(build(other, recorder, fixtures=fixtures, **settings)) == first
    db = sqlite3.connect(tmp_path / "out" / "tiny_shop.sqlite")
    assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    db.close()


@pytest.mark.slow
@pytest.mark.parametrize("metadata", [None, MODELS])
def test_tables_come_from_migrations(app, tmp_path, recorder, server, given, metadata):
    settings = {"metadata": metadata} if metadata else {}
    output = build(
        tmp_path, recorder, alembic="alembic.ini", fixtures="seed/*maker.csv", **settings, **given
    )
    db = sqlite3.connect(output / "tiny_shop.sqlite")
    assert db.execute("SELECT founded FROM maker WHERE id = 1").fetchone() == ("1904-02-29",)
    assert db.execute("SELECT name FROM maker WHERE id = 100").fetchone() == ("From a migration",)
    assert db.execute("SELECT version_num FROM alembic_version").fetchone() == ("v1",)
    db.close()
    with restored(server, output) as copy:
        assert copy.execute("SELECT count(*) FROM maker").fetchone() == (4,)
        names = {row[0] for row in copy.execute("SELECT conname FROM pg_constraint").fetchall()}
        assert {"fk_item_maker", "ck_named", "uq_maker_name"} <= names
    with psycopg.connect(**server.parameters("postgres")) as home:
        left = home.execute("SELECT datname FROM pg_database WHERE datname ~ 'tiny'").fetchall()
    assert left == []


@pytest.mark.slow
def test_a_server_that_was_given_is_left_as_it_was(app, tmp_path, recorder, server, given):
    with psycopg.connect(**server.parameters("postgres"), autocommit=True) as db:
        db.execute("CREATE ROLE stays_ro")
        build(tmp_path, recorder, metadata=MODELS, targets=["postgresql"], **given)
        build(
            tmp_path,
            type(recorder)(),
            metadata=MODELS,
            targets=["postgresql"],
            read_only_role="stays_ro",
            **given,
        )
        found = db.execute("SELECT rolname FROM pg_roles WHERE rolname ~ '_ro$'").fetchall()
        assert found == [("stays_ro",)]
        db.execute("DROP ROLE stays_ro")
        assert db.execute("SELECT FROM pg_database WHERE datname ~ 'tiny'").fetchall() == []


@pytest.mark.slow
def test_a_dump_that_restores_to_something_else_does_not_count(
    app, tmp_path, recorder, given, monkeypatch
):
    real = postgresql_dump.restore

    def spoil(server, archive, database, log):
        real(server, archive, database, log)
        with psycopg.connect(**server.parameters(database)) as db:
            db.execute("UPDATE maker SET name = name || '!' WHERE id = 7")

    monkeypatch.setattr(postgresql_dump, "restore", spoil)
    said = fail(
        tmp_path, recorder, StageFailed, metadata=MODELS, fixtures="seed/*maker.csv", **given
    )
    assert said == "the dump does not restore to the same contents: public.maker differs"
