"""The contract of deployers."""

from __future__ import annotations

from typing import Protocol

from slipway.model.protocol.job import Release

__all__ = ["Way"]


class Way(Protocol):
    """One deployment of a release to an environment, with its rollback."""

    touched: bool
    """True: something has changed in the environment."""
    target: str
    """Name of the place for sentences."""

    @property
    def previous(self) -> Release | None:
        """The release to roll back to, if there is one."""

    @property
    def folder(self) -> str:
        """The folder of the release's artefacts."""

    def deploy(self) -> None:
        """Deploy the release."""

    def put_back(self) -> str:
        """Roll back to the previous release; return what was done, empty if nothing."""

    def settle(self) -> None:
        """Record the healthy release as good: later rollbacks return to it."""

    def close(self) -> None:
        """Release all resources of the deployment."""
