"""The contract of what brings a release to an environment."""

from __future__ import annotations

from typing import Protocol

from slipway.model.protocol.job import Release


class Way(Protocol):
    """One way to bring a release somewhere, and back."""

    touched: bool
    """Whether anything has changed there yet."""
    target: str
    """What sentences call the place."""

    @property
    def previous(self) -> Release | None:
        """What is put back where this fails."""

    @property
    def folder(self) -> str:
        """The folder of the release's artefacts."""

    def deploy(self) -> None:
        """Bring the release there."""

    def put_back(self) -> str:
        """Bring the release before there again; says what was done, nothing if nothing was."""

    def settle(self) -> None:
        """The release is healthy: it is what is gone back to from now on."""

    def close(self) -> None:
        """Let go of the place."""
