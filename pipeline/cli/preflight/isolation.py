"""What `slipway check` says of workers on this machine that cannot be kept from the master's."""

from __future__ import annotations

from collections.abc import Iterable

from slipway.cli.preflight.findings import Finding, Outlook
from slipway.workers.isolation.methods import report


def isolation(outlook: Outlook) -> Iterable[Finding]:
    """Find workers of this machine whose stages could read what is the master's."""
    for one in report(outlook.site, outlook.home, outlook.folder / "pipeline.toml"):
        if one.way == "none":
            message = f"{one.told}; its stages run as the master's user and can read all secrets"
            yield Finding(("workers", one.worker), message)
