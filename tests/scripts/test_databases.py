"""The stage `databases`, from settings and fixtures to seeds that restore."""

import contextlib
import hashlib
import json
import shutil
import sqlite3
import subprocess
import sys
from datetime import date, datetime
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import create_engine, select

from slipway.model.errors import MissingTool, StageFailed, WrongInput
from slipway.model.job import Job
from slipway.scripts import cluster, databases, environment, readonly, seed_dump
from slipway.scripts.environment import Environment
from slipway.scripts.seed_schema import Application

APP = Path(__file__).parents[1] / "data" / "databases" / "app"
MODELS = "shop.models:Base.metadata"


def make_job(folder: Path, **settings) -> Job:
    return Job.model_validate(
        {
            "project": "tiny-shop",
            "name": "databases",
            "stage": {"uses": "databases", **settings},
            "run": {
                "number": 1,
                "revision": "",
                "branch": "main",
                "committed_at": 1_700_000_000,
                "version": "1",
            },
            "output": str(folder / "out"),
            "cache": str(folder / "cache"),
            "state": str(folder / "state"),
        }
    )


@pytest.fixture
def app(tmp_path, monkeypatch):
    """A copy of the application, which runs in these tests' own environment."""
    folder = tmp_path / "app"
    shutil.copytree(APP, folder)
    monkeypatch.chdir(folder)

    def prepare(source, stage, cache, report, tools=()):
        # This environment has its bytecode already.
        env = {"PYTHONPYCACHEPREFIX": "", "PYTHONDONTWRITEBYTECODE": "1"}
        return Environment(tmp_path / "venv", Path(sys.executable), source, env=env)

    monkeypatch.setattr(environment, "prepare", prepare)
    return folder


@pytest.fixture(scope="module")
def server():
    with cluster.started() as running:
        yield running


@pytest.fixture
def stack():
    with contextlib.ExitStack() as made:
        yield made


@pytest.fixture
def known_models(app, monkeypatch):
    """The models are asked once for all tests that do not change them."""
    real = Application.read_models

    def read_models(self, place, dialects):
        key = (place, *dialects)
        if key not in _MODELS:
            _MODELS[key] = real(self, place, dialects)
        return _MODELS[key]

    monkeypatch.setattr(Application, "read_models", read_models)


_MODELS = {}


@pytest.fixture
def given(server, monkeypatch):
    """The settings that let a build use the tests' own server."""
    monkeypatch.setenv("SHOP_SERVER", server.url("postgres"))
    return {"server_env": "SHOP_SERVER"}


def build(tmp_path, recorder, **settings):
    job = make_job(tmp_path, **settings)
    databases.run(job, recorder)
    return Path(job.output)


def fail(tmp_path, recorder, kind=WrongInput, **settings) -> str:
    job = make_job(tmp_path, **settings)
    with pytest.raises(kind) as caught:
        databases.run(job, recorder)
    output = Path(job.output)
    assert not output.exists() or not list(output.iterdir())
    assert sorted(path.name for path in tmp_path.iterdir() if "work" in path.name) == []
    assert "\n" not in str(caught.value)
    return str(caught.value)


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
                seed_dump.restore(server, output / f"{name}.dump", "person", print)
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


PLANTED = {
    "GRANT UPDATE (name) ON maker TO tiny_shop_ro": "SELECT FOR UPDATE from public.maker",
    "GRANT INSERT ON maker TO PUBLIC": "INSERT into public.maker",
    "GRANT TRUNCATE ON tag TO tiny_shop_ro": "TRUNCATE public.tag",
    "GRANT USAGE ON SEQUENCE maker_id_seq TO tiny_shop_ro": "advance sequence public.maker_id_seq",
    "GRANT CREATE ON SCHEMA public TO tiny_shop_ro": "CREATE TABLE in public",
    """CREATE FUNCTION wipe() RETURNS void LANGUAGE sql SECURITY DEFINER AS 'DELETE FROM tag';
       GRANT EXECUTE ON FUNCTION wipe() TO tiny_shop_ro""": "run SECURITY DEFINER function wipe()",
    "GRANT pg_write_all_data TO tiny_shop_ro": "DELETE from public.item",
    "GRANT pg_read_all_stats TO tiny_shop_ro": "act as role pg_read_all_stats",
    "ALTER DEFAULT PRIVILEGES GRANT DELETE ON TABLES TO tiny_shop_ro": "delete public.slipway",
}


