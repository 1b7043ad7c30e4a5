"""Shapes of the check of a worker's machine."""

from __future__ import annotations

from typing import Literal

from slipway.www.shapes.base import Shape

__all__ = ["CheckLine", "WorkerCheck"]


class CheckLine(Shape):
    """The outcome of one check."""

    check: str
    state: Literal["good", "warning", "wrong", "missing"]
    found: str
    advice: str
    """What to do about it; empty if it is good."""


class WorkerCheck(Shape):
    """What is right and wrong on a worker's machine, as the worker itself says."""

    worker: str
    connected: bool
    right: bool
    """Whether nothing is wrong or missing; there may be warnings."""
    lines: list[CheckLine]
