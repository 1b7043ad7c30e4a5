"""Find tests that are newly flaky: they were never so in the same stage on the same branch.

A test is flaky if it passed only when it was retried, or if an attempt of a stage failed by it and
a later one of the same run, so of the same commit, passed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from typing import Any

from sqlalchemy import column, func, literal_column, select, table
from sqlalchemy.orm import Session

from slipway.ledger.buildbot_index import BEGINNING, LETTERS
from slipway.ledger.outbox.derived import Found
from slipway.ledger.tables.outbox import OutboxNotice
from slipway.ledger.tables.runs import Run, StageResult
from slipway.model.notices.details import MOST_TESTS
from slipway.model.notices.events import Event
from slipway.model.protocol.result_sets import ALL, NOT_PASSED
from slipway.model.states import StageState

__all__ = ["newly_flaky"]

#: Maximum number of earlier attempts at a stage that are searched for the same test.
_LOOKED_BACK = 200
#: Maximum number of attempts that are looked at in one transaction.
_BATCH = 100
#: So many of the newest attempts are looked at; older ones have ended long ago.
_RECENT = 5000
#: Maximum number of tests that are remembered as told of at once.
_NAMED = 500
_ENDED = (StageState.PASSED, StageState.FAILED)

_RESULTS = table("test_results", *map(column, ("test_result_setid", "test_nameid", "value")))
_SETS = table("test_result_sets", *map(column, ("id", "buildid", "category")))
_NAMES = table("test_names", column("id"), column("name"))
#: The indexed beginning of a result's value.
_beginning: Any = literal_column(BEGINNING)


def newly_flaky(session: Session, since: float, after: int) -> tuple[list[Found], float, int]:
    """Return an event for each attempt with tests that are newly flaky.

    Args:
        session: The transaction.
        since: The time up to which attempts that have ended were looked at.
        after: Of those that ended at this very time: the id of the last one.

    Returns:
        The events, and `since` and `after` for the next call.
    """
    query = (
        select(StageResult)
        .where(
            # By the primary key: there is no index on the times.
            StageResult.id > (session.scalar(select(func.max(StageResult.id))) or 0) - _RECENT,
            StageResult.finished_at >= since,
            StageResult.state.in_(_ENDED),
            StageResult.build_id.is_not(None),
        )
        .order_by(StageResult.finished_at, StageResult.id)
    )
    found: list[Found] = []
    for result in session.scalars(query.limit(_BATCH)):
        ended = result.finished_at or 0.0
        if (ended, result.id) <= (since, after):
            continue
        since, after = ended, result.id
        found += _of_attempt(session, result)
    return found, since, after


def _of_attempt(session: Session, result: StageResult) -> Iterator[Found]:
    flaky = _tests(session, [result], "flaky") | _passed_again(session, result)
    if not flaky:
        return
    new = flaky - _tests(session, _earlier(session, result), "flaky")
    query = select(_NAMES.c.name).where(_NAMES.c.id.in_(new))
    subject = _subject(result)
    told = _told(session, result.run.project, subject)
    names = sorted({name for name in session.scalars(query) if name not in told})
    if not names:
        return
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    facts = {
        "run_id": result.run_id,
        "stage_id": result.id,
        "stage": result.name,
        "text": f"{names[0]}{more} failed and passed at one commit",
        "tests": [{"stage": result.name, "name": name} for name in names[:MOST_TESTS]],
        "tests_failed": len(names),
        "named": names[:_NAMED],
    }
    at = result.finished_at or 0.0
    yield Found(Event.TEST_FLAKY, f"flaky-{result.id}", at, result.run.project, subject, facts)


def _subject(result: StageResult) -> str:
    """Return what tells a stage's cell on a branch from others, whatever their names are."""
    words = f"{result.run.branch}\n{result.name}\n{result.cell}"
    return f"flaky-{hashlib.sha256(words.encode('utf-8', 'replace')).hexdigest()[:16]}"


def _told(session: Session, project: str, subject: str) -> set[str]:
    """Return the names of the tests that people were told of before."""
    row = OutboxNotice
    query = select(row.facts).where(row.project == project, row.subject == subject)
    return {name for facts in session.scalars(query) for name in facts.get("named", ())}


def _passed_again(session: Session, result: StageResult) -> set[int]:
    """Return the tests that failed in an earlier attempt of this run and pass in this one."""
    before = [
        one
        for one in result.run.stages
        if one.id < result.id and (one.name, one.cell) == (result.name, result.cell)
    ]
    failed = _tests(session, before, "failed", "error")
    if not failed:
        return set()
    passed = (
        select(_RESULTS.c.test_nameid)
        .join(_SETS, _SETS.c.id == _RESULTS.c.test_result_setid)
        .where(
            _SETS.c.buildid == result.build_id,
            _SETS.c.category == ALL,
            _RESULTS.c.test_nameid.in_(failed),
            _RESULTS.c.value == "1",
        )
    )
    # Skipped and quarantined tests have a "1" among all, too.
    return set(session.scalars(passed)) - _tests(session, [result])


def _earlier(session: Session, result: StageResult) -> list[StageResult]:
    """Return earlier attempts at the same cell of the stage on the same branch."""
    run = result.run
    query = (
        select(StageResult)
        .join(Run)
        .where(
            Run.project == run.project,
            Run.branch == run.branch,
            StageResult.name == result.name,
            StageResult.cell == result.cell,
            StageResult.id < result.id,
        )
    )
    return list(session.scalars(query.order_by(StageResult.id.desc()).limit(_LOOKED_BACK)))


def _tests(session: Session, results: Collection[StageResult], *statuses: str) -> set[int]:
    """Return the tests of attempts that did not plainly pass, by their ids; with some statuses."""
    builds = [one.build_id for one in results if one.build_id is not None]
    if not builds:
        return set()
    query = (
        select(_RESULTS.c.test_nameid)
        .join(_SETS, _SETS.c.id == _RESULTS.c.test_result_setid)
        .where(_SETS.c.buildid.in_(builds), _SETS.c.category == NOT_PASSED)
    )
    if statuses:
        query = query.where(_beginning.in_([status[:LETTERS] for status in statuses]))
    return set(session.scalars(query))
