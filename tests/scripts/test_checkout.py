"""A run's revision in the current folder, whatever earlier runs left there."""

from __future__ import annotations

import subprocess
import zlib
from pathlib import Path

import pytest

from slipway.model.errors import MissingTool, WrongInput
from slipway.model.protocol.job import Source
from slipway.scripts.checkout import take


def git(folder: Path, *words: str) -> str:
    who = ["-c", "user.name=Ann", "-c", "user.email=ann@example.org"]
    done = subprocess.run(
        ["git", *who, *words], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    made = tmp_path / "repository"
    made.mkdir()
    git(made, "init", "-q", "-b", "main")
    (made / ".gitignore").write_text("*.cache\n")
    commit(made, "one")
    return made


def commit(repository: Path, text: str) -> str:
    (repository / "file.txt").write_text(text)
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", text)
    return git(repository, "rev-parse", "HEAD")


@pytest.mark.slow
def test_a_revision_replaces_another_and_what_was_left(repository, tmp_path):
    first = git(repository, "rev-parse", "HEAD")
    folder = tmp_path / "build"
    take(Source(repository=str(repository), revision=first), folder)
    assert (folder / "file.txt").read_text() == "one"
    (folder / "file.txt").write_text("changed")
    (folder / "left.cache").write_text("ignored by git")
    (folder / "left").mkdir()
    second = commit(repository, "two")
    take(Source(repository=str(repository), revision=second), folder)
    assert sorted(p.name for p in folder.iterdir()) == [".git", ".gitignore", "file.txt"]
    assert (folder / "file.txt").read_text() == "two"
    take(Source(repository=str(repository), revision=first), folder)
    assert (folder / "file.txt").read_text() == "one"


@pytest.mark.slow
def test_a_branch_and_a_tag_may_become_folders_of_others(repository, tmp_path):
    folder = tmp_path / "build"
    git(repository, "branch", "fix")
    git(repository, "tag", "v1")
    first = git(repository, "rev-parse", "HEAD")
    take(Source(repository=str(repository), revision=first), folder)
    git(repository, "branch", "-D", "fix")
    git(repository, "tag", "-d", "v1")
    second = commit(repository, "two")
    git(repository, "branch", "fix/one")
    git(repository, "tag", "v1/final")
    take(Source(repository=str(repository), revision=second), folder)
    assert (folder / "file.txt").read_text() == "two"


def test_locks_of_a_killed_git_are_removed(repository, tmp_path):
    folder = tmp_path / "build"
    first = git(repository, "rev-parse", "HEAD")
    take(Source(repository=str(repository), revision=first), folder)
    for name in ("index.lock", "HEAD.lock", "refs/remotes/origin/main.lock"):
        (folder / ".git" / name).touch()
    second = commit(repository, "two")
    take(Source(repository=str(repository), revision=second), folder)
    assert (folder / "file.txt").read_text() == "two"


def test_what_cannot_be_checked_out_is_told(repository, tmp_path, monkeypatch):
    folder = tmp_path / "build"
    revision = git(repository, "rev-parse", "HEAD")
    take(Source(repository=str(repository), revision=revision), folder)
    (folder / ".git" / "index").unlink()
    (folder / ".git" / "index").mkdir()
    with pytest.raises(WrongInput, match=rf"{revision} cannot be checked out in .*build: "):
        take(Source(repository=str(repository), revision=revision), folder)


def test_a_half_made_repository_is_made_anew(repository, tmp_path):
    folder = tmp_path / "build"
    (folder / ".git").mkdir(parents=True)
    revision = git(repository, "rev-parse", "HEAD")
    take(Source(repository=str(repository), revision=revision), folder)
    assert git(folder, "rev-parse", "HEAD") == revision


def test_a_repository_out_of_reach_is_told(tmp_path):
    with pytest.raises(MissingTool, match=r"cannot fetch from .*nowhere.*give the worker access"):
        take(Source(repository=str(tmp_path / "nowhere"), revision="0" * 40), tmp_path / "build")


def test_a_revision_that_is_gone_is_told(repository, tmp_path):
    with pytest.raises(WrongInput, match=rf"has no revision {'0' * 40} any more"):
        take(Source(repository=str(repository), revision="0" * 40), tmp_path / "build")


def by_url(repository: Path, revision: str) -> Source:
    return Source(repository=f"file://{repository}", revision=revision)


@pytest.mark.slow
def test_a_repository_elsewhere_is_kept_and_only_what_is_new_is_fetched(repository, tmp_path):
    cache = tmp_path / "cache"
    first = git(repository, "rev-parse", "HEAD")
    take(by_url(repository, first), tmp_path / "one", cache)
    (mirror,) = (cache / "sources").glob("*.git")
    assert git(mirror, "rev-parse", "refs/heads/main") == first
    # What is there already needs no network.
    repository.rename(tmp_path / "away")
    take(by_url(repository, first), tmp_path / "two", cache)
    assert (tmp_path / "two" / "file.txt").read_text() == "one"
    (tmp_path / "away").rename(repository)
    second = commit(repository, "two")
    take(by_url(repository, second), tmp_path / "three", cache)
    assert (tmp_path / "three" / "file.txt").read_text() == "two"
    assert git(tmp_path / "three", "rev-parse", "origin/main") == second


@pytest.mark.slow
def test_a_mirror_that_a_stage_has_altered_gives_the_right_revision_or_none(repository, tmp_path):
    cache = tmp_path / "cache"
    first = git(repository, "rev-parse", "HEAD")
    take(by_url(repository, first), tmp_path / "one", cache)
    (mirror,) = (cache / "sources").glob("*.git")
    (mirror / "config").write_text("[core]\n bare = nonsense\n[remote\n")
    (mirror / "hooks").mkdir(exist_ok=True)
    take(by_url(repository, first), tmp_path / "two", cache)
    assert (tmp_path / "two" / "file.txt").read_text() == "one"
    # An object of another content under the same name.
    for number, damage in enumerate((b"", b"nonsense", zlib.compress(b"blob 3\0evil"[:11]))):
        for path in (mirror / "objects").rglob("*"):
            if path.is_file():
                path.chmod(0o644)
                path.write_bytes(damage)
        take(by_url(repository, first), tmp_path / f"damaged{number}", cache)
        assert (tmp_path / f"damaged{number}" / "file.txt").read_text() == "one"


@pytest.mark.slow
@pytest.mark.parametrize("what", ["link", "file", "folder of links"])
def test_what_lies_at_a_mirrors_place_is_replaced(repository, tmp_path, what):
    cache = tmp_path / "cache"
    revision = git(repository, "rev-parse", "HEAD")
    take(by_url(repository, revision), tmp_path / "one", cache)
    (mirror,) = (cache / "sources").glob("*.git")
    victim = tmp_path / "victim"
    mirror.rename(victim)
    before = sorted(victim.rglob("*"))
    if what == "link":
        mirror.symlink_to(victim)
    elif what == "file":
        mirror.write_text("x")
    else:
        mirror.mkdir()
        for name in ("objects", "refs", "config"):
            (mirror / name).symlink_to(victim / name)
        (mirror / "HEAD").write_text("ref: refs/heads/main\n")
    take(by_url(repository, revision), tmp_path / "two", cache)
    assert (tmp_path / "two" / "file.txt").read_text() == "one"
    assert sorted(victim.rglob("*")) == before
