"""Settings of the stage that runs features."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from slipway.model.kinds.features import FeatureKeys
from slipway.model.kinds.stage import ApplicationStage

__all__ = ["FeaturesStage"]


class FeaturesStage(ApplicationStage, FeatureKeys):
    """Run the application's behave features: over plain HTTP, and in a browser where tagged."""

    can_shard: ClassVar[bool] = True
    leaves_products: ClassVar[bool] = False

    uses: Literal["features"]
    machine_retries: int = Field(default=0, ge=0, le=10, alias="machine-retries")
    """Number of automatic retries after a failure of the machine (exit code 3);
    `retries` is about scenarios."""
    profile: str | None = None
    """A profile of [tool.slipway.features.profiles] in the project's pyproject.toml."""
    arguments: tuple[str, ...] = ()
    """More arguments for behave."""
