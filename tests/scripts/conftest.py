"""What tests of stage scripts share: a report that remembers, a job, one cache for all."""

from pathlib import Path

import pytest

from slipway.model.event import Notice, Summary, TestResult
from slipway.model.job import Job, RunFacts
from slipway.scripts.report import Report, encode

EPOCH = 1_700_000_000


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
