"""Start slipway_behave in the application's Python.

Usage: python run.py [SETTINGS.json | --fork DESCRIPTOR ...]
"""

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slipway.scripts.stages.features.guest.slipway_behave.main import main
    from slipway.scripts.stages.features.guest.slipway_behave.waiting import (
        FORK,
        fork_processes,
        wait_for_settings,
    )
else:
    from slipway_behave.main import main
    from slipway_behave.waiting import FORK, fork_processes, wait_for_settings

if __name__ == "__main__":
    if sys.argv[1:2] == [FORK]:
        settings = fork_processes(sys.argv[2:])
    else:
        settings = sys.argv[1] if len(sys.argv) > 1 else wait_for_settings()
    sys.exit(main(settings) if settings else 0)
