"""Check out a run's revision in the current folder: one fetch, one checkout, a clean tree."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from slipway.git import PATIENCE, clear_locks, git
from slipway.model.errors import MissingTool, WrongInput
from slipway.model.git_names import is_url
from slipway.model.protocol.job import Source
from slipway.scripts import removal

__all__ = ["take"]

#: Git for Windows would otherwise convert line ends, also of files that a project calls text, and
#: refuse long paths. A program's bytes, and all hashes of them, are the same on every worker.
_SETTINGS = (
    "core.autocrlf=false",
    "core.eol=lf",
    "core.longpaths=true",
    "advice.detachedHead=false",
)
#: A local mirror belongs to the master, and the worker may run as another user, which only root can
#: start. Git refuses to serve any other user's repository (CVE-2024-32004), rightly.
_SERVED = "--upload-pack=git -c safe.directory=* upload-pack"
#: Files in .git by which an earlier stage could influence later git commands; deleted first.
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
#: Parts of a repository; if one of these is a link, the repository is created anew.
_PARTS = ("HEAD", "index", "objects", "packed-refs", "refs")


def take(source: Source, folder: Path, cache: Path | None = None) -> None:
    """Make a folder hold exactly one revision, and delete everything that earlier runs left in it.

    Args:
        source: The repository and the revision.
        folder: The folder; created, or created anew if it is not a repository of ours.
        cache: Folder for the mirror of a remote repository, so that only new commits are fetched.
            None: no mirror.

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
    git("clean", "-ffdxq", cwd=folder, settings=_SETTINGS)


def _prepare(inside: Path, *words: str) -> None:
    """Create a repository, or reset the configuration of an existing one.

    Args:
        inside: The repository's own folder: .git, or a bare repository.
        words: Further arguments of `git init`.
    """
    links = [name for name in ("", *_PARTS) if (inside / name).is_symlink()]
    if links or not (inside / "HEAD").is_file():
        # Delete a folder that only looks like one: git would find a repository above it instead.
        _remove(inside)
    for name in _STEERS:
        _remove(inside / name)
    inside.mkdir(exist_ok=True)
    # In an existing repository this rewrites the plain configuration.
    git("init", "--quiet", "--template=", *words, cwd=inside if words else inside.parent)
    clear_locks(inside)


def _remove(path: Path) -> None:
    """Delete a file, a folder or a link, without following links; git reports what remains."""
    if path.parent.is_dir():
        removal.remove(path)


def _has(revision: str, folder: Path) -> bool:
    try:
        git("cat-file", "-e", f"{revision}^{{commit}}", cwd=folder)
    except WrongInput:
        return False
    return True


def _fetch_by_way_of(cache: Path | None, source: Source, folder: Path) -> None:
    """Fetch from an up-to-date mirror in the cache, or else from the repository itself.

    Git verifies each object by its hash on arrival, so a mirror that an earlier stage has altered
    either has the right revision or none.
    """
    if cache is not None and is_url(source.repository):
        name = hashlib.sha256(source.repository.encode()).hexdigest()[:16]
        mirror = cache / "sources" / f"{name}.git"
        try:
            mirror.parent.mkdir(parents=True, exist_ok=True)
            # Imported late: stages whose repository is local do not need it and start faster.
            from filelock import FileLock

            with FileLock(f"{mirror}.lock", timeout=PATIENCE):
                _prepare(mirror, "--bare")
                if not _has(source.revision, mirror):
                    _fetch(source, mirror, heads="+refs/heads/*:refs/heads/*")
                _fetch(Source(repository=str(mirror), revision=source.revision), folder)
            if _has(source.revision, folder):
                return
        except (OSError, WrongInput, MissingTool):
            # The mirror is damaged, or the repository is unreachable; the fetch below reports that.
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
    # Pruned, because a deleted branch "a" would block a new branch "a/b".
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
