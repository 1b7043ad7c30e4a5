"""Migrations: from nothing, twice, back and forth, and nobody else's tables are touched."""

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import JSON, MetaData, Table, create_engine, insert, inspect, select
from sqlalchemy.schema import CreateTable

from slipway.ledger.database.migrate import configuration, upgrade
from slipway.ledger.tables import gates, publications  # noqa: F401  their tables are in Run.metadata
from slipway.ledger.tables.runs import REVISION, VERSION_TABLE, Run

pytestmark = pytest.mark.slow

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
    # What readers wait for: with another they would take the ledger for one that is not there.
    assert script.get_heads() == [REVISION]


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


def old_rows(engine):
    """Return a writer of rows as an older version has them: what is not told is nothing much."""
    found = MetaData()
    found.reflect(engine)

    def fill(column):
        if isinstance(column.type, JSON):
            return {}
        return {int: 1, float: 1.0, bool: False}.get(column.type.python_type, "x")

    def write(connection, table, **told):
        own = found.tables[f"slipway_{table}"]
        needed = {one.name: fill(one) for one in own.columns if not one.nullable}
        connection.execute(insert(own).values(needed | told))

    return write


def test_a_gate_that_was_called_off_and_what_ran_when_gates_were_decided(fresh):
    with fresh.begin() as connection:
        command.upgrade(configuration(connection), "0008")
    write = old_rows(fresh)
    with fresh.begin() as connection:
        write(connection, "run", id=1, project="demo")
        write(connection, "release", id=1, run_id=1, artefacts=[])
        #    id, state, ended_at, expires_at, and the attempt's state
        for number, state, ended, expires, attempt in (
            (1, "opened", 10.0, None, "passed"),
            (2, "opened", 20.0, None, "passed"),
            (3, "expired", 25.0, None, "expired"),
            (4, "expired", 35.0, 30.0, "expired"),
            (5, "rejected", 5.0, None, "rejected"),
            (6, "expired", None, 90.0, "gate"),
            (7, "open", None, None, "gate"),
            (8, "opened", 50.0, None, "cancelled"),
        ):
            write(connection, "stage", id=number, name="staging", attempt=number, state=attempt)
            own = {"stage": "staging", "state": state, "ended_at": ended, "expires_at": expires}
            write(connection, "gate", id=number, run_id=1, stage_id=number, **own)
        for number, before, ended in ((1, None, 11.0), (2, 1, 21.0)):
            own = {"project": "demo", "environment": "staging", "state": "deployed"}
            own |= {"stage_id": number, "gate_id": number, "previous_id": before}
            write(connection, "deployment", id=number, release_id=1, finished_at=ended, **own)
    upgrade(fresh)
    tables = MetaData()
    tables.reflect(fresh)
    gate, stage = tables.tables[GATE], tables.tables["slipway_stage"]
    with fresh.connect() as connection:
        both = select(gate.c.id, gate.c.state, gate.c.previous_id, stage.c.state)
        query = both.join(stage, stage.c.id == gate.c.stage_id).order_by(gate.c.id)
        assert connection.execute(query).all() == [
            (1, "opened", None, "passed"),
            (2, "opened", 1, "passed"),
            (3, "cancelled", 2, "cancelled"),
            (4, "expired", 2, "expired"),
            (5, "rejected", None, "rejected"),
            (6, "cancelled", None, "gate"),
            (7, "open", None, "gate"),
            (8, "opened", 2, "cancelled"),
        ]
    with fresh.begin() as connection:
        command.downgrade(configuration(connection), "0008")
    with fresh.connect() as connection:
        states = select(stage.c.state).order_by(stage.c.id)
        assert connection.scalars(states).all()[2:4] == ["expired", "expired"]
        assert connection.scalars(states).all()[7] == "cancelled"
