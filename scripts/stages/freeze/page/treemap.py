"""Lay out boxes whose areas are sizes, as near to squares as they can be.

Source: M. Bruls, K. Huizing, J. J. van Wijk, "Squarified Treemaps", 2000.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Box", "squarify"]


@dataclass(frozen=True)
class Box:
    """A rectangle."""

    x: float
    y: float
    width: float
    height: float


def squarify(sizes: Sequence[float], width: float, height: float) -> list[Box]:
    """Return a box for each size; together they fill the area.

    Args:
        sizes: Positive numbers, the largest first.
        width: The area's width.
        height: The area's height.
    """
    total = sum(sizes)
    areas = [size * width * height / total for size in sizes] if total else []
    boxes: list[Box] = []
    free = Box(0, 0, width, height)
    while areas:
        short = min(free.width, free.height)
        count = 1
        while count < len(areas) and _worst(areas[: count + 1], short) <= _worst(
            areas[:count], short
        ):
            count += 1
        row, areas = areas[:count], areas[count:]
        free = _place(row, free, boxes)
    return boxes


def _worst(row: Sequence[float], short: float) -> float:
    """Return how far from a square the worst box of a row along the short side is."""
    thick = sum(row) / short if short else 0.0
    lengths = [area / thick if thick else 0.0 for area in row]
    return max((max(thick / one, one / thick) for one in lengths if one and thick), default=0.0)


def _place(row: Sequence[float], free: Box, boxes: list[Box]) -> Box:
    """Add the boxes of a row; return what is left of the area."""
    upright = free.width >= free.height
    short = free.height if upright else free.width
    thick = sum(row) / short if short else 0.0
    at = 0.0
    for area in row:
        length = area / thick if thick else 0.0
        if upright:
            boxes.append(Box(free.x, free.y + at, thick, length))
        else:
            boxes.append(Box(free.x + at, free.y, length, thick))
        at += length
    if upright:
        return Box(free.x + thick, free.y, max(0.0, free.width - thick), free.height)
    return Box(free.x, free.y + thick, free.width, max(0.0, free.height - thick))
