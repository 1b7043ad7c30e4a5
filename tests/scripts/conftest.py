"""What tests of stage scripts share: a report that remembers, jobs, one cache, a tiny shop."""

import shutil
import sys
from pathlib import Path

import pytest

from slipway.model.errors import WrongInput
from slipway.model.protocol.event import Notice, Summary, TestResult
from slipway.model.protocol.job import Job, RunFacts
from slipway.scripts.postgresql import cluster
from slipway.scripts.python_env import environment
from slipway.scripts.python_env.interpreter import Environment
from slipway.scripts.report import Report, encode
from slipway.scripts.stages.databases import run as databases
from slipway.scripts.stages.databases.schema import Application

EPOCH = 1_700_000_000
APP = Path(__file__).parents[1] / "data" / "databases" / "app"
MODELS = "shop.models:Base.metadata"


class Recorder(Report):
    """A report that keeps everything, and checks that each event fits its line."""

    def __init__(self):
        self.events = []
        self.lines = []

    def emit(self, event):
        encode(event)
        self.events.append(event)

    def log(self, text):
        self.lines.append(text.rstrip("\n"))

    def of(self, kind):
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def tests(self):
        return {f"{one.suite} {one.name}": one for one in self.of(TestResult)}

    @property
    def closing(self):
        (only,) = self.of(Summary)
        return only

    @property
    def notices(self):
        return [event.text for event in self.of(Notice)]

    @property
    def said(self):
        return "\n".join(self.lines)


@pytest.fixture
def recorder():
    return Recorder()


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory):
    """One cache folder for all tests of a session: an environment is made once."""
    folder = tmp_path_factory.getbasetemp() / "shared-cache"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Write files into a new project and make it the current folder."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)

    def write(files):
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        return folder

    write({})
    return write


@pytest.fixture
def make_job(tmp_path, shared_cache):
    def make(stage, **more):
        output = tmp_path / "output"
        output.mkdir(exist_ok=True)
        return Job(
            **{
                "project": "almanac",
                "name": str(stage["uses"]),
                "stage": stage,
                "run": RunFacts(
                    number=7,
                    revision="a" * 40,
                    branch="main",
                    committed_at=EPOCH,
                    version="1.4.0+7",
                ),
                "output": str(output),
                "cache": str(shared_cache),
                "state": str(Path(tmp_path, "state")),
            }
            | more
        )

    return make


@pytest.fixture
def app(tmp_path, monkeypatch):
    """A copy of the application, which runs in these tests' own environment."""
    folder = tmp_path / "app"
    shutil.copytree(APP, folder)
    monkeypatch.chdir(folder)

    def prepare(source, stage, cache, report, tools=(), version=""):
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
def given(server, monkeypatch):
    """The settings that let a build use the tests' own server."""
    monkeypatch.setenv("SHOP_SERVER", server.url("postgres"))
    return {"server_env": "SHOP_SERVER"}


@pytest.fixture(scope="module")
def models_read():
    """What the models said, for all tests of a file."""
    return {}


@pytest.fixture
def known_models(app, models_read, monkeypatch):
    """The models are asked once for all tests that do not change them."""
    real = Application.read_models

    def read_models(self, place, dialects, postgresql=""):
        key = (place, *dialects)
        if key not in models_read:
            models_read[key] = real(self, place, dialects)
        return models_read[key]

    monkeypatch.setattr(Application, "read_models", read_models)


def shop_job(folder: Path, **settings) -> Job:
    return Job.model_validate(
        {
            "project": "tiny-shop",
            "name": "databases",
            "stage": {"uses": "databases", **settings},
            "run": {
                "number": 1,
                "revision": "",
                "branch": "main",
                "committed_at": EPOCH,
                "version": "1",
            },
            "output": str(folder / "out"),
            "cache": str(folder / "cache"),
            "state": str(folder / "state"),
        }
    )


def build(tmp_path, recorder, **settings):
    job = shop_job(tmp_path, **settings)
    databases.run(job, recorder)
    return Path(job.output)


def fail(tmp_path, recorder, kind=WrongInput, **settings) -> str:
    job = shop_job(tmp_path, **settings)
    with pytest.raises(kind) as caught:
        databases.run(job, recorder)
    output = Path(job.output)
    assert not output.exists() or not list(output.iterdir())
    assert sorted(path.name for path in tmp_path.iterdir() if "work" in path.name) == []
    assert "\n" not in str(caught.value)
    return str(caught.value)
