"""Find the selected project among those of a master."""

from __future__ import annotations

import argparse

from slipway.cli.remote.client import Remote
from slipway.model.errors import WrongInput
from slipway.model.spelling import did_you_mean

__all__ = ["check_project", "project_of", "run_path"]


def project_of(master: Remote, options: argparse.Namespace) -> str:
    """Return the named project, or the only one there is.

    Raises:
        WrongInput: There is no such project, or there are several and none was named.
    """
    names = check_project(master, options.project)
    if options.project:
        return str(options.project)
    if len(names) > 1:
        msg = f"there are several projects, {', '.join(names)}: name one with --project"
        raise WrongInput(msg)
    return names[0]


def check_project(master: Remote, asked: str | None) -> list[str]:
    """Return the names of all projects.

    Raises:
        WrongInput: The requested project does not exist.
    """
    names = [str(one["name"]) for one in master.get("projects")["items"]]
    if asked is not None and asked not in names:
        msg = f'--project "{asked}" is not there; there are {", ".join(names)}.'
        raise WrongInput(msg + did_you_mean(asked, names))
    return names


def run_path(project: str, number: int) -> str:
    """Return a run's path in the API."""
    return f"runs/{project}/{number}"
