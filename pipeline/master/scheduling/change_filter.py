"""Choose the Buildbot changes that start runs."""

from __future__ import annotations

from typing import Any

__all__ = ["POLLED", "ChangesFromElsewhere"]

#: Category of the changes that our own poller adds; it starts their runs itself.
POLLED = "slipway-poll"


class ChangesFromElsewhere:
    """Change filter: changes of one project that our own poller, which starts runs, did not add."""

    def __init__(self, project: str) -> None:
        self._project = project

    def filter_change(self, change: Any) -> bool:
        """Return whether the scheduler hears a change; Buildbot calls it for each."""
        return bool(change.project == self._project and change.category != POLLED)
