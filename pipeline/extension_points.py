"""Registry of everything that packages of others may extend."""

from __future__ import annotations

from typing import Any

from slipway.model.kinds.environment import DEPLOYERS
from slipway.model.kinds.notice import NOTIFIERS
from slipway.model.kinds.registry import Broken, Kinds
from slipway.model.kinds.release_target import TARGETS
from slipway.model.kinds.stage import STAGES

__all__ = ["EXTENSION_POINTS", "broken_kinds"]

EXTENSION_POINTS: tuple[Kinds[Any], ...] = (STAGES, DEPLOYERS, TARGETS, NOTIFIERS)


def broken_kinds() -> list[Broken]:
    """Return all kinds that an installed package offers and that cannot be loaded."""
    return [one for kinds in EXTENSION_POINTS for one in kinds.broken]
