"""`python -m slipway.cli`: the command where it is not on PATH."""

import sys

from slipway.cli.main import main

sys.exit(main())
