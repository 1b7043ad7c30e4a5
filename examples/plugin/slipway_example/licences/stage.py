"""Settings of the stage that checks licences; each docstring gets into schema and reference."""

from typing import Literal

from slipway.plugins import ApplicationStage


class LicencesStage(ApplicationStage):
    """Check that each source file names its licence."""

    uses: Literal["licences"]
    licence: str = "MIT"
    """What a file must say after "SPDX-License-Identifier:"."""
    pattern: str = "**/*.py"
    """Which files are looked at."""
