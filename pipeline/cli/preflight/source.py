"""Check for repositories that are missing, or lack configured branches or versions."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

from slipway.cli.preflight.findings import Finding, Outlook
from slipway.git import git
from slipway.git_mirror import Mirror, project_version
from slipway.model.errors import SlipwayError
from slipway.model.git_names import is_pattern, is_url
from slipway.model.site import Project

__all__ = ["repositories"]

#: Maximum number of branch names in a message.
_MOST_SHOWN = 10
_MOST = 10_000


def repositories(outlook: Outlook) -> Iterable[Finding]:
    """Find missing local repositories, missing branches, and missing versions.

    A repository at a URL is read from the mirror of the last poll, if there is one: checking a file
    uses no network.
    """
    for name, project in outlook.site.project.items():
        place = ("project", name)
        written = project.repository
        if is_url(written):
            folder = outlook.home.mirror(name)
            yield from _secrets(written, place)
        else:
            folder = outlook.folder / Path(written).expanduser()
            if not folder.exists():
                message = (
                    f'"{written}" is not there; write a git URL or the path of a git repository'
                )
                yield Finding((*place, "repository"), message, error=True)
                continue
            if not _is_repository(folder):
                message = (
                    f'"{written}" is no git repository; make it one (git init), or name another'
                )
                yield Finding((*place, "repository"), message, error=True)
                continue
        if folder.exists():
            yield from _inside(folder, project, place)


def _secrets(url: str, place: tuple[str, ...]) -> Iterable[Finding]:
    if "://" in url and urlsplit(url).password:
        message = (
            "the URL holds a password, and pages and logs show it; keep it with a credential "
            "helper of git's, or use ssh"
        )
        yield Finding((*place, "repository"), message)


def _is_repository(folder: Path) -> bool:
    # Not by asking git alone: it would find a repository in a parent folder.
    return any((inside / "HEAD").is_file() for inside in (folder, folder / ".git")) or (
        (folder / ".git").is_file()
    )


def _inside(folder: Path, project: Project, place: tuple[str, ...]) -> Iterable[Finding]:
    mirror = Mirror(folder, project.repository, ".".join((*place, "repository")))
    try:
        git("rev-parse", "--git-dir", cwd=folder)
        heads = mirror.heads(_MOST)
    except SlipwayError as error:
        yield Finding((*place, "repository"), f'"{project.repository}" cannot be read: {error}')
        return
    if not heads:
        yield Finding((*place, "repository"), "it has no commits; make the first one")
        return
    for branch in project.branches:
        if is_pattern(branch) or branch in heads:
            continue
        more = f" and {len(heads) - _MOST_SHOWN} more" if len(heads) > _MOST_SHOWN else ""
        has = ", ".join(list(heads)[:_MOST_SHOWN]) + more
        yield Finding((*place, "branches"), f'there is no branch "{branch}"; there are {has}')
    head = heads.get(project.default_branch)
    if head is not None:
        found = project_version(folder, head)
        if found.trouble:
            message = f"releases would be {found.text}+N: {found.trouble}"
            yield Finding((*place, "repository"), message)
