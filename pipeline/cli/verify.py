"""`slipway verify PATH`."""

from __future__ import annotations

import argparse

from rich.console import Console

from slipway.scripts.verify import check


def run(options: argparse.Namespace) -> int:
    """Check every hash of a release."""
    return check(options.place, Console(highlight=False, emoji=False, soft_wrap=True))
