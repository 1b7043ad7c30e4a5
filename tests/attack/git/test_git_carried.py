"""What a repository carries, and how much of it: it runs nothing here, and has its bounds."""

from __future__ import annotations

import os
import stat
import subprocess
import sys

import pytest

from slipway import git as gits
from slipway.git import git
from slipway.git_mirror import Mirror
from slipway.model.errors import MissingTool, WrongInput
from slipway.model.protocol.job import Source
from slipway.scripts.checkout import take
from tests.attack.repositories import commit, plain


def hurting(folder, name):
    """Make a program that leaves the file `hurt`."""
    program = folder / name
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(f"#!/bin/sh\ntouch {folder}/hurt\ncat\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


def arm(inside, place):
    """Give a repository every setting and hook that could make git run something."""
    program = hurting(place, "evil.sh")
    for key in (
        "core.fsmonitor",
        "core.sshCommand",
        "core.gitProxy",
        "core.editor",
        "core.pager",
        "core.askPass",
        "credential.helper",
        "diff.external",
        "gpg.program",
        "uploadpack.packObjectsHook",
        "filter.evil.smudge",
        "filter.evil.clean",
        "filter.evil.process",
        "diff.evil.textconv",
        "diff.evil.command",
        "merge.evil.driver",
        "remote.origin.uploadpack",
        "remote.origin.vcs",
        "alias.fetch",
        "alias.log",
        "gc.recentObjectsHook",
    ):
        value = f"!{program}" if key.startswith(("alias.", "credential.")) else str(program)
        subprocess.run(["git", "config", "--file", inside / "config", key, value], check=True)
    for key, value in (
        ("core.hooksPath", str(place / "hooks")),
        ("protocol.ext.allow", "always"),
        ("remote.origin.url", f"ext::{program}"),
        ("remote.origin.promisor", "true"),
        ("extensions.partialClone", "origin"),
        ("core.repositoryFormatVersion", "1"),
        ("log.showSignature", "true"),
        ("submodule.recurse", "true"),
        ("fetch.recurseSubmodules", "true"),
        ("include.path", str(place / "included")),
    ):
        subprocess.run(["git", "config", "--file", inside / "config", key, value], check=True)
    (place / "included").write_text(f"[core]\n\tfsmonitor = {program}\n")
    for name in HOOKS:
        hurting(place, f"hooks/{name}")
        (inside / "hooks").mkdir(exist_ok=True)
        (inside / "hooks" / name).unlink(missing_ok=True)
        (inside / "hooks" / name).symlink_to(place / "hooks" / name)


HOOKS = (
    "applypatch-msg",
    "fsmonitor-watchman",
    "post-checkout",
    "post-index-change",
    "post-merge",
    "pre-auto-gc",
    "pre-receive",
    "proc-receive",
    "push-to-checkout",
    "reference-transaction",
    "update",
)
ATTRIBUTES = "* filter=evil diff=evil merge=evil\n"


@pytest.mark.slow
def test_a_source_that_is_hostile_runs_nothing(repository, place):
    first = plain(repository, "rev-parse", "HEAD")
    head = commit(
        repository, __gitattributes=ATTRIBUTES, pyproject__toml="[project]\nversion='2'\n"
    )
    arm(repository / ".git", place)
    mirror = Mirror(place / "m.git", str(repository), "project.demo.repository")
    mirror.fetch()
    assert mirror.resolve("main").revision == head
    assert mirror.version(head).text == "2"
    assert mirror.files(head) == [".gitattributes", "pyproject.toml"]
    assert mirror.touched(first, head, ["*.toml"])
    assert len(mirror.between(first, head)) == 1
    take(Source(repository=str(repository), revision=head), place / "build")
    assert (place / "build" / "file").read_text() == "one"


def test_an_object_that_is_missing_is_not_fetched_from_where_the_source_says(repository, place):
    blob = plain(repository, "rev-parse", "HEAD:file")
    arm(repository / ".git", place)
    (repository / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    mirror = Mirror(place / "m.git", str(repository), "project.demo.repository")
    with pytest.raises(WrongInput, match="cannot be read"):
        mirror.fetch()


def test_a_mirror_that_was_tampered_with_runs_nothing(repository, place):
    mirror = Mirror(place / "m.git", str(repository), "project.demo.repository")
    mirror.fetch()
    program = hurting(place, "evil.sh")
    for key in ("core.fsmonitor", "diff.external", "gpg.program", "diff.evil.textconv"):
        plain(mirror.folder, "config", key, str(program))
    for name in HOOKS:
        hurting(place, f"hooks/{name}")
    plain(mirror.folder, "config", "core.hooksPath", str(place / "hooks"))
    head = commit(repository, __gitattributes=ATTRIBUTES, file="two")
    mirror.fetch()
    assert mirror.resolve("main").revision == head
    assert mirror.touched(f"{head}^", head, ["file"])


@pytest.mark.slow
def test_what_a_stage_left_in_git_is_not_used_by_the_next(repository, place):
    folder = place / "build"
    first = plain(repository, "rev-parse", "HEAD")
    take(Source(repository=str(repository), revision=first), folder)
    arm(folder / ".git", place)
    (folder / ".git" / "info").mkdir(exist_ok=True)
    (folder / ".git" / "info" / "attributes").write_text(ATTRIBUTES)
    (folder / ".git" / "info" / "exclude").write_text("*\n")
    (folder / ".git" / "objects" / "info").mkdir(exist_ok=True)
    (folder / ".git" / "objects" / "info" / "alternates").write_text("/nowhere\n")
    second = commit(repository, __gitattributes=ATTRIBUTES, file="two")
    take(Source(repository=str(repository), revision=second), folder)
    assert (folder / "file").read_text() == "two"
    assert "evil" not in (folder / ".git" / "config").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("part", ["", "objects", "refs", "HEAD", "index"])
def test_a_link_in_place_of_git_is_not_followed(repository, place, part):
    folder, elsewhere = place / "build", place / "elsewhere"
    first = plain(repository, "rev-parse", "HEAD")
    take(Source(repository=str(repository), revision=first), folder)
    (folder / ".git" / part).rename(elsewhere)
    before = sorted(path.name for path in elsewhere.rglob("*"))
    (folder / ".git" / part).symlink_to(elsewhere)
    second = commit(repository, file="two")
    take(Source(repository=str(repository), revision=second), folder)
    assert not (folder / ".git").is_symlink()
    assert sorted(path.name for path in elsewhere.rglob("*")) == before
    assert (folder / "file").read_text() == "two"


@pytest.mark.slow
@pytest.mark.parametrize(
    "url", ["ext::./hurt.sh", "-u./hurt.sh", "--upload-pack=touch hurt", "file:///etc"]
)
def test_submodules_are_never_asked_for(repository, place, url, monkeypatch):
    (place / "mine").write_text(
        "[submodule]\n\trecurse = true\n[fetch]\n\trecurseSubmodules = true\n"
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(place / "mine"))
    first = plain(repository, "rev-parse", "HEAD")
    modules = f'[submodule "x"]\n\tpath = x\n\turl = {url}\n\tupdate = !touch hurt\n'
    (repository / ".gitmodules").write_text(modules)
    plain(repository, "update-index", "--add", "--cacheinfo", f"160000,{first},x")
    second = commit(repository, file="two")
    mirror = Mirror(place / "m.git", str(repository), "project.demo.repository")
    mirror.fetch()
    take(Source(repository=str(repository), revision=first), place / "build")
    take(Source(repository=str(repository), revision=second), place / "build")
    assert (place / "build" / "file").read_text() == "two"


def test_a_hook_that_calls_us_does_not_lend_us_its_repository(repository, place, monkeypatch):
    (place / "other").mkdir()
    plain(place / "other", "init", "-q")
    monkeypatch.setenv("GIT_DIR", str(place / "other" / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(place / "other"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(place / "other" / "index"))
    top = git("rev-parse", "--show-toplevel", cwd=repository).strip()
    assert repository.samefile(top)


def test_whoever_allows_git_less_keeps_it_so(repository, place, monkeypatch):
    monkeypatch.setenv("GIT_ALLOW_PROTOCOL", "https:ext")
    mirror = Mirror(place / "m.git", str(repository), "project.demo.repository")
    with pytest.raises(WrongInput, match="transport 'file' not allowed"):
        mirror.fetch()


# ---- how much


def test_output_without_end_is_cut(place):
    endless = "!yes endless"
    with pytest.raises(WrongInput, match="printed more than 1000000 bytes"):
        git("evil", cwd=place, settings=(f"alias.evil={endless}",), most=1_000_000)


@pytest.mark.slow
def test_what_git_starts_ends_with_it(place):
    with pytest.raises(WrongInput, match="did not end within 1 seconds"):
        git("evil", cwd=place, settings=("alias.evil=!sleep 30 & wait",), patience=1)


@pytest.mark.slow
def test_a_repository_of_very_many_branches_is_told(repository, place, monkeypatch):
    head = plain(repository, "rev-parse", "HEAD")
    names = "".join(f"create refs/heads/b{number} {head}\n" for number in range(5000))
    subprocess.run(
        ["git", "update-ref", "--stdin"], cwd=repository, input=names, text=True, check=True
    )
    mirror = Mirror(place / "m.git", str(repository), "project.demo.repository")
    mirror.fetch()
    assert len(mirror.branches()) == 5001
    monkeypatch.setattr(gits, "MOST", 10_000)
    with pytest.raises(WrongInput, match="the repository is too large for that"):
        git("for-each-ref", cwd=mirror.folder, most=gits.MOST)


@pytest.mark.slow
def test_a_pyproject_of_any_size_is_not_read_whole(repository, place):
    huge = "[project]\nversion = '7'\n#" + "x" * (2 << 20)
    head = commit(repository, pyproject__toml=huge)
    mirror = Mirror(place / "m.git", str(repository), "project.demo.repository")
    mirror.fetch()
    assert mirror.version(head).text == "0.0.0"


def test_a_repository_of_somebody_else_says_what_to_do(repository, place):
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root can give a folder away")
    for path in (repository, *repository.rglob("*")):
        os.lchown(path, 65534, 65534)
    with pytest.raises(MissingTool) as caught:
        take(Source(repository=str(repository), revision="0" * 40), place / "build")
    assert "safe.directory" in str(caught.value)
