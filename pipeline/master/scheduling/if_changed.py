"""Find the stages that `if-changed` skips in a new run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slipway.git_mirror import Mirror
from slipway.model.kinds.stage import Stage

__all__ = ["find_skips"]


def find_skips(
    mirror: Mirror,
    revision: str,
    stages: Mapping[str, Stage],
    passed: Mapping[str, tuple[int, str]],
) -> dict[str, Any]:
    """Return the stages whose files have not changed since they last passed.

    Args:
        mirror: The repository.
        revision: The new run's revision.
        stages: The project's stages.
        passed: The number and revision of the newest run in which each stage passed.

    Returns:
        For each skipped stage the reason, and the run whose result is used instead.
    """
    found = {}
    for name, stage in stages.items():
        if not stage.if_changed or name not in passed:
            continue
        number, old = passed[name]
        if not mirror.touched(old, revision, stage.if_changed):
            paths = ", ".join(stage.if_changed)
            found[name] = {"why": f"nothing in {paths} changed since run {number}", "run": number}
    return found
