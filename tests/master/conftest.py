"""What tests of the master share: real git repositories, and Slipway's own master.cfg, loaded."""

import importlib
import os
import shutil
import subprocess
import warnings
from pathlib import Path

import pytest
from buildbot.config.master import FileLoader

# buildbot.test makes every warning an error, for whatever is imported or collected after it.
with warnings.catch_warnings():
    importlib.import_module("slipway.master.buildbot_config.master_config")
    importlib.import_module("buildbot.test.steps")

ROOT = Path(__file__).parents[2]
WHO = {
    "GIT_AUTHOR_NAME": "Ann",
    "GIT_AUTHOR_EMAIL": "ann@example.org",
    "GIT_COMMITTER_NAME": "Ann",
    "GIT_COMMITTER_EMAIL": "ann@example.org",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
}


class Repository:
    """A git repository in a folder of its own."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *words):
        done = subprocess.run(
            ["git", *words],
            cwd=self.folder,
            env={**os.environ, **WHO},
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    def commit(self, subject="a change", **files):
        for name, text in (files or {"file": subject}).items():
            (self.folder / name.replace("__", ".")).write_text(text, "utf-8")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", subject)
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path):
    return Repository(tmp_path / "repository")


@pytest.fixture(scope="session")
def site_folder(tmp_path_factory):
    """Return a folder with copies of the site's own files; it has no state yet."""
    folder = tmp_path_factory.mktemp("site")
    for name in ("master.cfg", "pipeline.toml"):
        shutil.copy(ROOT / name, folder)
    return folder


@pytest.fixture(scope="session")
def config(site_folder):
    """Return the site's configuration as Buildbot loads it."""
    before = os.environ.pop("SLIPWAY_STATE", None)
    try:
        return FileLoader(str(site_folder), "master.cfg").loadConfig()
    finally:
        if before is not None:
            os.environ["SLIPWAY_STATE"] = before
