"""`python -m slipway.cli`: the command for environments without it on PATH."""

import sys

from slipway.cli.main import main

sys.exit(main())
