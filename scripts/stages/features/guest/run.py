"""Start slipway_behave in the application's Python: `python run.py SETTINGS.json`."""

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slipway.scripts.stages.features.guest.slipway_behave.main import main
else:
    from slipway_behave.main import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
