"""What a step needs of its master: the desk, known by its name and by this much alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Protocol

from slipway.model.protocol.event import ArtefactLeft, TestResult
from slipway.model.protocol.job import Job

#: The name of the service on the master, and of the property that carries a stage's id.
SERVICE = "slipway"
STAGE_PROPERTY = "slipway_stage"


class Incoming(Protocol):
    """An artefact on its way into the store."""

    def write(self, data: bytes) -> None:
        """Take the next block."""

    def commit(self, expected_sha256: str, expected_size: int) -> Path:
        """Keep it, when it is what was announced."""

    def abort(self) -> None:
        """Forget it."""


class Desk(Protocol):
    """The master's ledger and store, as steps use them."""

    async def claim(self, stage_id: int, build_id: int, worker: str) -> Job | None:
        """Give a build its job; None where the attempt has ended already."""

    async def read_secrets(self, job: Job) -> tuple[dict[str, str], tuple[str, ...]]:
        """Read the secrets of a stage; with them come sentences about those it does not get."""

    def tenant(self, job: Job, secrets: Collection[str]) -> str:
        """Return whose the stage is on a worker that keeps tenants apart."""

    def lost(self, stage_id: int) -> None:
        """Count that the worker was lost while an attempt ran."""

    async def left(self, stage_id: int, artefacts: list[ArtefactLeft]) -> None:
        """Write down the artefacts a stage left."""

    async def said(
        self, stage_id: int, exit_code: int, summary: str, facts: dict[str, Any]
    ) -> None:
        """Write down how a stage's script ended."""

    async def tested(self, builder: int, sets: Mapping[str, int], tests: list[TestResult]) -> None:
        """Write down test results, given Buildbot's sets by category."""

    def path(self, sha256: str) -> Path:
        """Return where the store keeps an artefact."""

    def check_room(self, size: int) -> None:
        """Refuse what would take too much of the store's free room; may be called in a thread."""

    def incoming(self) -> Incoming:
        """Return a writer for an artefact."""
