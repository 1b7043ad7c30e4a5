"""Protocols of the master's service that steps use; steps know it by these alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Protocol

from slipway.model.protocol.event import ArtefactLeft, TestResult
from slipway.model.protocol.job import Job

__all__ = ["SERVICE", "STAGE_PROPERTY", "Incoming", "LedgerApi"]

#: Names of the service on the master, and of the property that carries a stage's id.
SERVICE = "slipway"
STAGE_PROPERTY = "slipway_stage"


class Incoming(Protocol):
    """An artefact that is being written into the store."""

    def write(self, data: bytes) -> None:
        """Write the next block."""

    def commit(self, expected_sha256: str, expected_size: int) -> Path:
        """Keep the artefact if hash and size are the announced ones; return its path."""

    def abort(self) -> None:
        """Discard the artefact."""


class LedgerApi(Protocol):
    """The master's ledger and store, as steps use them."""

    async def claim(self, stage_id: int, build_id: int, worker: str) -> Job | None:
        """Return the job of a build, or None if the attempt has already ended."""

    async def read_secrets(self, job: Job) -> tuple[dict[str, str], tuple[str, ...]]:
        """Return the secrets of a stage, and sentences about those that are withheld from it."""

    def tenant(self, job: Job, secrets: Collection[str]) -> str:
        """Return the stage's tenant, for workers that isolate tenants."""

    def record_worker_loss(self, stage_id: int) -> None:
        """Record that the worker was lost during an attempt."""

    async def record_artefacts(self, stage_id: int, artefacts: list[ArtefactLeft]) -> None:
        """Record the artefacts that a stage left."""

    async def record_result(
        self, stage_id: int, exit_code: int, summary: str, facts: dict[str, Any]
    ) -> None:
        """Record the exit code, summary and facts of a stage's script."""

    async def record_tests(
        self, builder: int, sets: Mapping[str, int], tests: list[TestResult]
    ) -> None:
        """Record test results, given the ids of Buildbot's result sets by category."""

    def path(self, sha256: str) -> Path:
        """Return an artefact's path in the store."""

    def check_room(self, size: int) -> None:
        """Raise if the size exceeds the store's available space. May be called in a thread."""

    def incoming(self) -> Incoming:
        """Return a writer for an artefact."""
