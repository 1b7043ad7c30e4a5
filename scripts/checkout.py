"""Getting a run's revision into the current folder: one fetch, one checkout, nothing left over."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from slipway.git import PATIENCE, clear_locks, git
from slipway.model.errors import MissingTool, WrongInput
from slipway.model.git_names import is_url
from slipway.model.protocol.job import Source
from slipway.scripts import removal

#: Git for Windows would change line ends and refuse long paths.
_SETTINGS = ("core.autocrlf=false", "core.longpaths=true", "advice.detachedHead=false")
#: A mirror on this machine is the master's, and the worker may be another user: root alone starts
#: such workers. What is anybody else's git refuses to serve (CVE-2024-32004), as it should.
_SERVED = "--upload-pack=git -c safe.directory=* upload-pack"
#: What an earlier stage may have left in .git to be used by whoever works there next.
_STEERS = (
    "commondir",
    "config",
    "config.worktree",
    "hooks",
    "info",
    "modules",
    "objects/info",
    "shallow",
    "worktrees",
)
#: What makes a repository; where one of these is a link, it is made anew.
_PARTS = ("HEAD", "index", "objects", "packed-refs", "refs")


def take(source: Source, folder: Path, cache: Path | None = None) -> None:
    """Make a folder hold exactly one revision; what earlier runs left in it is removed.

    Args:
        source: The repository and the revision.
        folder: The folder; made, or made anew where it is no repository of ours.
        cache: Where a repository of another machine is kept, to fetch but what is new from there.
            None: nothing is kept.

    Raises:
        MissingTool: This machine cannot reach the repository, or has no git.
        WrongInput: The repository does not have the revision.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _prepare(folder / ".git")
    if not _has(source.revision, folder):
        _fetch_by_way_of(cache, source, folder)
    try:
        words = ("checkout", "--quiet", "--force", "--detach", source.revision, "--")
        git(*words, cwd=folder, settings=_SETTINGS)
    except WrongInput as error:
        if _has(source.revision, folder):
            msg = f"{source.revision} cannot be checked out in {folder}: {error}"
        else:
            msg = f'"{source.repository}" has no revision {source.revision} any more: {error}'
        raise WrongInput(msg) from None
    git("clean", "-ffdxq", cwd=folder)


def _prepare(inside: Path, *words: str) -> None:
    """Make a repository, or one that is there as plain as a new one.

    Args:
        inside: The folder with the repository in it: .git, or a bare one.
        words: More for `git init`.
    """
    links = [name for name in ("", *_PARTS) if (inside / name).is_symlink()]
    if links or not (inside / "HEAD").is_file():
        # Never in a folder that only looks like one: git would walk up to a repository above.
        _remove(inside)
    for name in _STEERS:
        _remove(inside / name)
    inside.mkdir(exist_ok=True)
    # On one that is there this writes the plain configuration anew.
    git("init", "--quiet", "--template=", *words, cwd=inside if words else inside.parent)
    clear_locks(inside)


def _remove(path: Path) -> None:
    """Remove a file, a folder or a link, never what a link leads to; what stays git will meet."""
    if path.parent.is_dir():
        removal.remove(path)


def _has(revision: str, folder: Path) -> bool:
    try:
        git("cat-file", "-e", f"{revision}^{{commit}}", cwd=folder)
    except WrongInput:
        return False
    return True


def _fetch_by_way_of(cache: Path | None, source: Source, folder: Path) -> None:
    """Fetch from a mirror in the cache, once it is up to date, or else from the repository.

    Git names what it fetches by its hash, as it arrives: a mirror that an earlier stage has altered
    has the right revision or none.
    """
    if cache is not None and is_url(source.repository):
        name = hashlib.sha256(source.repository.encode()).hexdigest()[:16]
        mirror = cache / "sources" / f"{name}.git"
        try:
            mirror.parent.mkdir(parents=True, exist_ok=True)
            # Not loading it keeps stages quick whose repository is on this machine.
            from filelock import FileLock

            with FileLock(f"{mirror}.lock", timeout=PATIENCE):
                _prepare(mirror, "--bare")
                if not _has(source.revision, mirror):
                    _fetch(source, mirror, heads="+refs/heads/*:refs/heads/*")
                _fetch(Source(repository=str(mirror), revision=source.revision), folder)
            if _has(source.revision, folder):
                return
        except (OSError, WrongInput, MissingTool):
            # It is spoiled, or the repository is out of reach, which is told below.
            removal.remove(mirror)
    _fetch(source, folder)


def _is_root_s(path: Path) -> bool:
    try:
        return os.name == "posix" and path.stat().st_uid == 0
    except OSError:
        return False


def _fetch(
    source: Source, folder: Path, heads: str = "+refs/heads/*:refs/remotes/origin/*"
) -> None:
    refs = (heads, "+refs/tags/*:refs/tags/*")
    # Pruned, because a branch "a" that has gone stands in the way of a new one "a/b".
    words = ["fetch", "--quiet", "--force", "--prune", "--no-tags", "--no-recurse-submodules"]
    if not is_url(source.repository) and _is_root_s(Path(source.repository)):
        words.append(_SERVED)
    try:
        git(*words, "--end-of-options", source.repository, *refs, cwd=folder, settings=_SETTINGS)
    except WrongInput as error:
        msg = (
            f'this machine cannot fetch from "{source.repository}": {error}; '
            "give the worker access to the repository"
        )
        raise MissingTool(msg) from None
