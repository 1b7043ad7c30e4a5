"""What will fail later although pipeline.toml is well written: errors, and warnings.

A look is a function: it gets the site and yields what it finds. New ones go into LOOKS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from slipway.cli.finding import Finding, Outlook
from slipway.cli.outlook_isolation import isolation
from slipway.cli.outlook_people import gates, hashes, roles
from slipway.cli.outlook_secrets import secrets
from slipway.cli.outlook_source import repositories
from slipway.cli.outlook_workers import workers

__all__ = ["LOOKS", "Finding", "Look", "Outlook", "find"]

Look = Callable[[Outlook], Iterable[Finding]]

#: Each look that `slipway check` takes; one of the machine belongs here as well.
LOOKS: tuple[Look, ...] = (repositories, gates, roles, hashes, workers, isolation, secrets)


def find(outlook: Outlook) -> list[Finding]:
    """Return what every look finds."""
    return [finding for look in LOOKS for finding in look(outlook)]
