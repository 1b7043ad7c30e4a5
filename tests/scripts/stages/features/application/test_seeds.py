"""Seed databases for the application: copies to write to, and the way back to the originals."""

import contextlib
import http.client
import sqlite3
import sys
from pathlib import Path

import pytest

from slipway.model.errors import StageFailed, WrongInput
from slipway.scripts.stages.features.application import seeds as application_seeds
from slipway.scripts.stages.features.application.process import Application, ApplicationSettings
from slipway.scripts.stages.features.application.seeds import Seeds

pytestmark = pytest.mark.slow

SERVER = Path(__file__).parents[4] / "data" / "application" / "server.py"
PYTHON = (sys.executable, "-I", "-S", str(SERVER))


def get(app, path):
    asked = http.client.HTTPConnection("127.0.0.1", app.port, timeout=10)
    with contextlib.closing(asked):
        asked.request("GET", path)
        return asked.getresponse().read().decode()


def make_database(path, *names):
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute("CREATE TABLE item (name TEXT)")
        db.executemany("INSERT INTO item VALUES (?)", [(name,) for name in names])
    return path


def names_in(path):
    with contextlib.closing(sqlite3.connect(path)) as db:
        return [name for (name,) in db.execute("SELECT name FROM item ORDER BY name")]


def add(path, name):
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute("INSERT INTO item VALUES (?)", (name,))


def settings(tmp_path, *words, **more):
    return ApplicationSettings((*PYTHON, *words), log=tmp_path / "app.log", **more)


def test_the_application_writes_to_a_copy_that_is_gone_afterwards(tmp_path):
    seed = tmp_path / "shop.dump"
    seed.write_text("as it was")
    made = settings(tmp_path, "file={database}", "body={database:shop}", seeds={"shop": seed})
    with Application(made) as app:
        copy = Path(get(app, "/"))
        assert copy != seed
        assert copy.parent.parent.stat().st_mode & 0o077 == 0
        assert get(app, "/read") == "as it was"
        copy.write_text("changed")
        first = app.port
        app.restore()
        assert app.port == first
        assert get(app, "/read") == "as it was"
    assert seed.read_text() == "as it was"
    assert not copy.parent.parent.exists()


def test_two_seeds_of_one_file_name(tmp_path):
    seeds = {}
    for name in ("shop", "log.book"):
        (tmp_path / name).mkdir()
        seeds[name] = tmp_path / name / "data.sqlite"
        seeds[name].write_text(name)
    words = ("file={database:log.book}", "body={database:shop}")
    with Application(settings(tmp_path, *words, seeds=seeds)) as app:
        assert get(app, "/read") == "log.book"
        assert Path(get(app, "/")).read_text() == "shop"


def test_a_restore_while_it_runs_keeps_the_process(tmp_path):
    seed = make_database(tmp_path / "shop.sqlite", "a", "b")
    made = settings(tmp_path, seeds={"shop": seed}, restores_live=True)
    with Application(made) as app:
        first = get(app, "/")
        copy = app._seeds.copies["shop"]
        with contextlib.closing(sqlite3.connect(copy)) as held:
            held.execute("SELECT * FROM item").fetchall()
            add(copy, "c")
            app.restore()
            assert held.execute("SELECT count(*) FROM item").fetchone() == (2,)
        assert names_in(copy) == ["a", "b"]
        assert get(app, "/") == first


def test_a_locked_database_and_a_dump_are_restored_by_a_restart(tmp_path, monkeypatch):
    monkeypatch.setattr(application_seeds, "_PATIENCE", 0.1)
    seed = make_database(tmp_path / "shop.sqlite", "a")
    dump = tmp_path / "shop.dump"
    dump.write_text("text")
    for seeds in ({"shop": seed}, {"shop": seed, "dump": dump}):
        with Application(settings(tmp_path, seeds=seeds, restores_live=True)) as app:
            first = get(app, "/")
            copy = app._seeds.copies["shop"]
            with contextlib.closing(sqlite3.connect(copy)) as held:
                held.execute("INSERT INTO item VALUES ('b')")
                app.restore()
            assert get(app, "/") != first
            assert names_in(copy) == ["a"]


def test_what_sqlite_leaves_beside_a_copy_is_not_kept(tmp_path):
    seeds = Seeds({"shop": make_database(tmp_path / "shop.sqlite", "a")})
    try:
        seeds.put_back()
        copy = seeds.copies["shop"]
        with contextlib.closing(sqlite3.connect(copy)) as db:
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("INSERT INTO item VALUES ('b')")
            db.commit()
            assert copy.with_name("shop.sqlite-wal").exists()
            seeds.put_back()
        seeds.put_back()
        assert names_in(copy) == ["a"]
    finally:
        seeds.remove()


def test_restoring_a_stopped_application_does_not_start_it(tmp_path):
    app = Application(settings(tmp_path, seeds={"shop": make_database(tmp_path / "s", "a")}))
    app.restore()
    with pytest.raises(StageFailed, match="not running"):
        app.check()
    with Application(settings(tmp_path)) as plain:
        first = get(plain, "/")
        plain.restore()
        assert get(plain, "/") == first


def test_a_seed_that_went_away_is_told(tmp_path):
    seed = make_database(tmp_path / "shop.sqlite", "a")
    app = Application(settings(tmp_path, seeds={"shop": seed}))
    seed.unlink()
    with pytest.raises(StageFailed, match=r'seed "shop": .* cannot be copied to .*: No such file'):
        app.start()


@pytest.mark.parametrize(
    ("word", "seeds", "said"),
    [
        ("{database}", (), r"{database} names no seed database; the seeds are: none;"),
        ("{database}", ("a", "b"), r"the seeds are: a, b; write {database:NAME} with one of them"),
        ("{database:c}", ("a",), r"{database:c} names no seed database; the seeds are: a;"),
    ],
)
def test_placeholders_without_a_seed_are_told(tmp_path, word, seeds, said):
    files = {name: make_database(tmp_path / name, "x") for name in seeds}
    with pytest.raises(WrongInput, match=said):
        Application(settings(tmp_path, word, seeds=files)).start()
