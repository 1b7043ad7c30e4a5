"""The migrations lead to the tables of the models."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, inspect, text

from almanac.cli import main
from almanac.database import REVISION, VARIABLE, make_engine
from almanac.models import Base

ROOT = Path(__file__).parent.parent


@pytest.fixture
def config(tmp_path: Path) -> Config:
    made = Config(ROOT / "alembic.ini")
    made.set_main_option("sqlalchemy.url", f"sqlite:///{tmp_path / 'migrated.db'}")
    return made


@pytest.fixture
def engine(config: Config) -> Iterator[Engine]:
    made = make_engine(str(config.get_main_option("sqlalchemy.url")))
    yield made
    made.dispose()


def shape(engine: Engine) -> dict[str, Any]:
    """Return everything the database knows about its tables."""
    seen = inspect(engine)
    return {
        name: {
            "columns": [
                (column["name"], str(column["type"]), column["nullable"], column["default"])
                for column in seen.get_columns(name)
            ],
            "checks": sorted(str(check) for check in seen.get_check_constraints(name)),
            "uniques": sorted(str(unique) for unique in seen.get_unique_constraints(name)),
            "keys": sorted(str(key) for key in seen.get_foreign_keys(name)),
            "indexes": sorted(str(index) for index in seen.get_indexes(name)),
        }
        for name in seen.get_table_names()
        if name != "alembic_version"
    }


def test_the_migrations_make_what_the_models_say(config: Config, engine: Engine) -> None:
    command.upgrade(config, "head")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        assert compare_metadata(context, Base.metadata) == []
    direct = create_engine("sqlite://")
    Base.metadata.create_all(direct)
    assert shape(engine) == shape(direct)
    direct.dispose()


def test_every_revision_can_be_taken_back(config: Config, engine: Engine) -> None:
    command.upgrade(config, "head")
    command.downgrade(config, "base")
    assert inspect(engine).get_table_names() == ["alembic_version"]


def test_the_program_knows_its_newest_revision(config: Config) -> None:
    assert ScriptDirectory.from_config(config).get_heads() == [REVISION]


def test_an_old_book_is_refused_until_it_is_upgraded_and_keeps_its_rows(
    config: Config, engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    command.upgrade(config, "0001")
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO people VALUES (1, 'Ann', 'a@example.org', NULL)"))
        row = "(1, 'Old', '2020-01-02 09:00:00.000000', '2020-01-02 10:00:00.000000', 'visit', 1)"
        connection.execute(text(f"INSERT INTO appointments VALUES {row}"))
    url = engine.url.render_as_string()
    assert main(["--database", url, "list"]) == 1
    assert (
        "revision 0001, this program needs 0003: run `almanac upgrade`" in capsys.readouterr().err
    )
    assert main(["--database", url, "upgrade"]) == 0
    assert main(["--database", url, "list", "--on", "2020-01-02"]) == 0
    assert "09:00-10:00 Old: Ann" in capsys.readouterr().out


def test_the_environment_names_the_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "named.db"
    monkeypatch.setenv(VARIABLE, f"sqlite:///{path}")
    command.upgrade(Config(ROOT / "alembic.ini"), "0001")
    assert path.exists()


@pytest.mark.skipif("ALMANAC_TEST_POSTGRES" not in os.environ, reason="names no test database")
def test_postgresql_gets_the_same_tables(config: Config) -> None:
    url = os.environ["ALMANAC_TEST_POSTGRES"]
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    command.upgrade(config, "head")
    engine = make_engine(url)
    try:
        migrated = shape(engine)
        command.downgrade(config, "base")
        Base.metadata.create_all(engine)
        assert shape(engine) == migrated
    finally:
        Base.metadata.drop_all(engine)
        engine.dispose()
