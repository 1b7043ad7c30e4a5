"""Records of deployments."""

from __future__ import annotations

from typing import Any

from slipway.model.parameter import Value
from slipway.model.records.base import Record, Timed
from slipway.model.records.run import OfRun
from slipway.model.states import DeploymentState

__all__ = ["Deployment", "Reached"]


class Reached(Record):
    """A deployment in short form."""

    id: int
    version: str
    run: int
    """The number of the run that made the release."""


class Deployment(OfRun, Timed):
    """A deployment of a release to an environment, successful or not."""

    id: int
    environment: str
    state: DeploymentState
    stage: str
    release_id: int
    manifest_sha256: str
    previous: Reached | None
    """The environment's deployment when this one began."""
    person: str
    values: dict[str, Value]
    """The values of the gate's parameters, without secrets."""
    rollback: bool
    message: str
    facts: dict[str, Any]
    """Details that the deployer has reported."""
    started_at: float
