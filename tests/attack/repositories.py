"""A repository that git is told of from outside, and a place where nothing may be hurt."""

from __future__ import annotations

import os
import subprocess

import pytest


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder to work in; whatever an attack runs makes a file `hurt` there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
    yield tmp_path
    assert not list(tmp_path.rglob("hurt")), "a program was run"


def plain(folder, *words):
    """Run git as a person would, without our care."""
    who = ["-c", "user.name=Eve", "-c", "user.email=eve@example.org"]
    done = subprocess.run(
        ["git", *who, *words], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def repository(place):
    """A repository of one commit."""
    folder = place / "repository"
    folder.mkdir()
    plain(folder, "init", "-q", "-b", "main")
    commit(folder, file="one")
    return folder


def commit(folder, **files):
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)
    plain(folder, "add", "-A")
    plain(folder, "commit", "-q", "-m", "a change")
    return plain(folder, "rev-parse", "HEAD")
