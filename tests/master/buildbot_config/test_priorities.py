"""Which builder is served first, by Buildbot's own tables."""

import pytest
import sqlalchemy as sa
from buildbot.db.model import Model

from slipway.master.buildbot_config import priorities
from slipway.master.buildbot_config.priorities import PRIORITY


@pytest.fixture
def connection():
    engine = sa.create_engine("sqlite://")
    Model.metadata.create_all(engine)
    with engine.connect() as opened:
        opened.execute(
            Model.builders.insert(),
            [{"id": n, "name": name, "name_hash": name} for n, name in enumerate("abcd", 1)],
        )
        opened.execute(
            Model.buildsets.insert(), {"id": 1, "submitted_at": 0, "complete": 0, "results": -1}
        )
        yield opened
    engine.dispose()


def request(connection, builder, lane, at, *, claimed=False, complete=0):
    values = {
        "buildsetid": 1,
        "builderid": "abcd".index(builder) + 1,
        "priority": PRIORITY[lane],
        "submitted_at": at,
        "complete": complete,
        "waited_for": 0,
    }
    made = connection.execute(Model.buildrequests.insert().values(values))
    if claimed:
        master = {"name": f"m{at}", "name_hash": f"m{at}", "active": 1, "last_active": 0}
        by = connection.execute(Model.masters.insert().values(master)).inserted_primary_key[0]
        claim = {"brid": made.inserted_primary_key[0], "masterid": by, "claimed_at": 1}
        connection.execute(Model.buildrequest_claims.insert().values(claim))


def order(connection):
    return priorities._waiting(connection, Model)


def test_urgent_first_then_who_waited_longest(connection):
    request(connection, "a", "bulk", 1)
    request(connection, "b", "default", 3)
    request(connection, "c", "default", 2)
    request(connection, "d", "interactive", 9)
    assert order(connection) == ["d", "c", "b", "a"]


def test_one_urgent_request_lifts_its_builder(connection):
    request(connection, "a", "default", 1)
    request(connection, "b", "bulk", 0)
    request(connection, "b", "interactive", 5)
    assert order(connection) == ["b", "a"]


def test_what_does_not_wait_is_left_out(connection):
    request(connection, "a", "interactive", 1, claimed=True)
    request(connection, "b", "interactive", 1, complete=1)
    request(connection, "c", "bulk", 1)
    assert order(connection) == ["c"]


def test_only_builders_that_were_asked_for_are_given():
    class Builder:
        name = "b"

    one = Builder()
    assert priorities._sort(["a", "b", "c"], {"b": one}) == [one]
