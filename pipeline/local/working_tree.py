"""Describe the working tree of a local run: its commit, and the stages to run."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from slipway.git import git
from slipway.git_mirror import described, facts, is_dirty
from slipway.model.errors import WrongInput
from slipway.model.graph import order
from slipway.model.kinds.stage import Stage
from slipway.model.protocol.job import RunFacts
from slipway.model.site import Project
from slipway.model.spelling import did_you_mean
from slipway.model.versions.release import ProjectVersion, find_version, local_version

__all__ = ["Trip", "choose", "find", "run_facts"]


@dataclass(frozen=True)
class Trip:
    """The parameters of one run of a working tree through a pipeline."""

    name: str
    """The project's name."""
    project: Project
    source: Path
    home: Path
    """Folder for the stages' outputs, their caches and releases."""
    run: RunFacts


def find(source: Path) -> ProjectVersion:
    """Return the version of a working tree."""
    # Tags of a repository above an unpacked archive are not the archive's.
    tag = described(source, "HEAD") if (source / ".git").exists() else None
    return find_version(lambda path: _read(source / path), tag)


def run_facts(source: Path, number: int, state: Path | None = None) -> RunFacts:
    """Return the facts of the working tree; uncommitted changes are part of it.

    Args:
        source: The working tree.
        number: The number of the run on this machine.
        state: The state folder; its files do not count as changes of the tree.
    """
    version = find(source).text
    try:
        commit = facts(source, "HEAD")
        branch = git("rev-parse", "--abbrev-ref", "HEAD", cwd=source).strip()
        dirty = is_dirty(source, state)
    except WrongInput:
        # No repository, or no commit yet: everything but publishing a history works.
        now = int(os.environ.get("SOURCE_DATE_EPOCH", time.time()))
        return RunFacts(
            number=number,
            revision="",
            branch="",
            committed_at=now,
            version=local_version(version, number, dirty=True),
            local=True,
            dirty=True,
        )
    return RunFacts(
        number=number,
        revision=commit.revision,
        branch=branch,
        committed_at=commit.committed_at,
        version=local_version(version, number, dirty=dirty),
        subject=commit.subject,
        author=commit.author,
        local=True,
        dirty=dirty,
    )


def _read(path: Path) -> str | None:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def choose(project: Project, asked: Collection[str], *, alone: bool) -> list[str]:
    """Return the stages to run, in the graph's order.

    Args:
        project: The project.
        asked: Names of stages; empty: all stages without gates and deployments.
        alone: True: leave out the stages that they need.

    Raises:
        WrongInput: There is no such stage, or one of them is only for a master.
    """
    stages = project.stages
    wanted = list(asked) or [name for name in stages if not _gated(name, stages)]
    for name in wanted:
        if name not in stages:
            msg = f'there is no stage "{name}"; there are {", ".join(stages)}.'
            raise WrongInput(msg + did_you_mean(name, stages))
    chosen = set(wanted)
    for name in reversed(order(stages)):
        if name in chosen and not alone:
            chosen |= set(stages[name].needs)
    for name in order(stages):
        if name in chosen and stages[name].deploys_to is not None:
            raise WrongInput(_no_deploy(name, wanted))
        if name in asked and stages[name].needs_master:
            msg = f'stage "{name}" has nothing to do here: it prepares what only a master does'
            raise WrongInput(msg)
    return [name for name in order(stages) if name in chosen and not stages[name].needs_master]


def _no_deploy(name: str, wanted: Iterable[str]) -> str:
    """Return the error sentence for deploying stages: only the master knows tests and approvals."""
    text = (
        f'stage "{name}" deploys what a master has tested and published, when somebody opens its '
        "gate; it is not for a working tree"
    )
    return text if name in wanted else f"{text}. Run the others without it: --alone"


def _gated(name: str, stages: Mapping[str, Stage]) -> bool:
    here = stages[name].manual or stages[name].deploys_to is not None
    return here or any(_gated(need, stages) for need in stages[name].needs)
