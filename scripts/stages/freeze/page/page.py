"""Write the report page of a freeze: what is in the program and why, one file without a network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from slipway.html import templates
from slipway.model.protocol.job import Job
from slipway.scripts.humanize import count_text, size_text
from slipway.scripts.stages.freeze.contents.parts import Part
from slipway.scripts.stages.freeze.libraries.closure import Closure
from slipway.scripts.stages.freeze.page.treemap import Box, squarify

__all__ = ["Facts", "Started", "freeze_page"]

_ROOM = "slipway.scripts.stages.freeze.page"
#: Boxes of the picture; the smallest parts share the last one.
_MOST_BOXES = 24
#: The picture on a wide screen and on a narrow one.
_AREAS = {"broad": (1000, 400), "slim": (340, 460)}
#: Of letters, about as wide as they are.
_LETTER, _LINE = 7.6, 17


@dataclass(frozen=True)
class Started:
    """One start of the program, unfrozen and frozen."""

    command: str
    frozen: float
    unfrozen: float | None = None
    """Seconds; None: it was not started, or goes on by itself."""
    goes_on: bool = False


@dataclass(frozen=True)
class Facts:
    """What the page tells."""

    name: str
    inspected: Mapping[str, Any]
    """The facts of the tree, as in freeze.json."""
    parts: Sequence[Part]
    reasons: Mapping[str, Sequence[str]]
    started: Sequence[Started]
    libraries: Closure
    warnings: Sequence[str] = ()
    lines: Sequence[str] = ()
    """The lines of pipeline.toml that make permanent what was learned."""
    bill: str = ""
    """The name of the bill of materials."""


@dataclass(frozen=True)
class _Drawn:
    """A box of the picture."""

    box: Box
    kind: str
    title: str
    lines: tuple[str, ...]


def freeze_page(job: Job, facts: Facts) -> str:
    """Return the page.

    Args:
        job: The stage and its run.
        facts: What the page tells.
    """
    parts = sorted(facts.parts, key=lambda one: (-one.size, one.key))
    return templates.render(
        f"{_ROOM}/page.html.j2",
        job=job,
        facts=facts,
        parts=parts,
        committed_at=datetime.fromtimestamp(job.run.committed_at, UTC),
        pictures={
            name: (width, height, list(_drawn(parts, width, height)))
            for name, (width, height) in _AREAS.items()
        },
        learned=facts.inspected["added"],
        longest=max(
            [one.frozen for one in facts.started]
            + [one.unfrozen for one in facts.started if one.unfrozen is not None],
            default=0.0,
        ),
        size_text=size_text,
        count_text=count_text,
    )


def _drawn(parts: Sequence[Part], width: int, height: int) -> Iterator[_Drawn]:
    """Yield the boxes of the picture, the largest first."""
    total = sum(one.size for one in parts) or 1
    shown = [one for one in parts if one.size]
    if len(shown) > _MOST_BOXES:
        shown, rest = shown[: _MOST_BOXES - 1], shown[_MOST_BOXES - 1 :]
    else:
        rest = []
    labels = [(one.name, one.version, one.size, one.kind) for one in shown]
    if rest:
        size = sum(one.size for one in rest)
        labels.append((count_text(len(rest), "smaller part"), "", size, "file"))
        labels.sort(key=lambda label: -label[2])
    boxes = squarify([size for _, _, size, _ in labels], width, height)
    for box, (name, version, size, kind) in zip(boxes, labels, strict=True):
        share = f"{size_text(size)} ({size / total:.0%})"
        title = f"{name} {version}".strip() + f": {share}"
        yield _Drawn(box, kind, title, tuple(_fitting(box, (name, size_text(size)))))


def _fitting(box: Box, texts: Sequence[str]) -> Iterator[str]:
    """Yield the texts that fit into a box, one below the other; the first may be cut."""
    letters = int((box.width - 12) / _LETTER)
    for number, text in enumerate(texts):
        # Half a number says something else.
        least = len(text) if number else min(len(text), 5)
        if box.height < _LINE * (number + 1) + 8 or letters < least:
            return
        yield text if len(text) <= letters else f"{text[: letters - 1]}…"
