"""Check for local workers that cannot be isolated from the master, and for keys on them."""

from __future__ import annotations

from collections.abc import Iterable

from slipway.cli.preflight.findings import Finding, Outlook
from slipway.model.kept_keys import check_keys
from slipway.workers.isolation.methods import report

__all__ = ["isolation"]


def isolation(outlook: Outlook) -> Iterable[Finding]:
    """Find local workers whose stages could read the master's files, or another stage's keys."""
    told = report(outlook.site, outlook.home, outlook.folder / "pipeline.toml")
    exposed = [one for one in told if one.way == "none"]
    for one in exposed:
        message = f"{one.description}; its stages run as the master's user and can read all secrets"
        yield Finding(("workers", one.worker), message)
    for breach in check_keys(outlook.site, {one.worker for one in exposed}):
        yield Finding(breach.path, breach.message, error=True)