@pytest.mark.slow
@pytest.mark.parametrize("grant", PLANTED)
@pytest.mark.usefixtures("known_models")
def test_a_wrong_grant_is_found(tmp_path, recorder, given, grant, monkeypatch):
    real = readonly.grant

    def plant(db, role):
        real(db, role)
        db.execute(grant)
        db.commit()

    monkeypatch.setattr(readonly, "grant", plant)
    said = fail(tmp_path, recorder, StageFailed, metadata=MODELS, targets=["postgresql"], **given)
    assert said.startswith(f'the read-only role "tiny_shop_ro" may {PLANTED[grant]}')


@pytest.mark.slow
@pytest.mark.usefixtures("known_models")
def test_a_role_that_cannot_read_is_found(tmp_path, recorder, given, monkeypatch):
    real = readonly.grant

    def revoke(db, role):
        real(db, role)
        db.execute("REVOKE SELECT ON tag FROM tiny_shop_ro")
        db.commit()

    monkeypatch.setattr(readonly, "grant", revoke)
    said = fail(tmp_path, recorder, StageFailed, metadata=MODELS, targets=["postgresql"], **given)
    assert 'role "tiny_shop_ro" may not SELECT from public.tag' in said


@pytest.mark.slow
def test_a_dump_that_restores_to_something_else_does_not_count(
    app, tmp_path, recorder, given, monkeypatch
):
    real = seed_dump.restore

    def spoil(server, archive, database, log):
        real(server, archive, database, log)
        with psycopg.connect(**server.parameters(database)) as db:
            db.execute("UPDATE maker SET name = name || '!' WHERE id = 7")

    monkeypatch.setattr(seed_dump, "restore", spoil)
    said = fail(
        tmp_path, recorder, StageFailed, metadata=MODELS, fixtures="seed/*maker.csv", **given
    )
    assert said == "the dump does not restore to the same contents: public.maker differs"


# Files to write, and what is said for SQLite (then for PostgreSQL, if it is told otherwise).
BAD = {
    "unknown column": (
        {"maker.csv": "id,nmae\n1,a\n"},
        'seed/maker.csv:1: table "maker" has no column "nmae"; did you mean "name"?',
    ),
    "missing column": (
        {"maker.csv": "id,founded\n1,\n"},
        'seed/maker.csv:1: column "name" of table "maker" is missing; it must not be NULL',
    ),
    "missing key": (
        {"maker.jsonl": '{"id": 1, "name": "a"}\n{"id": 2}\n'},
        'seed/maker.jsonl:2: column "name" of table "maker" is missing',
    ),
    "empty but needed": (
        {"maker.csv": "id,name\n1,a\n2,\n"},
        'seed/maker.csv:3: column "name" is empty, but must not be NULL',
    ),
    "date": (
        {"maker.csv": "id,name,founded\n1,a,\n2,b,2024-13-01\n"},
        'seed/maker.csv:3: column "founded": "2024-13-01" is not a date such as 2024-12-31',
    ),
    "integer": (
        {"maker.csv": "id,name\nx1,a\n"},
        'seed/maker.csv:2: column "id": "x1" is not a whole number such as 42',
    ),
    "quotes before": (
        {"maker.csv": 'id,name\n1,"a\nb"\nx1,a\n'},
        'seed/maker.csv:4: column "id": "x1" is not a whole number such as 42',
    ),
    "too long": (
        {"maker.csv": f"id,name\n1,{'x' * 41}\n"},
        None,
        f'seed/maker.csv:2: column "name": "{"x" * 41}" is not a text of at most 40 characters',
    ),
    "fields": (
        {"maker.csv": "id,name\n1,a\n2,b,c\n"},
        "seed/maker.csv:3: has 3 fields, but the header names 2 columns (id, name)",
    ),
    "duplicate": (
        {"maker.csv": "id,name\n1,a\n2,b\n1,c\n"},
        'seed/maker.csv:4: id "1" is there already; it must be unique',
    ),
    "duplicate in rows": (
        {"maker.jsonl": '{"id": 1, "name": "a"}\n\n{"id": 2, "name": "a"}\n'},
        'seed/maker.jsonl:3: name "a" is there already; it must be unique',
    ),
    "foreign key": (
        {
            "maker.csv": "id,name\n1,a\n",
            "item.csv": "id,maker_id,name,active\n1,1,x,t\n2,99,y,t\n",
        },
        'seed/item.csv:3: maker_id "99" is not in table "maker"; add that row there',
    ),
    "not UTF-8": ({"maker.csv": b"id,name\n1,\xe9\n"}, "seed/maker.csv:2: byte 0xe9 is not UTF-8"),
    "no table": (
        {"makers.csv": "id\n"},
        'seed/makers.csv: there is no table "makers"; did you mean "maker"?',
    ),
    "empty file": ({"maker.csv": ""}, "seed/maker.csv: the file is empty"),
    "number as text": (
        {"maker.yaml": "- {id: 1, name: 0123}\n"},
        'seed/maker.yaml:1: column "name": "83" is not a text of at most 40 characters; put a text',
    ),
    "enum": (
        {"maker.csv": "id,name\n1,a\n", "item.csv": "id,maker_id,name,colour\n1,1,x,BLUE\n"},
        'seed/item.csv:2: column "colour": "BLUE" is not one of RED, GREEN',
    ),
    "enum without a type": (
        {"maker.csv": "id,name\n1,a\n", "item.csv": "id,maker_id,name,size\n1,1,x,HUGE\n"},
        'seed/item.csv:2: column "size": "HUGE" is not one of SMALL, LARGE',
    ),
    "sql": (
        {"x.sql": "SELECT 1;\n\nINSERT INTO nobody VALUES (1);\n"},
        "seed/x.sql:3: SQLite says: no such table: nobody",
        'seed/x.sql:3: PostgreSQL says: relation "nobody" does not exist',
    ),
}


