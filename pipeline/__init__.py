"""Slipway takes a Python application from a commit to production, on Buildbot."""

__version__ = "0.1.0"
