"""Records of runs."""

from __future__ import annotations

from pydantic import AliasGenerator, ConfigDict

from slipway.model.records.base import Timed
from slipway.model.records.commit import CommitFacts, CommitMark
from slipway.model.records.stage import ListedStage
from slipway.model.states import RunState

__all__ = ["ListedRun", "OfRun", "RunMark", "RunRecord"]


class RunMark(CommitMark):
    """A run in short form, without its number."""

    project: str
    version: str
    branch: str


class OfRun(RunMark):
    """The run of a release, a gate or a deployment."""

    run: int
    """The run's number."""


class RunRecord(RunMark, CommitFacts, Timed):
    """A run."""

    id: int
    number: int
    """Its number in the project, from 1."""
    state: RunState
    trigger: str
    """The trigger: poll, force, rerun."""
    person: str
    """The person who started it; empty for a poll."""
    reason: str
    started_at: float
    superseded_by: int | None
    """The number of the newer run that cancelled the stages this one had not begun."""


class ListedRun(RunRecord):
    """A run with its stages, as `slipway runs` lists it."""

    model_config = ConfigDict(
        # The JSON of `slipway runs` has had another word for the person from the beginning.
        alias_generator=AliasGenerator(
            serialization_alias=lambda name: "owner" if name == "person" else name
        )
    )

    releases: list[str]
    """The places of its releases."""
    stages: dict[str, ListedStage]
    """By title; the title of a cell looks like "tests[3.12]"."""
