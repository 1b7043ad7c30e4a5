"""Whether a ledger has changed, told without reading it."""

from slipway.ledger.change_check import Changes
from slipway.ledger.database.session import LedgerSession
from slipway.ledger.tables.runs import Poll


def write(engine, outcome):
    with LedgerSession(engine) as session:
        session.merge(Poll(project="demo", polled_at=1.0, outcome=outcome, failed=False))
        session.commit()


def test_each_write_is_told_once(engine):
    looked = Changes(engine)
    try:
        assert looked.any()
        assert not looked.any()
        for outcome in ("one", "two"):
            write(engine, outcome)
            assert looked.any()
            assert not looked.any()
    finally:
        looked.close()


def test_it_asks_anew_when_it_was_closed(engine):
    looked = Changes(engine)
    assert looked.any()
    looked.close()
    assert looked.any()
    looked.close()
