"""Run all checks for problems that a valid pipeline.toml can still have: errors, and warnings.

A check is a function: it gets the site and yields findings. Add new ones to CHECKS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from slipway.cli.preflight.findings import Finding, Outlook
from slipway.cli.preflight.isolation import isolation
from slipway.cli.preflight.notifiers import notifiers
from slipway.cli.preflight.people import gates, hashes, roles
from slipway.cli.preflight.release_keys import release_keys
from slipway.cli.preflight.secrets import secrets
from slipway.cli.preflight.source import repositories
from slipway.cli.preflight.workers import workers

__all__ = ["CHECKS", "Check", "Finding", "Outlook", "find"]

Check = Callable[[Outlook], Iterable[Finding]]

#: All checks of `slipway check`; checks of the machine belong here as well.
CHECKS: tuple[Check, ...] = (
    *(repositories, gates, roles, hashes, workers, isolation, secrets),
    release_keys,
    notifiers,
)


def find(outlook: Outlook) -> list[Finding]:
    """Return the findings of all checks."""
    return [finding for check in CHECKS for finding in check(outlook)]
