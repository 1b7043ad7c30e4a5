"""What every session does: looking, seeing, and doing things inside others."""

from __future__ import annotations

import time

import pytest

from slipway.sessions.errors import NotThere, SessionError, Unsupported
from slipway.sessions.http.session import HttpSession


@pytest.fixture
def session(application):
    with_base = HttpSession(application.url)
    yield with_base
    with_base.close()


def test_a_text_is_seen_whatever_its_white_space(session):
    session.visit("/")
    session.see("Nothing to see.")
    session.see("Nothing\n   to see.")
    session.see_not("in a script")
    with pytest.raises(SessionError, match=r'"Good bye" is not on the page http://.*/$'):
        session.see("Good bye")
    with pytest.raises(SessionError, match=r'"Welcome" is on the page'):
        session.see_not("Welcome")


def test_within_holds_for_texts_and_things_also_nested(session, application):
    application.add(
        "/nested",
        "<section id='one'><h2>One | first</h2><fieldset><legend>In</legend><p>deep</p>"
        "<input name='x' value='1'></fieldset><p>flat</p></section>"
        "<section id='two'><fieldset><legend>In</legend><input name='x' value='2'></fieldset>"
        "</section>",
    )
    session.visit("/nested")
    assert session.value("x") == "1"
    with session.within("id", "two"):
        assert session.value("x") == "2"
        session.see_not("flat")
    with session.within("id", "one") as one:
        assert one.tag == "section"
        session.see("flat")
        with session.within("fieldset", "In"):
            session.see("deep")
            session.see_not("flat")
            assert session.value("x") == "1"
            with pytest.raises(NotThere, match=r'no field "y" in the fieldset "In" on the page'):
                session.value("y")
        session.see("flat")
    with session.within("xpath", "//section[contains(., 'One | first')] | //nothing"):
        session.see("deep")
        assert session.find("xpath", "//fieldset | //h2").tag == "h2"
    session.see_no_element("field", "y")


def test_within_a_row(session, application):
    session.visit("/form")
    with session.within("table", "Prices"), session.within("row", "Milk"):
        session.see("1.20")
        session.see_not("2.50")


def test_within_nothing_is_told_and_leaves_nothing_behind(session):
    session.visit("/form")
    with (
        pytest.raises(NotThere, match='no fieldset "Nowhere" on'),
        session.within("fieldset", "Nowhere"),
    ):
        pass
    session.see("Person")


def test_reset_inside_within_ends_it(session):
    session.visit("/form")
    with session.within("fieldset", "Order"):
        session.reset()
        session.visit("/")
        session.see("Welcome")
    session.see("Welcome")


def test_what_is_called_exactly_so_and_can_be_seen_comes_first(session, application):
    application.add(
        "/names",
        "<button name='a'>Save all</button><button name='b' hidden>Save</button>"
        "<button name='c'>Save</button><button name='d' hidden>Other</button>",
    )
    session.visit("/names")
    assert session.find("button", "Save").attribute("name") == "c"
    assert session.find("button", "Save a").attribute("name") == "a"
    assert session.find("button", "Other").attribute("name") == "d"


def test_missing_things_are_told(session):
    session.visit("/")
    with pytest.raises(NotThere, match='no link or button "Buy" on the page'):
        session.click("Buy")
    with pytest.raises(SessionError, match='there is link "Log in" on the page'):
        session.see_no_element("link", "Log in")
    session.see_element("link", "Log in")


@pytest.mark.slow
def test_patience_looks_again_and_ends(session):
    session.visit("/")
    looks = []
    began = time.monotonic()
    session.wait(lambda: looks.append(1) or len(looks) == 3, lambda: "never", 60)
    assert len(looks) == 3
    with pytest.raises(SessionError, match="never"):
        session.wait(lambda: False, lambda: "never", 0.1)
    assert time.monotonic() - began < 30


def test_all_that_is_there_now_and_none_is_no_error(session, application):
    application.add("/all", "<ul id=u><li>a</li><li hidden>b</li></ul><li>c</li>")
    session.visit("/all")
    assert len(session.all("css", "li")) == 3
    assert session.all("button", "Go") == []
    with session.within("id", "u"):
        assert len(session.all("css", "li")) == 2
    with pytest.raises(NotThere, match='no element with the id "x"'), session.within("id", "x"):
        session.all("css", "li")


@pytest.mark.slow
def test_what_does_not_hold_is_said_once_patience_has_ended(session):
    session.visit("/")
    asked = []
    looked = []
    with pytest.raises(SessionError, match="never"):
        session.wait(lambda: looked.append(1), lambda: asked.append(1) or "never", seconds=0.2)
    assert len(looked) > 1
    assert len(asked) == 1


def test_an_editable_part_needs_a_script(session, application):
    application.add("/note", "<div aria-label=Note contenteditable>old <b>text</b></div>")
    session.visit("/note")
    assert session.value("Note") == "old text"
    with pytest.raises(Unsupported, match="edited by a script only; tag the scenario @javascript"):
        session.fill("Note", "new")


def test_what_needs_a_browser_says_so(session):
    for operation in (
        lambda: session.execute("1"),
        lambda: session.alert,
        session.answer_alert,
        lambda: session.windows,
        lambda: session.switch_window("x"),
        session.close_window,
        lambda: session.resize(1, 1),
        lambda: session.press_key("a"),
        session.screenshot,
    ):
        with pytest.raises(
            Unsupported, match=r'driver "http" cannot .*tag the scenario @javascript'
        ):
            operation()


@pytest.mark.parametrize(
    ("address", "whole"),
    [
        ("/login", "http://host/app/login"),
        ("login?x=1", "http://host/app/login?x=1"),
        ("", "http://host/app/"),
        ("https://other/x", "https://other/x"),
        ("/go?to=http://x/", "http://host/app/go?to=http://x/"),
    ],
)
def test_paths_count_from_the_base_url(address, whole):
    assert HttpSession("http://host/app").absolute(address) == whole
