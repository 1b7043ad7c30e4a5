"""A connection that is lost is dead at once, whatever its process does."""

import sys

import pytest

from slipway.scripts.stages.deploy.remote_session import Lost, Session

pytestmark = pytest.mark.slow
#: Closes its connection and goes on running, as ssh does for a moment on a busy machine.
LINGERING = "import os, time; os.close(0); os.close(1); time.sleep(60)"


def test_a_lost_connection_is_not_alive_while_its_process_still_runs():
    session = Session([sys.executable, "-c", LINGERING], print)
    try:
        with pytest.raises(Lost):
            session.ask("find")
        assert session._process.poll() is None
        assert not session.alive
    finally:
        session._process.kill()
        session.close()
