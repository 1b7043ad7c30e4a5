"""Registry of everything that packages of others may extend."""

from __future__ import annotations

from typing import Any

from slipway.model.environment import DEPLOYERS
from slipway.model.kinds import Broken, Kinds
from slipway.model.notice import NOTIFIERS
from slipway.model.release_target import TARGETS
from slipway.model.stage import STAGES

__all__ = ["EXTENSION_POINTS", "broken_kinds"]

EXTENSION_POINTS: tuple[Kinds[Any], ...] = (STAGES, DEPLOYERS, TARGETS, NOTIFIERS)


def broken_kinds() -> list[Broken]:
    """Return all kinds that an installed package offers and that cannot be loaded."""
    return [one for kinds in EXTENSION_POINTS for one in kinds.broken]
