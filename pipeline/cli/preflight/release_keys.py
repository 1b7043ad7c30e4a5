"""Check for a key of releases that cannot sign, or not for long."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from slipway.cli.preflight.findings import Finding, Outlook
from slipway.secrets.release_signer import check_signers

__all__ = ["release_keys"]


def release_keys(outlook: Outlook) -> Iterable[Finding]:
    """Find why no release could be signed here and now.

    Runs no `command` of a secret.
    """
    settings = outlook.site.site
    publishes = any(
        stage.makes_release
        for project in outlook.site.project.values()
        for stage in project.stages.values()
    )
    if not publishes or any(one.command is not None for one in settings.secret_places):
        return
    if problem := check_signers(settings, outlook.home, outlook.folder, datetime.now(UTC)):
        yield Finding(("site",), f"{problem}; no release could be signed")
