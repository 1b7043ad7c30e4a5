"""A driver of somebody else's: found by its entry point, and harmless when broken."""

from __future__ import annotations

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from slipway.scripts.stages.features.injected_package import importable

pytestmark = pytest.mark.slow

OWN = """
from slipway.sessions.http.session import HttpSession

class OwnSession(HttpSession):
    driver = "own"

def open_session(settings, patience):
    return OwnSession(settings.target())
"""
CHOOSE = """
import sys
from slipway.sessions.drivers import Sessions
from slipway.sessions.errors import DriverMissing, SessionError
from slipway.sessions.settings import Settings

try:
    print(Sessions(Settings("http://127.0.0.1:9")).choose(sys.argv[1:]).driver)
except (DriverMissing, SessionError) as error:
    sys.exit(f"{type(error).__name__}: {error}")
"""


def choose(installed, *tags):
    done = subprocess.run(
        [sys.executable, "-c", CHOOSE, *tags],
        env={**os.environ, "PYTHONPATH": str(installed.folder)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done.stdout.strip() or done.stderr.strip()


def test_a_driver_of_somebody_elses_is_chosen_by_its_tag(installed):
    installed.package("own", {"slipway.drivers": {"own": "own.driver:open_session"}}, driver=OWN)
    assert choose(installed, "session:own") == "own"
    assert choose(installed, "session:http") == "http"
    told = choose(installed, "session:own", "javascript")
    assert told == (
        "SessionError: the tags @javascript and @session:own contradict each other: the driver "
        '"own" runs no JavaScript; leave out one of them'
    )
    assert 'no driver "owm"; did you mean own?' in choose(installed, "session:owm")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("import a_module_that_is_not_there", "ModuleNotFoundError: No module named"),
        ("", "AttributeError: "),
    ],
)
def test_a_broken_driver_is_named_and_the_others_work(installed, text, problem):
    installed.package("own", {"slipway.drivers": {"own": "own.driver:open_session"}}, driver=text)
    told = choose(installed, "session:own")
    assert told.startswith(
        f'DriverMissing: the driver "own" of own 1.2 cannot be loaded: {problem}'
    )
    assert choose(installed) == "http"


def test_what_is_no_function_and_what_two_packages_offer_is_refused(installed):
    installed.package("own", {"slipway.drivers": {"own": "own.driver:text"}}, driver="text = 'x'")
    assert "is no function that opens a session" in choose(installed, "session:own")
    installed.package("two", {"slipway.drivers": {"own": "two.driver:text"}}, driver="text = 'x'")
    assert 'all have a driver "own"; remove all but one' in choose(installed, "session:own")


def test_nobody_takes_the_place_of_slipways_own(installed):
    evil = {"slipway.drivers": {"http": "evil.driver:x"}}
    installed.package("evil", evil, driver="raise SystemExit('taken over')")
    assert choose(installed) == "http"


def test_where_sessions_are_alone_their_drivers_are_found_too(tmp_path):
    folder = importable(SimpleNamespace(versions={}), tmp_path)
    program = (
        f"import sys; sys.path.insert(0, {str(folder)!r})\n"
        "from importlib.metadata import entry_points\n"
        "print(*sorted(one.name for one in entry_points(group='slipway.drivers')))"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-E", "-c", program],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["desktop", "grid", "http", "selenium"]
