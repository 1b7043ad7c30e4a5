"""Start the command line: `python -m almanac`, or the frozen program."""

from __future__ import annotations

import sys

from almanac.cli import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
