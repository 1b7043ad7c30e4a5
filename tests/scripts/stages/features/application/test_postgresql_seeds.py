"""PostgreSQL seeds for the application under test: restored for real, its own, gone afterwards."""

import sys
import textwrap
from pathlib import Path

import psutil
import psycopg
import pytest

from slipway.model.errors import StageFailed, WrongInput
from slipway.model.protocol.event import Summary
from slipway.model.protocol.job import Input
from slipway.scripts.python_env.interpreter import Environment
from slipway.scripts.stages.features import local as feature_local
from slipway.scripts.stages.features import run as features
from slipway.scripts.stages.features.application.postgresql_seeds import Dump, restored
from slipway.scripts.stages.features.application.process import Application, ApplicationSettings
from slipway.scripts.stages.features.early_start import Started
from slipway.scripts.stages.features.seed_options import read_seeds
from tests.scripts.conftest import MODELS, build

SERVED = """
    import http.server, os, sys, time, urllib.parse
    import psycopg

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            with psycopg.connect(os.environ["SHOP_DATABASE"]) as db:
                if self.path.startswith("/add/"):
                    name = f"{urllib.parse.unquote(self.path[5:])} {time.time()}"
                    db.execute("INSERT INTO maker (name) VALUES (%s)", (name,))
                rows = db.execute("SELECT name FROM maker WHERE name LIKE 'by %'").fetchall()
                seeded = db.execute("SELECT count(*) FROM maker").fetchone()[0] - len(rows)
            found = f"{seeded} makers, more " + " ".join(sorted({row[0][:4] for row in rows}))
            print("asked", os.environ["SHOP_DATABASE"], flush=True)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(found.encode())

        def log_message(self, *args):
            pass

    http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
STEPS = """
    import urllib.request
    from behave import then, when

    def ask(context, path):
        url = context.config.userdata["base_url"] + path
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.read().decode()

    @when("I add a maker")
    def add(context):
        ask(context, f"/add/by%20{context.config.userdata['slipway.process']}")

    @then("nobody else has added any to the {count:d} that were there")
    def alone(context, count):
        process = context.config.userdata["slipway.process"]
        assert ask(context, "/") == f"{count} makers, more by {process}", ask(context, "/")
"""
FEATURE = """
    Feature: Makers {number}
      Scenario: one more, here alone
        When I add a maker
        Then nobody else has added any to the 6 that were there
"""
DATABASE = {"SHOP_DATABASE": "postgresql://{postgresql}"}


@pytest.fixture
def nothing_left():
    """Check that no server is left, but for those that other tests share."""
    before = servers()
    yield
    assert servers() - before == set()


def servers():
    below = psutil.Process().children(recursive=True)
    return {one.ppid() for one in below if one.name() == "postgres"}


@pytest.fixture
def seeds(app, tmp_path, recorder):
    """What the stage `databases` leaves."""
    return build(tmp_path, recorder, metadata=MODELS, fixtures="seed/*", targets=["postgresql"])


def project(folder):
    """Make a project whose features need PostgreSQL; return it, and this Python for it."""
    (folder / "features" / "steps").mkdir(parents=True)
    (folder / "application.py").write_text(textwrap.dedent(SERVED))
    (folder / "features" / "steps" / "all.py").write_text(textwrap.dedent(STEPS))
    for number in range(4):
        text = textwrap.dedent(FEATURE).format(number=number)
        (folder / "features" / f"makers{number}.feature").write_text(text)
    here = Environment(Path(sys.prefix), Path(sys.executable), folder, versions={"slipway": ""})
    return folder, here


@pytest.mark.slow
def test_a_developer_names_a_dump(seeds, tmp_path, recorder, monkeypatch, nothing_left):
    folder, here = project(tmp_path / "walked")
    monkeypatch.setattr(feature_local, "own_environment", lambda *_: here)
    said = {"command": ["python", "application.py", "{port}"], "application-env": DATABASE}
    named = read_seeds([f"makers={seeds / 'tiny_shop.dump'}"])
    assert named.dumps["makers"].roles == seeds / "tiny_shop-roles.sql"
    keys = feature_local.typed({**said, "jobs": 2})
    with Started(here.python, folder, {}, 0) as started:
        page = feature_local.run(
            started, nearest=keys, report=recorder, given=feature_local.Given(seeds=named)
        )
    assert "4 passed" in page.read_text()


@pytest.mark.slow
def test_each_application_writes_to_a_database_of_its_own(
    seeds, tmp_path, recorder, make_job, monkeypatch, nothing_left
):
    folder, here = project(tmp_path / "walked")
    monkeypatch.chdir(folder)
    monkeypatch.setattr(features, "prepare", lambda *_, **__: here)
    inputs = [
        Input(
            stage="databases",
            uses="databases",
            name=file.name,
            path=str(file),
            sha256="0" * 64,
            size=file.stat().st_size,
        )
        for file in sorted(seeds.iterdir())
    ]
    stage = {
        "uses": "features",
        "command": ["python", "application.py", "{port}"],
        "application-env": DATABASE,
        "jobs": 2,
    }
    job = make_job(stage, inputs=inputs)
    features.run(job, recorder)
    assert recorder.of(Summary)[-1].text.startswith("4 scenarios: 4 passed")
    assert (Path(job.output) / "application-2.log").is_file()


@pytest.mark.slow
def test_a_restore_brings_the_seed_back_and_the_password_is_not_told(seeds, tmp_path, nothing_left):
    served = tmp_path / "application.py"
    served.write_text(textwrap.dedent(SERVED))
    dumps = {"tiny_shop": Dump(seeds / "tiny_shop.dump", seeds / "tiny_shop-roles.sql")}
    with restored(dumps) as copies:
        own = copies(1)
        settings = ApplicationSettings(
            (sys.executable, str(served), "{port}"),
            log=tmp_path / "app.log",
            env=DATABASE,
            postgresql=own,
        )
        address = f"postgresql://{own.addresses['tiny_shop']}"
        with Application(settings) as app:
            with psycopg.connect(address) as held:
                held.execute("DELETE FROM tag")
                held.commit()
                app.restore()
            with psycopg.connect(address) as db:
                assert db.execute("SELECT count(*) > 0 FROM tag").fetchone() == (True,)
            app.mark()
            assert own.password not in app.log_tail()
            assert own.password in (tmp_path / "app.log").read_text()
        with pytest.raises(psycopg.OperationalError, match="does not exist"):
            psycopg.connect(address)


@pytest.mark.slow
def test_a_dump_that_is_none_is_told(tmp_path, nothing_left):
    bad = tmp_path / "shop.dump"
    bad.write_bytes(b"no dump")
    told = r'seed "shop" cannot be restored from shop.dump: pg_restore failed .*archive'
    with pytest.raises(StageFailed, match=told), restored({"shop": Dump(bad)}):
        pass


@pytest.mark.parametrize("word", ["{postgresql}", "{postgresql:shop}"])
def test_a_postgresql_seed_that_is_not_there_is_told(tmp_path, word):
    settings = ApplicationSettings((sys.executable, word), log=tmp_path / "log")
    with pytest.raises(WrongInput, match=r"names no seed PostgreSQL database; the seeds are: none"):
        Application(settings).start()
