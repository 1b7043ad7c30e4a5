"""Every view sends the same number of statements, whatever there is in the ledger."""

import pytest

from slipway.master.gates.finder import ByGate, GateFinder
from slipway.www.shapes.base import Paging
from slipway.www.shapes.gates import GatesQuery
from slipway.www.shapes.runs import ReleasesQuery, RunsQuery
from slipway.www.shapes.tests import CasesQuery, TestsQuery
from slipway.www.views import environments, releases, site, test_cases, tests, workers
from slipway.www.views.gates import gate, gates
from slipway.www.views.runs import run, runs
from tests.www.conftest import ANN

VIEWS = {
    "runs": lambda session, book: runs._list(session, RunsQuery(limit=100), book.site),
    "run": lambda session, book: run._show(session, book.outline, "1", ANN),
    "gates": lambda session, book: gates._list(
        session, GatesQuery(state=["all"], limit=100), book.site, ANN
    ),
    "gate": lambda session, book: gate._find(
        session, GateFinder("demo"), ByGate(1), book.site, ANN
    ),
    "environments": lambda session, book: environments._list(session, book.site, ANN),
    "environment": lambda session, _: environments._history(
        session, "demo", "staging", Paging(limit=100)
    ),
    "releases": lambda session, _: releases._list(session, ReleasesQuery(limit=100)),
    "workers": lambda session, book: workers._read(session, book.site),
    "projects": lambda session, book: site._list(session, book.site, {}),
    "tests": lambda session, _: tests._show(session, TestsQuery()),
    "cases": lambda session, book: test_cases._list(
        session, book.outline, "1", "tests", CasesQuery()
    ),
}


def fill(book, many):
    for number in range(many):
        made = book.start()
        if number % 5 < 4:
            book.pass_all(made, deploy=number % 5 < 2)
    book.session.commit()


@pytest.mark.slow
@pytest.mark.parametrize("name", VIEWS)
def test_five_runs_or_fifty(book, count, name):
    fill(book, 5)
    few = count(lambda session: VIEWS[name](session, book))
    fill(book, 45)
    assert count(lambda session: VIEWS[name](session, book)) == few
    assert few <= 20
