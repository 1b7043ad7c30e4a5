"""Protocol of a project's scheduler, as the ledger service reports to it."""

from __future__ import annotations

from typing import Protocol

__all__ = ["Pipeline"]


class Pipeline(Protocol):
    """Handler of a project's news in the ledger; the scheduler subscribes as one."""

    def gates_changed(self) -> None:
        """Handle a gate that was created or changed."""

    def stage_passed(self, stage_id: int) -> None:
        """Handle a stage that has passed, by its script."""
