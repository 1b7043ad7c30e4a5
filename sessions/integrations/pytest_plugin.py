"""Sessions for pytest: the fixtures `http_session` and `browser_session`, and their evidence.

pytest loads this in every project where Slipway is installed, so large imports are deferred until
a test uses a session.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from slipway.sessions.drivers import Sessions
    from slipway.sessions.session import Session
    from slipway.sessions.settings import Settings
    from slipway.sessions.visitors import Visitors

__all__ = [
    "application_url",
    "browser_session",
    "http_session",
    "pytest_addoption",
    "pytest_configure",
    "pytest_runtest_makereport",
]

# Not --base-url: the plugin pytest-base-url, which many projects use, owns that name.
_OPTION = "slipway_base_url"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option for the application's address."""
    explanation = "where the application runs, for http_session and browser_session"
    group = parser.getgroup("slipway", "sessions of slipway.sessions")
    group.addoption("--slipway-base-url", dest=_OPTION, metavar="URL", help=explanation)
    parser.addini(_OPTION, explanation)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    text = "session(name): what shows the pages to browser_session, such as grid"
    config.addinivalue_line("markers", text)


@pytest.fixture(scope="session")
def application_url(request: pytest.FixtureRequest) -> str | None:
    """The application's address; a project that starts it overrides this fixture.

    None defers to SLIPWAY_BASE_URL and [tool.slipway.features] of pyproject.toml.
    """
    config = request.config
    # "base_url" is the setting of pytest-base-url, if that is installed.
    values = (config.getoption(_OPTION), config.getini(_OPTION), config.getoption("base_url", None))
    return next((url for url in values if url), None)


@pytest.fixture(scope="session")
def _slipway_settings(request: pytest.FixtureRequest, application_url: str | None) -> Settings:
    from slipway.sessions.settings import read_settings

    values = {"base_url": application_url} if application_url else {}
    return read_settings(values, os.environ, request.config.rootpath)


@pytest.fixture(scope="session")
def _slipway_sessions(_slipway_settings: Settings) -> Iterator[Sessions]:
    """Share one browser among all tests of the run."""
    from slipway.sessions.visitors import sessions_of

    sessions = sessions_of(_slipway_settings)
    yield sessions
    sessions.close()


@pytest.fixture
def http_session(request: pytest.FixtureRequest, _slipway_sessions: Sessions) -> Iterator[Session]:
    """A visitor over plain HTTP, without cookies of other tests."""
    from slipway.sessions.visitors import Visitors

    visitors = _joined(request, Visitors(_slipway_sessions, []))
    yield visitors.first
    visitors.leave()


@pytest.fixture
def browser_session(
    request: pytest.FixtureRequest, _slipway_sessions: Sessions, _slipway_settings: Settings
) -> Iterator[Session]:
    """A visitor in a browser; without one the test fails, or is skipped if the settings say so."""
    from slipway.sessions.errors import DriverMissing
    from slipway.sessions.visitors import Visitors

    marker = request.node.get_closest_marker("session")
    tags = [f"session:{name}" for name in marker.args] if marker else ["javascript"]
    visitors = _joined(request, Visitors(_slipway_sessions, tags))
    try:
        session = visitors.first
    except DriverMissing as missing:
        if _slipway_settings.without_browser == "skip":
            pytest.skip(str(missing))
        pytest.fail(str(missing), pytrace=False)
    yield session
    visitors.leave()


_VISITORS = pytest.StashKey[list["Visitors"]]()


def _joined(request: pytest.FixtureRequest, visitors: Visitors) -> Visitors:
    request.node.stash.setdefault(_VISITORS, []).append(visitors)
    return visitors


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the evidence of its pages to the report of a failed test."""
    report = yield
    visitors = item.stash.get(_VISITORS, [])
    if report.failed and call.when != "teardown" and visitors:
        _add_evidence(item, report, visitors)
    return report


def _add_evidence(item: pytest.Item, report: pytest.TestReport, visitors: list[Visitors]) -> None:
    from slipway.sessions.evidence import write_evidence

    found = [piece for one in visitors for piece in one.evidence()]
    files = write_evidence(item.name, found)
    pages = [f"page: {url}" for one in visitors for url in one.pages()]
    report.sections.append(("Evidence", "\n".join([*pages, *(str(file) for file in files)])))
    report.user_properties += [("evidence", str(file)) for file in files]
    # The JUnit report is written from the item's list.
    item.user_properties[:] = report.user_properties
