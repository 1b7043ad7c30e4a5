"""Protocols of the master's service that steps use; steps know it by these alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Protocol

from slipway.model.protocol.delivery import News
from slipway.model.protocol.event import ArtefactLeft, TestResult
from slipway.model.protocol.job import Job

__all__ = [
    "CODE_SERVICE",
    "SERVICE",
    "STAGE_PROPERTY",
    "Carried",
    "CodeApi",
    "Incoming",
    "LedgerApi",
    "ReleaseApi",
]

#: Names of the services on the master, and of the property that carries a stage's id.
SERVICE = "slipway"
CODE_SERVICE = "slipway-code"
STAGE_PROPERTY = "slipway_stage"


class Incoming(Protocol):
    """An artefact that is being written into the store."""

    def write(self, data: bytes) -> None:
        """Write the next block."""

    def commit(self, expected_sha256: str, expected_size: int) -> Path:
        """Keep the artefact if hash and size are the announced ones; return its path."""

    def abort(self) -> None:
        """Discard the artefact."""


class ReleaseApi(Protocol):
    """The master's releases, as steps use them."""

    async def check_keys(self) -> None:
        """Refuse if a release of a run that starts now could not be signed."""

    async def unchanged(self, stage_id: int, job: Job) -> str:
        """Return why there is nothing to release, in one sentence; empty if there is something."""

    async def make(self, stage_id: int, job: Job) -> Job:
        """Make the release of a publish stage; return the job for the worker, with the release."""

    async def promote(self, stage_id: int, job: Job) -> Job:
        """Move the stage's channel to the run's release; return the job with what targets get."""

    async def record(self, stage_id: int, told: Mapping[str, News]) -> None:
        """Record what a stage's script has told of its targets, by their names."""


class LedgerApi(Protocol):
    """The master's ledger and store, as steps use them."""

    @property
    def releases(self) -> ReleaseApi:
        """The site's releases."""

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


class Carried(Protocol):
    """The code of the master's stages, as one file."""

    @property
    def path(self) -> Path:
        """The file."""

    @property
    def size(self) -> int:
        """Its size in bytes."""

    @property
    def key(self) -> str:
        """Its SHA-256."""

    @property
    def version(self) -> str:
        """The version of the master's Slipway."""

    @property
    def records(self) -> tuple[str, ...]:
        """The hashes of what a worker has to have installed, to need nothing of the file."""


class CodeApi(Protocol):
    """The master's code for its workers, as steps use it."""

    async def code_for(self, worker: str) -> Carried | None:
        """Return the code for a worker's stages; None if it has the master's installation."""

    def is_first(self, connection: object) -> bool:
        """Return True once for each connection of a worker."""
