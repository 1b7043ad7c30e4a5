"""Check for stages that no connected worker can run, if the site's master answers."""

from __future__ import annotations

from collections.abc import Iterable

from slipway.cli.preflight.findings import Finding, Outlook
from slipway.model.cell import cell_title, cells
from slipway.model.graph import able_workers
from slipway.model.people import ADMIN
from slipway.model.site import connectable

__all__ = ["workers"]

#: Timeout of the master in seconds; checking a file must not wait for a master that hangs.
_PATIENCE = 3


def workers(outlook: Outlook) -> Iterable[Finding]:
    """Find stages whose workers are all disconnected; nothing if no master of this site answers."""
    connected = _connected(outlook)
    if connected is None:
        return
    site = outlook.site
    for project, settings in site.project.items():
        for name, stage in settings.stages.items():
            for cell in cells(stage):
                able = able_workers(cell.stage, site.workers)
                if able and not connected.intersection(able):
                    place = ("project", project, "stages", name)
                    title = cell_title(name, cell.name)
                    message = (
                        f"{title} would wait: of the workers that could run it, "
                        f"{', '.join(able)}, none is connected now"
                    )
                    yield Finding(place, message)


def _connected(outlook: Outlook) -> set[str] | None:
    """Ask this site's master, as its admin, which workers are connected.

    Returns None if it does not answer.
    """
    import httpx

    site = outlook.site.site
    url = f"http://{connectable(site.listen)}:{site.web_port}/plugins/slipway/api/workers"
    try:
        password = outlook.home.admin_password.read_text(encoding="utf-8").strip()
        auth = (ADMIN, password)
        answer = httpx.get(url, auth=auth, timeout=_PATIENCE, trust_env=False)
        workers = answer.raise_for_status().json()["workers"]
        return {one["name"] for one in workers if one["connected"]}
    except (OSError, httpx.HTTPError, ValueError, KeyError, TypeError):
        return None
