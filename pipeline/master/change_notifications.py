"""Notify open web pages about the runs that a transaction has changed.

Pages subscribe on Buildbot's websocket to `slipway/PROJECT/changed`. The event says that something
changed, not what: the page queries again and gets what its person may see.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import Session

from slipway.ledger.tables.gates import Approval, Deployment, Freeze, Gate
from slipway.ledger.tables.publications import Publication, PublishedFile
from slipway.ledger.tables.releases import ChannelMove, ReleaseBlock
from slipway.ledger.tables.runs import Artefact, Poll, Release, Run, StageResult

__all__ = ["ChangedRuns", "collect_changed_runs", "notify_pages", "watch_gates"]

#: Numbers of runs, by project.
ChangedRuns = dict[str, set[int]]


def collect_changed_runs(session: Session) -> ChangedRuns:
    """Return a dict that a flush listener fills with the numbers of changed runs, by project."""
    changed: ChangedRuns = {}

    def note(_session: Session, _context: Any) -> None:
        for row in (*session.new, *session.dirty, *session.deleted):
            for project, number in _of(row):
                runs = changed.setdefault(project, set())
                if number is not None:
                    runs.add(number)

    event.listen(session, "after_flush", note)
    return changed


def watch_gates(session: Session) -> set[str]:
    """Return a set that a flush listener fills with the projects whose gates were changed."""
    projects: set[str] = set()

    def note(_session: Session, _context: Any) -> None:
        for row in (*session.new, *session.dirty):
            if isinstance(row, Gate):
                projects.add(str(row.run.project))

    event.listen(session, "after_flush", note)
    return projects


def _of(row: Any) -> list[tuple[str, int | None]]:
    if isinstance(row, Approval):
        row = row.gate
    elif isinstance(row, Artefact):
        row = row.stage
    elif isinstance(row, PublishedFile):
        row = row.publication
    if isinstance(row, Publication):
        row = row.release
    if isinstance(row, (StageResult, Gate, Release)):
        row = row.run
    if isinstance(row, Run):
        return [(row.project, row.number)]
    if isinstance(row, (ChannelMove, Deployment, Freeze, Poll, ReleaseBlock)):
        return [(row.project, None)]
    return []


def notify_pages(master: Any, changed: ChangedRuns) -> None:
    """Publish the changes to subscribed pages. Call it after the commit."""
    for project, runs in changed.items():
        master.mq.produce(
            ("slipway", project, "changed"), {"project": project, "runs": sorted(runs)}
        )
