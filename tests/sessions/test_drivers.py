"""Which session a scenario's tags ask for, and what becomes of it between scenarios."""

from __future__ import annotations

from contextlib import suppress

import psutil
import pytest

from slipway.sessions import DriverMissing, SessionError
from slipway.sessions.drivers import Choice, Sessions, driver_of
from slipway.sessions.http.session import HttpSession
from slipway.sessions.settings import Settings


@pytest.fixture
def sessions(application):
    kept = Sessions(Settings(application.url), patience=30)
    yield kept
    kept.close()


@pytest.mark.parametrize(
    ("tags", "choice"),
    [
        ([], Choice("http")),
        (["slow", "wip"], Choice("http")),
        (["javascript"], Choice("selenium")),
        (["@javascript"], Choice("selenium")),
        (["session:grid"], Choice("grid")),
        (["@session:grid", "@session:grid"], Choice("grid")),
        (["javascript", "session:grid"], Choice("grid")),
        (["insulated"], Choice("http", insulated=True)),
        (["javascript", "insulated"], Choice("selenium", insulated=True)),
        (["desktop-only", "session:desktop"], Choice("desktop")),
    ],
)
def test_tags_choose_a_driver(tags, choice):
    assert driver_of(tags) == choice


def test_settings_say_the_default_and_what_javascript_is():
    assert driver_of([], "selenium") == Choice("selenium")
    assert driver_of(["javascript"], javascript="grid") == Choice("grid")
    assert driver_of(iter(["session:http"]), "selenium") == Choice("http")


@pytest.mark.parametrize(
    ("tags", "sentence"),
    [
        (["session:http", "session:grid"], "@session:grid and @session:http contradict"),
        (["javascript", "session:http"], '"http" runs no JavaScript; leave out one'),
        (["session:"], "names no session"),
    ],
)
def test_tags_that_contradict_each_other_are_told(tags, sentence):
    with pytest.raises(SessionError, match=sentence):
        driver_of(tags)


def test_an_unknown_driver_is_told_with_the_nearest(sessions):
    with pytest.raises(DriverMissing, match='no driver "selenum"; did you mean selenium'):
        sessions.choose(["session:selenum"])
    with pytest.raises(DriverMissing, match="known: desktop, grid, http, selenium"):
        sessions.choose(["session:xyz"])
    with pytest.raises(DriverMissing, match="set grid-url"):
        sessions.choose(["session:grid"])


def test_one_http_session_serves_all_scenarios_and_forgets(sessions):
    first = sessions.choose([])
    first.set_cookie("a", "1")
    sessions.reset()
    second = sessions.choose([])
    assert second is first
    assert isinstance(second, HttpSession)
    assert second.cookie("a") is None


def test_a_scenario_that_follows_without_reset_is_clean_all_the_same(sessions):
    sessions.choose([]).set_cookie("a", "1")
    assert sessions.choose([]).cookie("a") is None


def test_each_visitor_has_a_session_of_their_own(sessions):
    ann, bob = sessions.choose([], "Ann"), sessions.choose([], "Bob")
    ann.set_cookie("a", "1")
    assert bob is not ann
    assert bob.cookie("a") is None


def test_more_drivers_can_be_given(application):
    own = {"own": lambda: HttpSession(application.url)}
    kept = Sessions(Settings(application.url), drivers=own)
    assert isinstance(kept.choose(["session:own"]), HttpSession)
    kept.close()


@pytest.mark.slow
def test_one_browser_serves_many_scenarios_and_a_fresh_one_an_insulated(sessions):
    first = sessions.choose(["javascript"])
    first.visit("/")
    first.execute("localStorage.a = 1; document.cookie = 'b=2'")
    sessions.reset()
    second = sessions.choose(["javascript"])
    assert second is first
    second.visit("/")
    assert second.execute("return [localStorage.length, document.cookie]") == [0, ""]
    sessions.reset()
    third = sessions.choose(["javascript", "insulated"])
    assert third is not first
    assert not first.browser.keeper.folder.exists()
    third.visit("/")
    sessions.reset()
    assert sessions.choose(["javascript"]) is third


@pytest.mark.slow
@pytest.mark.parametrize("when", ["in a scenario", "between scenarios"])
def test_a_browser_that_crashed_is_replaced(sessions, when):
    first = sessions.choose(["javascript"])
    if when == "between scenarios":
        sessions.reset()
    for process in psutil.Process(first.browser.keeper._process.pid).children(recursive=True):
        # Some end by themselves when another is gone.
        with suppress(psutil.NoSuchProcess):
            process.kill()
    if when == "in a scenario":
        sessions.reset()
    second = sessions.choose(["javascript"])
    second.visit("/")
    second.see("Welcome")
    assert second is not first


@pytest.mark.slow
def test_close_ends_everything_and_may_be_done_twice(sessions):
    browser = sessions.choose(["javascript"]).browser
    sessions.choose([])
    sessions.close()
    sessions.close()
    assert not browser.keeper.folder.exists()


def test_a_browser_that_is_missing_is_told(sessions, monkeypatch):
    monkeypatch.setenv("SLIPWAY_BROWSER", "/none/such")
    with pytest.raises(DriverMissing, match="leave out @javascript"):
        sessions.choose(["javascript"])
    assert isinstance(sessions.choose([]), HttpSession)