@pytest.mark.slow
@pytest.mark.usefixtures("known_models")
@pytest.mark.parametrize("case", ["duplicate", "date", "foreign key", "fields", "sql"])
def test_a_bad_fixture_ends_both_databases_at_once(app, tmp_path, recorder, given, case):
    files, sentence, *_ = BAD[case]
    write(app, files)
    said = fail(tmp_path, recorder, metadata=MODELS, fixtures="seed/*", **given)
    assert said.startswith(sentence)


@pytest.mark.usefixtures("known_models")
def test_a_type_decorator_is_told(app, tmp_path, recorder):
    models = app / "shop" / "models.py"
    code = "\n\nclass Loud(TypeDecorator):\n    impl = String\n    cache_ok = True\n\n\n"
    changed = models.read_text().replace("\n\nclass Base", f"{code}class Base", 1)
    changed = changed.replace("    Uuid,\n", "    Uuid,\n    TypeDecorator,\n")
    models.write_text(changed.replace("mapped_column(String(80))", "mapped_column(Loud)"))
    write(app, {"maker.csv": "id,name\n1,a\n", "item.csv": "id,maker_id,name\n1,1,x\n"})
    _MODELS.clear()
    build(tmp_path, recorder, metadata=MODELS, fixtures="seed/*", targets=["sqlite"])
    _MODELS.clear()
    assert recorder.notices[0].startswith("seed/item.csv: item.name has a TypeDecorator")


def write(app: Path, files) -> None:
    shutil.rmtree(app / "seed")
    (app / "seed").mkdir()
    for name, content in files.items():
        (app / "seed" / name).write_bytes(content.encode() if isinstance(content, str) else content)


@pytest.mark.slow
@pytest.mark.parametrize("target", ["sqlite", "postgresql"])
@pytest.mark.parametrize("case", BAD)
@pytest.mark.usefixtures("known_models")
def test_bad_fixtures_are_told_in_one_sentence(app, tmp_path, recorder, given, case, target):
    files, *sentences = BAD[case]
    sentence = sentences[-1] if target == "postgresql" else sentences[0]
    if sentence is None:
        pytest.skip("SQLite has no such rule")
    write(app, files)
    settings = {"metadata": MODELS, "fixtures": "seed/*", "targets": [target], **given}
    assert fail(tmp_path, recorder, **settings).startswith(sentence)


def test_a_bad_run_keeps_nothing_of_an_earlier_work_folder(app, tmp_path, recorder):
    (tmp_path / "out.work").mkdir()
    (tmp_path / "out.work" / "stale").touch()
    write(app, {"maker.csv": "id\n1\n"})
    fail(tmp_path, recorder, metadata=MODELS, fixtures="seed/*", targets=["sqlite"])


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({}, 'stage "databases": set metadata'),
        ({"alembic": "nowhere.ini"}, 'stage "databases": alembic: there is no file "nowhere.ini"'),
        ({"metadata": MODELS, "name": "postgres"}, 'stage "databases": name: PostgreSQL has'),
        ({"metadata": MODELS, "fixtures": "x/*.csv"}, 'fixtures: no file matches "x/*.csv"'),
        ({"metadata": "shop.modles:Base"}, 'metadata "shop.modles:Base": there is no module'),
        ({"metadata": "shop.models:Bass"}, '"Bass" of shop.models:Bass is not there'),
        ({"metadata": "shop.models:Base"}, "shop.models:Base is no SQLAlchemy MetaData"),
        ({"metadata": "shop.broken:Base"}, "importing shop.broken failed: RuntimeError: no luck"),
    ],
)
def test_wrong_settings(app, tmp_path, recorder, settings, sentence):
    assert sentence in fail(tmp_path, recorder, targets=["sqlite"], **settings)


