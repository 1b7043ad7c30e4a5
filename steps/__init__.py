"""Buildbot steps: the master's side of a stage. Each names a script by its command line only."""

from slipway.steps.stage import (
    Archive,
    Command,
    Databases,
    Deploy,
    Features,
    Freeze,
    Publish,
    StageStep,
    Tests,
)

__all__ = [
    "Archive",
    "Command",
    "Databases",
    "Deploy",
    "Features",
    "Freeze",
    "Publish",
    "StageStep",
    "Tests",
]
