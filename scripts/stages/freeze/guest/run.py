"""Start slipway_freeze in the application's Python: `python run.py SETTINGS.json RESULT.json`."""

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slipway.scripts.stages.freeze.guest.slipway_freeze.freeze import main
else:
    from slipway_freeze.freeze import main

if __name__ == "__main__":
    main(*sys.argv[1:])
