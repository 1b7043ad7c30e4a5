"""What senders of notices know of the site, outside of its master."""

from __future__ import annotations

from pathlib import Path

from slipway.model.notices.sending import SendingSite
from slipway.model.site import Site
from slipway.secrets.reading import given_secret
from slipway.state_folder import Home

__all__ = ["sending_site"]


def sending_site(site: Site, folder: Path, home: Home) -> SendingSite:
    """Return what senders know of the site.

    Args:
        site: The site.
        folder: The folder of its pipeline.toml.
        home: Its state folder.
    """
    return SendingSite(
        title=site.site.title,
        url=site.site.url,
        folder=folder,
        state_folder=home.root,
        secret=lambda place, key: given_secret(place, folder, key),
    )
