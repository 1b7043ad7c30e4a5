"""Write the pages, feeds and pointers of releases anew, beside a master that may run."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from filelock import Timeout
from sqlalchemy.orm import Session

from slipway.ledger.queries import open_ledger
from slipway.master.releases.site import Decided, Written, decided, rewrite_site, signs_with
from slipway.model.errors import MissingTool, SlipwayError
from slipway.scripts.releases.manifest import MANIFEST
from slipway.state_folder import Home

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from slipway.model.site import Project, Site

__all__ = ["open_site_ledger", "rewrite_sites"]


def open_site_ledger(site: Site, home: Home) -> Engine | None:
    """Open the site's ledger to read; None: it has none yet.

    Raises:
        MissingTool: It cannot be read by this version.
    """
    engine = open_ledger(home.database_url(site))
    folders = (
        home.root / folder / name
        for name, project in site.project.items()
        for folder in project.release_folders
    )
    if engine is None and any(list(one.glob(f"[!.]*/{MANIFEST}")) for one in folders):
        msg = (
            "the ledger is not there, or is of another version of Slipway, so what releases there "
            "are is not known; start slipway up, which brings it up to date"
        )
        raise MissingTool(msg)
    return engine


def rewrite_sites(
    options: argparse.Namespace, site: Site, engine: Engine, name: str
) -> dict[str, Written]:
    """Sign and write the site of a project's releases anew, in each of its folders here.

    Args:
        options: The command's, with the site's file.
        site: The site.
        engine: Its ledger.
        name: The project's name.

    Returns:
        What was written, by the stages' `folder`.

    Raises:
        MissingTool: A file cannot be written or signed.
    """
    home, project = Home.beside(options.config), site.project[name]
    sign = signs_with(site.site, home, options.config.resolve().parent, datetime.now(UTC))
    found = {}
    for folder in project.release_folders:
        place = home.root / folder / name
        try:
            written = rewrite_site(place, lambda: _ask(engine, name, project), sign)
        except (OSError, Timeout, SlipwayError) as error:
            why = getattr(error, "strerror", None) or str(error)
            msg = (
                f"the pages and pointers in {place} are the old ones: {why}; mend that, then run: "
                "slipway release refresh"
            )
            raise MissingTool(msg) from None
        if written is not None:
            found[folder] = written
    return found


def _ask(engine: Engine, name: str, project: Project) -> Decided:
    with Session(engine) as session:
        return decided(session, name, project)
