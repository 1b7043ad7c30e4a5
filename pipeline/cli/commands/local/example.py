"""`slipway example DIR REPOSITORY`: create a git repository from a copy of a project."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from slipway.git import git
from slipway.model.errors import WrongInput

__all__ = ["run"]

_WHO = ("user.name=Slipway example", "user.email=example@localhost")


def run(options: argparse.Namespace) -> int:
    """Create the repository; an existing one is left unchanged."""
    source, target = options.source.resolve(), options.target.resolve()
    if (target / ".git").exists():
        return 0
    if not source.is_dir():
        msg = f"{options.source} is no folder; name the project to copy"
        raise WrongInput(msg)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        msg = f"{options.target} is there and no git repository; name another or delete it"
        raise WrongInput(msg)
    aside = target.with_name(f".{target.name}.part")
    shutil.rmtree(aside, ignore_errors=True)
    ignored = shutil.ignore_patterns("__pycache__", ".venv", ".pytest_cache", "*.egg-info", "build")
    shutil.copytree(source, aside, ignore=ignored)
    git("init", "--quiet", "--initial-branch=main", cwd=aside)
    git("add", "--all", cwd=aside)
    git("commit", "--quiet", "-m", f"The {source.name} example", cwd=aside, settings=_WHO)
    _make_committable(aside)
    # Atomic: the folder appears complete or not at all.
    aside.rename(target)
    return 0


def _make_committable(folder: Path) -> None:
    """Set an author in a repository if this machine has none: the reader will commit next."""
    try:
        git("var", "GIT_AUTHOR_IDENT", cwd=folder)
    except WrongInput:
        git("config", "user.name", "Slipway example", cwd=folder)
        git("config", "user.email", "example@localhost", cwd=folder)
