"""What will fail later although pipeline.toml is well written: errors, and warnings.

A look is a function: it gets the site and yields what it finds. New ones go into LOOKS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from slipway.cli.preflight.findings import Finding, Outlook
from slipway.cli.preflight.isolation import isolation
from slipway.cli.preflight.people import gates, hashes, roles
from slipway.cli.preflight.secrets import secrets
from slipway.cli.preflight.source import repositories
from slipway.cli.preflight.workers import workers

__all__ = ["LOOKS", "Finding", "Look", "Outlook", "find"]

Look = Callable[[Outlook], Iterable[Finding]]

#: Each look that `slipway check` takes; one of the machine belongs here as well.
LOOKS: tuple[Look, ...] = (repositories, gates, roles, hashes, workers, isolation, secrets)


def find(outlook: Outlook) -> list[Finding]:
    """Return what every look finds."""
    return [finding for look in LOOKS for finding in look(outlook)]
