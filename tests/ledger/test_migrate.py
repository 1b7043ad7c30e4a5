"""Migrations: from nothing, twice, back and forth, and nobody else's tables are touched."""

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import MetaData, Table, create_engine, insert, inspect, select
from sqlalchemy.schema import CreateTable

from slipway.ledger.migrate import configuration, upgrade
from slipway.ledger.tables import VERSION_TABLE, Run

TABLES = set(Run.metadata.tables)
GATE = "slipway_gate"


@pytest.fixture
def fresh(url):
    made = create_engine(url)
    yield made
    made.dispose()


def reflected(engine):
    """Return all tables as the database knows them."""
    found = MetaData()
    found.reflect(engine)
    return [str(CreateTable(one).compile(engine)) for one in found.sorted_tables]


def names(engine):
    return set(inspect(engine).get_table_names())


def test_upgrade_makes_our_tables_and_doing_it_again_nothing(fresh):
    upgrade(fresh)
    assert names(fresh) == TABLES | {VERSION_TABLE}
    before = reflected(fresh)
    upgrade(fresh)
    assert reflected(fresh) == before


def test_the_migrations_make_what_the_models_say(fresh):
    upgrade(fresh)
    with fresh.begin() as connection:
        command.check(configuration(connection))


def test_there_is_one_head():
    with create_engine("sqlite://").connect() as connection:
        script = ScriptDirectory.from_config(configuration(connection))
    assert len(script.get_heads()) == 1


def test_down_and_up_again(fresh):
    upgrade(fresh)
    with fresh.begin() as connection:
        command.downgrade(configuration(connection), "base")
    assert names(fresh) == {VERSION_TABLE}
    upgrade(fresh)
    assert names(fresh) == TABLES | {VERSION_TABLE}


def test_the_tables_of_others_are_left_alone(fresh):
    with fresh.begin() as connection:
        connection.exec_driver_sql("create table builds (id integer primary key, what text)")
        connection.exec_driver_sql("create table alembic_version (version_num text)")
        connection.exec_driver_sql("insert into alembic_version values ('theirs')")
        connection.exec_driver_sql("insert into builds values (1, 'x')")
    upgrade(fresh)
    with fresh.begin() as connection:
        # Buildbot's tables beside ours are no drift either.
        command.check(configuration(connection))
        command.downgrade(configuration(connection), "base")
    with fresh.connect() as connection:
        assert connection.exec_driver_sql("select * from builds").all() == [(1, "x")]
        theirs = connection.exec_driver_sql("select version_num from alembic_version").scalar()
    assert theirs == "theirs"
    assert {"builds", "alembic_version"} <= names(fresh)


def test_all_our_tables_are_told_by_their_names():
    assert {name for name in TABLES if not name.startswith("slipway_")} == set()


def test_a_gate_that_has_let_its_stage_go_is_called_opened(fresh):
    with fresh.begin() as connection:
        command.upgrade(configuration(connection), "0004")
    run, gate = (Table(one, MetaData(), autoload_with=fresh) for one in ("slipway_run", GATE))
    with fresh.begin() as connection:
        texts = ("project", "version", "branch", "revision", "subject", "author", "trigger")
        told = dict.fromkeys((*texts, "owner", "reason", "state"), "x") | {"skips": {}}
        numbers = dict.fromkeys(("id", "number", "committed_at", "started_at"), 1)
        connection.execute(insert(run).values(**told, **numbers))
        own = dict.fromkeys(("stage", "token", "comment", "person"), "x") | {"rollback": False}
        own |= {"run_id": 1, "values": {}, "secret_names": [], "made_at": 1.0}
        for number, state in enumerate(("open", "passed", "rejected"), 1):
            connection.execute(insert(gate).values(id=number, state=state, **own))
    upgrade(fresh)
    with fresh.connect() as connection:
        states = connection.scalars(select(gate.c.state).order_by(gate.c.id)).all()
    assert states == ["open", "opened", "rejected"]
