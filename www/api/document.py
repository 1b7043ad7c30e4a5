"""The OpenAPI document as the pages keep it: `python -m slipway.www.api.document`.

Their types are made of it where nothing of Slipway is installed yet.
"""

from __future__ import annotations

import json
import sys

from slipway.www.api.openapi import describe
from slipway.www.api.routes import ROUTES

__all__ = ["document"]


def document() -> str:
    """Return the document as a file."""
    return json.dumps(describe(ROUTES), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(document())
