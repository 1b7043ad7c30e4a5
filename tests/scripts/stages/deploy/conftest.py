"""What tests of deployments share: releases in real archives, and one deployment of them."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import pytest

from slipway.model.protocol.event import Notice, Progress, Summary
from slipway.model.protocol.job import Job
from slipway.scripts.archives.pack import pack_tree
from slipway.scripts.report import Report, encode
from slipway.scripts.stage import do


class Recorder(Report):
    def __init__(self):
        self.events, self.lines = [], []

    def emit(self, event):
        encode(event)
        self.events.append(event)

    def log(self, text):
        self.lines.append(text.rstrip("\n"))


@dataclass
class Deployed:
    """How a deployment went."""

    code: int
    report: Recorder

    def of(self, kind):
        return [event for event in self.report.events if isinstance(event, kind)]

    @property
    def facts(self):
        (only,) = self.of(Summary)
        return only.facts

    @property
    def error(self):
        return next((one.text for one in self.of(Notice) if one.level == "error"), "")

    @property
    def progress(self):
        return [one.text for one in self.of(Progress)]

    @property
    def said(self):
        return "\n".join([*self.report.lines, *(str(one) for one in self.report.events)])


def given(path, **more):
    data = path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    facts = {"stage": "archive", "uses": "archive", "name": path.name, "path": str(path)}
    return facts | {"sha256": digest, "size": len(data)} | more


@pytest.fixture
def make_release(tmp_path):
    """Return a maker of releases: a version, and files beside the one that says it."""

    def make(version, files=None, run=None):
        top = tmp_path / "trees" / version / f"app-{version}"
        for name, text in {"version": version, "bin/app": "x" * 1000, **(files or {})}.items():
            path = top / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        (top / "bin" / "app").chmod(0o755)
        archive = tmp_path / "input" / version / f"app-{version}.tar.zst"
        archive.parent.mkdir(parents=True, exist_ok=True)
        pack_tree(top, archive, epoch=1_700_000_000)
        number = int(version.rpartition("+")[2]) if run is None else run
        return {
            "version": version,
            "run": number,
            "revision": f"{number:040x}",
            "inputs": [given(archive)],
        }

    return make


@pytest.fixture
def make_job(tmp_path):
    def make(release, deployer, health=(), *, stage=None, **more):
        environment = {"deployer": deployer, "health": list(health)}
        return Job.model_validate(
            {
                "project": "app",
                "name": "to-staging",
                "stage": {"uses": "deploy", "environment": "staging", **(stage or {})},
                "run": {
                    "number": release["run"],
                    "revision": release["revision"],
                    "branch": "main",
                    "committed_at": 0,
                    "version": release["version"],
                },
                "output": str(tmp_path / "output"),
                "cache": str(tmp_path / "cache"),
                "state": str(tmp_path / "state"),
                "deployment": {
                    "number": 41,
                    "name": "staging",
                    "environment": environment,
                    "release": release,
                    "person": "ann",
                    **more,
                },
            }
        )

    return make


@pytest.fixture
def deploy(make_job, tmp_path, monkeypatch):
    """Do one deployment in this process."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)

    def go(release, deployer, health=(), **more):
        recorder = Recorder()
        return Deployed(do(make_job(release, deployer, health, **more), recorder), recorder)

    return go


@pytest.fixture
def place(tmp_path):
    return Path(tmp_path, "state", "place")
