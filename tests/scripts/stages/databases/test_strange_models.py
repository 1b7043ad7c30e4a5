"""Models as strangers write them: built, or refused in a sentence that says what and where."""

import json

import psycopg
import pytest

from slipway.model.errors import StageFailed
from slipway.scripts.stages.databases.read_only_role import _is_allowed
from tests.scripts.conftest import build, fail

HEAD = """
from sqlalchemy import *
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import *
class Base(DeclarativeBase): pass
"""


@pytest.fixture
def models(app):
    """Write models, and return the settings that name them."""

    def write(text):
        (app / "strange.py").write_text(HEAD + text)
        return {"metadata": "strange:Base.metadata"}

    return write


@pytest.mark.slow
def test_generated_columns_of_all_kinds_are_built_and_nobody_is_accused(models, tmp_path, recorder):
    settings = models("""
class Always(Base):
    __tablename__ = "always"
    id = mapped_column(Integer, Identity(always=True), primary_key=True)
    a = mapped_column(Integer)
    twice = mapped_column(Integer, Computed("a * 2"))
class ByDefault(Base):
    __tablename__ = "by_default"
    id = mapped_column(Integer, Identity(), primary_key=True)
Table("only", Base.metadata, Column("id", Integer, Identity(always=True), primary_key=True))
""")
    output = build(tmp_path, recorder, **settings)
    found = json.loads((output / "databases.json").read_text())
    tried = {(one["verb"], one["on"]) for one in found["read-only checks"]}
    for table in ("always", "by_default", "only"):
        assert {("UPDATE", f"public.{table}"), ("INSERT into", f"public.{table}")} <= tried


@pytest.mark.slow
def test_a_right_on_an_identity_column_is_still_found(models, tmp_path, recorder, monkeypatch):
    from slipway.scripts.stages.databases import read_only_role

    real = read_only_role.grant

    def plant(db, role):
        real(db, role)
        db.execute("GRANT UPDATE (id) ON lonely TO tiny_shop_ro")
        db.commit()

    monkeypatch.setattr(read_only_role, "grant", plant)
    settings = models("""
Table("lonely", Base.metadata, Column("id", Integer, Identity(always=True), primary_key=True))
""")
    said = fail(tmp_path, recorder, StageFailed, targets=["postgresql"], **settings)
    assert 'the read-only role "tiny_shop_ro" may SELECT FOR UPDATE from public.lonely, and' in said


@pytest.mark.slow
def test_what_fails_before_rights_are_looked_at_says_nothing_of_them(server):
    with psycopg.connect(**server.parameters("postgres")) as db:
        for statement in ("SELEKT 1", "SELECT * FROM nowhere", "LOCK TABLE nowhere"):
            assert _is_allowed(db, statement) is None
        assert _is_allowed(db, "SELECT 1 / 0") is True
        assert _is_allowed(db, "SELECT 1") is True


def test_a_type_that_a_target_lacks_names_the_table(models, tmp_path, recorder):
    settings = models("""
class Page(Base):
    __tablename__ = "page"
    id = mapped_column(Integer, primary_key=True)
    words = mapped_column(TSVECTOR)
""")
    said = fail(tmp_path, recorder, targets=["sqlite"], **settings)
    assert "the models cannot be made in sqlite: page: " in said
    assert "take it out of the stage's targets" in said


def test_a_statement_that_a_database_refuses_is_named(models, tmp_path, recorder):
    settings = models("""
class Page(Base):
    __tablename__ = "page"
    id = mapped_column(Integer, primary_key=True, server_default=text("now("))
""")
    said = fail(tmp_path, recorder, StageFailed, targets=["sqlite"], **settings)
    assert "the models cannot be made in SQLite: " in said
    assert ", by: CREATE TABLE page ( id INTEGER DEFAULT (now() NOT NULL" in said


@pytest.mark.slow
def test_a_statement_that_postgresql_refuses_is_named(models, tmp_path, recorder):
    settings = models("""
class Page(Base):
    __tablename__ = "page"
    id = mapped_column(Integer, primary_key=True)
    at = mapped_column(DateTime, server_default=text("datetime('now')"))
""")
    said = fail(tmp_path, recorder, StageFailed, targets=["postgresql"], **settings)
    assert "the models cannot be made in PostgreSQL: " in said
    assert "by: CREATE TABLE page" in said


def test_models_that_cannot_be_set_up_say_so(models, tmp_path, recorder):
    settings = models("""
class Page(Base):
    __tablename__ = "page"
    id = mapped_column(Integer, primary_key=True)
    author = relationship("Nobody")
""")
    said = fail(tmp_path, recorder, targets=["sqlite"], **settings)
    assert "the models cannot be set up: " in said
    assert "Nobody" in said
