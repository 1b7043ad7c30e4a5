"""Find flaky tests: those that failed and passed at one revision, or passed only when retried."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import ColumnElement, Select, and_, case, func, select
from sqlalchemy.orm import Session

from slipway.ledger.buildbot_index import LETTERS
from slipway.model.protocol.result_sets import ALL, NOT_PASSED
from slipway.www.shapes.tests import Status
from slipway.www.views.test_cases import NAMES, RESULTS, beginning

__all__ = ["FlakyTest", "find_flaky"]

#: Failed, whether it counted or not.
_FAILED: tuple[Status, ...] = ("failed", "error", "quarantined")
_MOST = 100


class _ResultSet(Protocol):
    """What is known of a result set of Buildbot."""

    @property
    def category(self) -> str:
        """What it holds."""

    @property
    def builder(self) -> int:
        """The builder's id."""

    @property
    def build(self) -> int:
        """The build's id."""

    @property
    def revision(self) -> str:
        """The commit that was tested."""


@dataclass(frozen=True)
class FlakyTest:
    """A flaky test."""

    name: str
    failed: int
    """In how many builds it failed, or passed only when retried."""
    newest: int
    """The newest result set that says so."""


def find_flaky(
    session: Session,
    sets: Mapping[int, _ResultSet],
    reported: Collection[int],
    newest: Iterable[int],
) -> list[FlakyTest]:
    """Return the flaky tests, the most frequent first.

    A test that one commit broke and another mended is not flaky: only two results at one revision,
    or a retry that passed, say that the test itself is to blame.

    Args:
        session: A session on the database with Buildbot's tables.
        sets: The result sets of the builds that are looked at, by id.
        reported: Those of tests that did not pass, of builds that were not broken as a whole.
        newest: Those of the newest build of each stage; what fails there is not listed.
    """
    doubtful = _built_again(sets)
    names = _both(session, sets, doubtful, [one for one in reported if one in doubtful])
    names.update(session.scalars(_retried(reported)))
    found = session.execute(_counted(names, reported, [*newest])).all()
    return [FlakyTest(*row) for row in found]


def _built_again(sets: Mapping[int, _ResultSet]) -> set[int]:
    """Return the result sets of builds whose builder has built the same revision again."""
    builds: dict[tuple[int, str], set[int]] = defaultdict(set)
    for one in sets.values():
        builds[one.builder, one.revision].add(one.build)
    return {key for key, one in sets.items() if len(builds[one.builder, one.revision]) > 1}


def _both(
    session: Session, sets: Mapping[int, _ResultSet], doubtful: set[int], reported: list[int]
) -> set[int]:
    """Return the ids of the names of tests that failed and passed at one revision."""
    own, name = RESULTS.c.test_result_setid, RESULTS.c.test_nameid
    failing = select(own, name).where(own.in_(reported), _begins(*_FAILED))
    failed = {(key, row) for key, row in session.execute(failing)}
    if not failed:
        return set()
    of_these = name.in_(failing.with_only_columns(name))
    all_of = [key for key in doubtful if sets[key].category == ALL]
    passing = select(own, name).where(own.in_(all_of), RESULTS.c.value == "1", of_these)
    told = [key for key in doubtful if sets[key].category == NOT_PASSED]
    not_passing = select(own, name).where(own.in_(told), of_these)
    # Skipped and quarantined tests have a "1" among all, too.
    otherwise = {(sets[key].build, row) for key, row in session.execute(not_passing)}
    passed = {
        (sets[key].builder, sets[key].revision, row)
        for key, row in session.execute(passing)
        if (sets[key].build, row) not in otherwise
    }
    return {row for key, row in failed if (sets[key].builder, sets[key].revision, row) in passed}


def _begins(*statuses: Status) -> ColumnElement[bool]:
    found: ColumnElement[bool] = beginning.in_([status[:LETTERS] for status in statuses])
    return found


def _retried(reported: Collection[int]) -> Select[int]:
    """Return the select of the names of tests that passed only when retried."""
    name = RESULTS.c.test_nameid
    return (
        select(name).distinct().where(RESULTS.c.test_result_setid.in_(reported), _begins("flaky"))
    )


def _counted(
    names: Collection[int], reported: Collection[int], newest: list[int]
) -> Select[str, int, int]:
    """Return the select of tests that do not fail in the newest build, with their failures."""
    own, name = RESULTS.c.test_result_setid, RESULTS.c.test_nameid
    fails_now = and_(own.in_(newest), _begins("failed", "error"))
    counted = (
        select(name, func.count().label("times"), func.max(own).label("newest"))
        .where(own.in_(reported), name.in_(names), _begins(*_FAILED, "flaky"))
        .group_by(name)
        .having(func.sum(case((fails_now, 1), else_=0)) == 0)
        .order_by(func.count().desc(), name)
        .limit(_MOST)
        .subquery()
    )
    return (
        select(NAMES.c.name, counted.c.times, counted.c.newest)
        .join(NAMES, NAMES.c.id == counted.c.test_nameid)
        .order_by(counted.c.times.desc(), NAMES.c.name)
    )
