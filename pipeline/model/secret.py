"""Where a secret is kept."""

from __future__ import annotations

from pydantic import model_validator

from slipway.model.base import Part


class SecretPlace(Part):
    """Where a secret is kept; never the secret itself."""

    env: str | None = None
    """Name of the environment variable that holds it."""
    file: str | None = None
    """Path of a file whose first line it is, readable by its owner alone."""

    @model_validator(mode="after")
    def _one_of_both(self) -> SecretPlace:
        if (self.env is None) == (self.file is None):
            msg = 'write either { env = "NAME" } or { file = "path" }'
            raise ValueError(msg)
        return self
