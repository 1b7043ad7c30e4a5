"""`slipway schema`: print pipeline.toml's JSON Schema, or its reference page."""

from __future__ import annotations

import argparse
import sys

from slipway.config.schema import reference, schema_text

__all__ = ["run"]


def run(options: argparse.Namespace) -> int:
    """Print the schema."""
    sys.stdout.write(reference() if options.reference else schema_text())
    return 0