def test_a_failing_migration_is_told(app, tmp_path, recorder):
    migration = app / "migrations" / "versions" / "v1_tables.py"
    migration.write_text(migration.read_text().replace('"item",', '"maker",', 1))
    said = fail(tmp_path, recorder, StageFailed, alembic="alembic.ini", targets=["sqlite"])
    assert "alembic.ini: upgrade head on sqlite failed: OperationalError: table maker al" in said


def test_a_migration_that_goes_elsewhere_is_told(app, tmp_path, recorder):
    env = app / "migrations" / "env.py"
    env.write_text(
        env.read_text().replace('context.config.get_main_option("sqlalchemy.url")', '"sqlite://"')
    )
    said = fail(tmp_path, recorder, StageFailed, alembic="alembic.ini", targets=["sqlite"])
    assert "SLIPWAY_DATABASE_URL" in said


def test_the_server_variable_must_be_set(app, tmp_path, recorder, monkeypatch):
    monkeypatch.delenv("NO_SERVER", raising=False)
    said = fail(tmp_path, recorder, MissingTool, metadata=MODELS, server_env="NO_SERVER")
    assert 'variable "NO_SERVER" is not set on this machine' in said
    monkeypatch.setenv("NO_SERVER", "postgresql+psycopg://u@127.0.0.1:1/x")
    said = fail(tmp_path, recorder, WrongInput, metadata=MODELS, server_env="NO_SERVER")
    assert "the server in NO_SERVER cannot be reached" in said


def test_schemas_are_not_for_sqlite(app, tmp_path, recorder):
    models = app / "shop" / "models.py"
    models.write_text(
        models.read_text().replace(
            '    __tablename__ = "tag"',
            '    __tablename__ = "tag"\n    __table_args__ = {"schema": "s"}',
        )
    )
    said = fail(tmp_path, recorder, metadata=MODELS, targets=["sqlite"])
    assert said.startswith('SQLite has no schemas, but the models use "s"')


@pytest.mark.slow
def test_schemas_are_made_and_read(app, tmp_path, recorder, given):
    models = app / "shop" / "models.py"
    models.write_text(
        models.read_text().replace(
            '    __tablename__ = "tag"',
            '    __tablename__ = "tag"\n    __table_args__ = {"schema": "s"}',
        )
    )
    (app / "seed" / "tag.jsonl").rename(app / "seed" / "s.tag.jsonl")
    settings = {"metadata": MODELS, "fixtures": "seed/*", "targets": ["postgresql"]}
    output = build(tmp_path, recorder, **settings, **given)
    found = json.loads((output / "databases.json").read_text())
    assert found["tables"]["s.tag"] == 3
    assert {"s", "s.tag"} <= {one["on"] for one in found["read-only checks"]}


@pytest.mark.slow
def test_a_real_environment(tmp_path, recorder, monkeypatch, shared_cache):
    """The application's own SQLAlchemy and Alembic, in an environment of its own."""
    shutil.copytree(APP, tmp_path / "app")
    monkeypatch.chdir(tmp_path / "app")
    Path("requirements.txt").write_text("sqlalchemy\nalembic\n")
    job = make_job(
        tmp_path,
        metadata=MODELS,
        alembic="alembic.ini",
        requirements=["requirements.txt"],
        fixtures="seed/*maker.csv",
        targets=["sqlite"],
    ).model_copy(update={"cache": str(shared_cache)})
    databases.run(job, recorder)
    assert recorder.closing.facts["rows"] == 5


def test_guests_need_nothing_of_ours():
    code = "import ast, sys; print(sorted(n.names[0].name for n in ast.walk(ast.parse(open(sys.argv[1]).read())) if isinstance(n, ast.Import)))"  # noqa: E501
    guest = Path(databases.__file__).parent / "guest" / "schema.py"
    done = subprocess.run(
        [sys.executable, "-c", code, guest], capture_output=True, text=True, check=True
    )
    assert "slipway" not in done.stdout
