"""What every test gets: orphans that go where they would outside of a test."""

import ctypes
import signal
import sys
from collections import Counter

import pytest
from sqlalchemy import create_engine

from slipway.scripts import guard
from tests.support import standing_server

_PR_SET_CHILD_SUBREAPER = 36


@pytest.fixture(autouse=True)
def orphans_go_to_init():
    """Undo what a stage in this process asks for: no other test shall inherit its orphans."""
    yield
    guard.alone = False
    _adopt_nobody()


def _adopt_nobody():
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


def pytest_configure():
    """Have Ctrl-C tested in the background too: shells have it ignored there."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items):
    """Begin with the files that take longest: one that begins last keeps a single process busy."""
    weights = Counter()
    for one in items:
        weights[one.path] += 10 if "live" in one.keywords else 1 if "slow" in one.keywords else 0
    items.sort(key=lambda one: -weights[one.path])


@pytest.fixture(scope="session", autouse=True)
def settings_of_the_tests(tmp_path_factory):
    """Have what a user's settings hold written elsewhere, by started processes, too."""
    folder = tmp_path_factory.mktemp("settings")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLIPWAY_KNOWN_KEYS", str(folder / "known-keys.json"))
        yield


@pytest.fixture(scope="session")
def make_postgresql():
    """Return a maker of empty databases on a real PostgreSQL server; each has a URL."""
    _adopt_nobody()
    with standing_server.started() as server:
        home = create_engine(server.url("postgres"), isolation_level="AUTOCOMMIT")
        made = []

        def make():
            made.append(f"ledger_{len(made)}")
            with home.connect() as connection:
                connection.exec_driver_sql(f"create database {made[-1]}")
            return server.url(made[-1])

        yield make
        home.dispose()
