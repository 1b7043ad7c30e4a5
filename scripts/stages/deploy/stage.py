"""Settings of the stage that deploys a release."""

from __future__ import annotations

from typing import ClassVar, Literal

from slipway.model.base import Name
from slipway.model.kinds.stage import Stage

__all__ = ["DeployStage"]


class DeployStage(Stage):
    """Bring the run's release to an environment, see that it is healthy, else put the last back."""

    needs_source: ClassVar[bool] = False
    deploys: ClassVar[bool] = True

    uses: Literal["deploy"]
    environment: Name
    """Which of the project's environments."""

    @property
    def deploys_to(self) -> str:
        """The name of the environment."""
        return self.environment
