"""Getting a run's revision into the current folder: one fetch, one checkout, nothing left over."""

from __future__ import annotations

import shutil
from pathlib import Path

from slipway.model.errors import MissingTool, WrongInput
from slipway.model.job import Source
from slipway.repository import clear_locks, git

#: Git for Windows would change line ends and refuse long paths.
_SETTINGS = (
    "-c",
    "core.autocrlf=false",
    "-c",
    "core.longpaths=true",
    "-c",
    "advice.detachedHead=false",
)


def take(source: Source, folder: Path) -> None:
    """Make a folder hold exactly one revision; what earlier runs left in it is removed.

    Args:
        source: The repository and the revision.
        folder: The folder; made, or made anew where it is no repository of ours.

    Raises:
        MissingTool: This machine cannot reach the repository, or has no git.
        WrongInput: The repository does not have the revision.
    """
    if not (folder / ".git" / "HEAD").is_file():
        # Never in a folder that only looks like one: git would walk up to a repository above.
        shutil.rmtree(folder / ".git", ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        git("init", "--quiet", cwd=folder)
    clear_locks(folder / ".git")
    if not _has(source.revision, folder):
        _fetch(source, folder)
    try:
        git(*_SETTINGS, "checkout", "--quiet", "--force", "--detach", source.revision, cwd=folder)
    except WrongInput as error:
        if _has(source.revision, folder):
            msg = f"{source.revision} cannot be checked out in {folder}: {error}"
        else:
            msg = f'"{source.repository}" has no revision {source.revision} any more: {error}'
        raise WrongInput(msg) from None
    git("clean", "-ffdxq", cwd=folder)


def _has(revision: str, folder: Path) -> bool:
    try:
        git("cat-file", "-e", f"{revision}^{{commit}}", cwd=folder)
    except WrongInput:
        return False
    return True


def _fetch(source: Source, folder: Path) -> None:
    refs = ("+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*")
    # Pruned, because a branch "a" that has gone stands in the way of a new one "a/b".
    words = ("fetch", "--quiet", "--force", "--prune", "--no-tags", source.repository, *refs)
    try:
        git(*_SETTINGS, *words, cwd=folder)
    except WrongInput as error:
        msg = (
            f'this machine cannot fetch from "{source.repository}": {error}; '
            "give the worker access to the repository"
        )
        raise MissingTool(msg) from None
