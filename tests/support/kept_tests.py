"""Results of tests in Buildbot's own tables, written as the step of a stage writes them."""

from buildbot.db.model import Model
from sqlalchemy import insert, select

from slipway.ledger import buildbot_index, run_state
from slipway.model.protocol.event import TestResult
from slipway.model.protocol.result_sets import UNITS


def _add(session, table, **keys):
    return session.execute(insert(table).values(**keys)).inserted_primary_key[0]


def _id_of(session, table, **keys):
    conditions = [table.c[name] == value for name, value in keys.items()]
    known = session.scalar(select(table.c.id).where(*conditions))
    return known or _add(session, table, **keys)


def _request(session, builder):
    """Make a request as Buildbot does, whose tables are tied to each other."""
    buildset = _add(session, Model.buildsets, submitted_at=1, complete=0)
    keys = {"buildsetid": buildset, "builderid": builder, "submitted_at": 1, "complete": 0}
    return _add(session, Model.buildrequests, **keys)


def keep(session, run, results, cell="3.11"):
    """Write down tests as the stage's step does: name to (status, message, seconds)."""
    row = run_state.counting(run)["tests", cell]
    builder = _id_of(
        session, Model.builders, name=f"demo.tests[{cell}]", name_hash=f"demo.tests[{cell}]"
    )
    row.request_id = _request(session, builder)
    row.build_id = _add(
        session,
        Model.builds,
        number=row.id,
        builderid=builder,
        buildrequestid=row.request_id,
        masterid=_id_of(session, Model.masters, name="m", name_hash="m", active=1, last_active=1),
        started_at=1,
        state_string="",
        locks_duration_s=0,
    )
    told = {"number": 0, "name": "tests", "state_string": "", "urls_json": "[]", "hidden": 0}
    step = _add(session, Model.steps, buildid=row.build_id, **told)
    common = {"builderid": builder, "buildid": row.build_id, "stepid": step, "complete": 1}
    bad = sum(one[0] in {"failed", "error", "flaky"} for one in results.values())
    sets = {
        category: _add(
            session,
            Model.test_result_sets,
            category=category,
            value_unit=unit,
            tests_failed=bad,
            **common,
        )
        for category, unit in UNITS.items()
    }
    tests = [
        TestResult(suite="p", name=name, status=status, message=message, seconds=seconds)
        for name, (status, message, seconds) in results.items()
    ]
    buildbot_index.add(session, builder, sets, tests)
    session.flush()
    return row
