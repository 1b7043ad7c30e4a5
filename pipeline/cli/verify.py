"""`slipway verify PATH`."""

from __future__ import annotations

import argparse

from slipway.cli.terminal import terminal
from slipway.scripts.verify import check


def run(options: argparse.Namespace) -> int:
    """Check every hash of a release."""
    return check(options.place, terminal())
