"""A deployer of somebody else's brings a release, and back, by the contract of all deployers."""

from __future__ import annotations

import hashlib
import json

import pytest

pytestmark = pytest.mark.slow

COPY = """
from typing import ClassVar, Literal

from slipway.plugins import Deployer

class CopyDeployer(Deployer):
    "Copy the release's files into a folder."

    runner: ClassVar[str] = "copy_deployer.way:Copy"
    kind: Literal["copy"]
    path: str
    "The folder."
    broken: bool = False
    "True: it fails half way."

    def written_folders(self):
        return {"path": self.path}
"""
WAY = """
import shutil
from pathlib import Path

from slipway.plugins import StageFailed

class Copy:
    previous = None

    def __init__(self, job, deployment, deployer, report):
        self.deployer, self.release = deployer, deployment.release
        self.folder = str(Path(self.release.inputs[0].path).parent)
        self.target, self.touched = deployer.path, False

    def deploy(self):
        self.touched = True
        for one in self.release.inputs:
            shutil.copy(one.path, Path(self.target, one.name))
        if self.deployer.broken:
            raise StageFailed("the folder is not what it was")

    def put_back(self):
        for one in self.release.inputs:
            Path(self.target, one.name).unlink()
        return "the files were taken away again"

    def settle(self):
        Path(self.target, "settled").touch()

    def close(self):
        Path(self.target, "closed").touch()
"""


@pytest.fixture
def deployed(installed, tmp_path):
    """Return what deploys a release with the plugin's deployer in a process of its own."""
    points = {"slipway.deployers": {"copy": "copy_deployer.settings:CopyDeployer"}}
    installed.package("copy-deployer", points, settings=COPY, way=WAY)
    target, given = tmp_path / "target", tmp_path / "given.zip"
    target.mkdir()
    given.write_bytes(b"zip")

    def deploy(**keys):
        one = {
            "stage": "archive",
            "uses": "archive",
            "name": "demo.zip",
            "path": str(given),
            "sha256": hashlib.sha256(b"zip").hexdigest(),
            "size": 3,
        }
        deployer = {"kind": "copy", "path": str(target), **keys}
        run = {"number": 1, "revision": "a" * 40, "branch": "main", "committed_at": 1}
        job = {
            "project": "demo",
            "name": "staging",
            "stage": {"uses": "deploy", "environment": "staging"},
            "run": {**run, "version": "1.0"},
            "deployment": {
                "number": 1,
                "name": "staging",
                "environment": {"deployer": deployer},
                "release": {"version": "1.0", "run": 1, "revision": "a" * 40, "inputs": [one]},
            },
            **{name: str(tmp_path / name) for name in ("output", "cache", "state")},
        }
        words = ("stage", "deploy", "--settings", "-")
        return target, installed.slipway(*words, cwd=tmp_path, text=json.dumps(job))

    return deploy


def test_it_deploys(deployed):
    target, done = deployed()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1.0 is deployed" in done.stdout + done.stderr
    assert sorted(path.name for path in target.iterdir()) == ["closed", "demo.zip", "settled"]


def test_where_it_fails_it_goes_back(deployed):
    target, done = deployed(broken=True)
    assert done.returncode == 1
    told = done.stdout + done.stderr
    assert "1.0 was not deployed: the folder is not what it was" in told
    assert "the files were taken away again" in told
    assert [path.name for path in target.iterdir()] == ["closed"]


def test_a_key_that_it_does_not_have_is_refused(deployed):
    _, done = deployed(pth="x")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
