"""Buildbot steps: the master's side of a stage. Each names a script by its command line only."""

from slipway.steps.stage import Stage

__all__ = ["Stage"]
