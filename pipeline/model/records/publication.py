"""Records of publications: releases at targets."""

from __future__ import annotations

from slipway.model.records.base import Timed
from slipway.model.states import PublicationState

__all__ = ["PublicationRecord"]


class PublicationRecord(Timed):
    """A release at a target."""

    target: str
    """The target's name in the stage."""
    kind: str
    state: PublicationState
    place: str
    """Where people find the release: a path or an address. Empty: not known yet."""
    error: str
    """Why it is not there; empty if it is, is on its way, or was removed."""
    files: int
    """The number of files of the release."""
    aside: int
    """How many of them are there and nobody sees them yet."""
    public: int
    """How many of them readers see. None of a release that was removed."""
