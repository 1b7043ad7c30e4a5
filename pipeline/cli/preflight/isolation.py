"""Check for local workers that cannot be isolated from the master."""

from __future__ import annotations

from collections.abc import Iterable

from slipway.cli.preflight.findings import Finding, Outlook
from slipway.workers.isolation.methods import report

__all__ = ["isolation"]


def isolation(outlook: Outlook) -> Iterable[Finding]:
    """Find local workers whose stages could read the master's files."""
    for one in report(outlook.site, outlook.home, outlook.folder / "pipeline.toml"):
        if one.way == "none":
            message = (
                f"{one.description}; its stages run as the master's user and can read all secrets"
            )
            yield Finding(("workers", one.worker), message)
