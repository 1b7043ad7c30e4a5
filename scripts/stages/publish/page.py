"""Render the page of a release and the list of a project's releases, for people without Slipway."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from slipway.html import templates
from slipway.model.duration import format_duration
from slipway.scripts.humanize import count_text, size_text
from slipway.scripts.releases.manifest import MANIFEST, PAGE, SUMS, Manifest

__all__ = ["project_page", "release_page"]

_ROOM = "slipway.scripts.stages.publish"
#: The counts in a stage's facts, each with its colour and its word.
_COUNTS = (
    ("passed", "passed", "passed"),
    ("failed", "failed", "failed"),
    ("errors", "failed", "broken"),
    ("skipped", "other", "skipped"),
)
_MINUTE = 60


@dataclass(frozen=True)
class _Count:
    number: int
    kind: str
    word: str


@dataclass(frozen=True)
class _Tested:
    """A stage that counted tests or scenarios."""

    stage: str
    seconds: float
    counts: tuple[_Count, ...]


def release_page(release: Manifest) -> str:
    """Render the page of one release."""
    return templates.render(
        f"{_ROOM}/release.html.j2",
        release=release,
        tested=list(_tested(release)),
        manifest=MANIFEST,
        sums=SUMS,
        size_text=size_text,
        length=_length,
        kind=_kind,
        flat=_flat,
    )


def project_page(releases: list[Manifest], latest: str) -> str:
    """Render the list of a project's releases.

    Args:
        releases: The releases, the newest first; at least one.
        latest: The version that `latest` points at.
    """
    return templates.render(
        f"{_ROOM}/project.html.j2",
        releases=releases,
        latest=latest,
        page=PAGE,
        count_text=count_text,
        size_text=size_text,
    )


def _tested(release: Manifest) -> Iterator[_Tested]:
    for stage in release.stages:
        counts = tuple(
            _Count(stage.facts[key], kind, word)
            for key, kind, word in _COUNTS
            if isinstance(stage.facts.get(key), int) and stage.facts[key] > 0
        )
        if counts:
            yield _Tested(stage.stage, stage.seconds, counts)


def _kind(state: str) -> str:
    return state if state in {"passed", "failed"} else "other"


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, object]]:
    """Yield nested facts as flat labels with values."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(inner, f"{path} / {key}" if path else str(key))
    elif isinstance(value, list) and any(isinstance(one, dict | list) for one in value):
        for number, inner in enumerate(value, 1):
            yield from _flat(inner, f"{path} / {number}")
    elif isinstance(value, list):
        yield path, ", ".join(str(one) for one in value) or "none"
    else:
        yield path, value


def _length(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < _MINUTE else format_duration(round(seconds))
