"""`slipway stage USES --settings FILE`, and `--keyed` as workers call it."""

from __future__ import annotations

import argparse
import io
import sys

from slipway.scripts import stage
from slipway.scripts.report import ConsoleReport, Report, SequenceReport

__all__ = ["run"]


def run(options: argparse.Namespace) -> int:
    """Run one stage as its job describes."""
    if options.keyed:
        return stage.main_keyed(options.uses)
    on_terminal = options.events == "console" or (options.events == "auto" and sys.stdout.isatty())
    if not on_terminal and isinstance(sys.stdout, io.TextIOWrapper):
        # Events are JSON, which is UTF-8 whatever this machine's code page is.
        sys.stdout.reconfigure(encoding="utf-8", errors="replace")
    report: Report = ConsoleReport() if on_terminal else SequenceReport()
    return stage.main(options.uses, options.settings, report)
