"""Buildbot steps: the master's side of a stage.

A step knows its stage's script only as a command line.
"""

from slipway.steps.stage import Stage

__all__ = ["Stage"]
