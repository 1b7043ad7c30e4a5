"""What the stage `databases` takes and refuses: its settings, models, migrations and server."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from slipway.model.errors import MissingTool, StageFailed, WrongInput
from slipway.scripts.stages.databases import run as databases
from tests.scripts.conftest import APP, MODELS, build, fail, shop_job


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_failing_migration_is_told(app, tmp_path, recorder):
    migration = app / "migrations" / "versions" / "v1_tables.py"
    migration.write_text(migration.read_text().replace('"item",', '"maker",', 1))
    said = fail(tmp_path, recorder, StageFailed, alembic="alembic.ini", targets=["sqlite"])
    assert "alembic.ini: upgrade head on sqlite failed: OperationalError: table maker al" in said


@pytest.mark.slow
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


@pytest.mark.slow
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
    job = shop_job(
        tmp_path,
        metadata=MODELS,
        alembic="alembic.ini",
        requirements=["requirements.txt"],
        fixtures="seed/*maker.csv",
        targets=["sqlite"],
    ).model_copy(update={"cache": str(shared_cache)})
    databases.run(job, recorder)
    assert recorder.closing.facts["rows"] == 5


@pytest.mark.slow
def test_guests_need_nothing_of_ours():
    code = "import ast, sys; print(sorted(n.names[0].name for n in ast.walk(ast.parse(open(sys.argv[1]).read())) if isinstance(n, ast.Import)))"  # noqa: E501
    guest = Path(databases.__file__).parent / "guest" / "schema.py"
    done = subprocess.run(
        [sys.executable, "-c", code, guest], capture_output=True, text=True, check=True
    )
    assert "slipway" not in done.stdout
