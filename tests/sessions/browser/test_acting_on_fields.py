"""Filling in, checking and seeing as one operation, on pages that change in between."""

from __future__ import annotations

import re

import pytest

from slipway.sessions import NotThere, SessionError
from tests.sessions.conftest import on

pytestmark = pytest.mark.slow


def test_a_field_that_is_replaced_as_it_is_typed_into_holds_the_text(session, application):
    on(
        session,
        application,
        """<div id=box><label>Name <input oninput="drawn()"></label></div><script>
        const html = box.innerHTML.replace('drawn()', '');
        const drawn = () => { box.innerHTML = html }</script>""",
    )
    session.fill("Name", "Ann Other")
    assert session.value("Name") == "Ann Other"


def test_a_page_may_write_a_text_as_it_likes(session, application):
    on(session, application, "<input id=a oninput='this.value = this.value.toUpperCase()'>")
    session.fill("a", "ann")
    assert session.value("a") == "ANN"


def test_a_box_that_is_replaced_as_it_is_clicked_is_clicked_again(session, application):
    on(
        session,
        application,
        """<div id=box><label><input type=checkbox onclick="drawn()"> News</label></div><script>
        const html = box.innerHTML.replace('onclick', 'title');
        const drawn = () => setTimeout(() => box.innerHTML = html)</script>""",
    )
    session.check("News")
    assert session.checked("News")


def test_a_box_that_is_checked_late_is_clicked_once(session, application):
    on(
        session,
        application,
        """<label><input type=checkbox id=a onclick="drawn(event)"> News</label><p id=told></p>
        <script>const drawn = event => { event.preventDefault(); told.textContent += 'x';
        setTimeout(() => a.checked = true, 600) }</script>""",
    )
    session.check("News")
    assert session.checked("News")
    assert session.find("id", "told").text == "x"


def test_a_box_that_the_page_holds_is_told(session, application):
    content = "<label><input type=checkbox onclick='return false'> News</label>"
    on(session, application, content)
    session.patience = 0.3
    with pytest.raises(SessionError, match=r'"News" was clicked and is not checked, on the page'):
        session.check("News")


def test_what_is_missing_is_told_with_what_it_is_in(session, application):
    on(session, application, "<fieldset><legend>Person</legend></fieldset>")
    session.patience = 0.1
    with session.within("fieldset", "Person"):
        with pytest.raises(NotThere, match=r'no button "Go" in the fieldset "Person" on the page'):
            session.press("Go")
        session.execute("document.body.textContent = ''")
        with pytest.raises(NotThere, match=r'no fieldset "Person" on the page'):
            session.press("Go")
        with pytest.raises(NotThere, match=r'no fieldset "Person" on the page'):
            session.see_no_element("button", "Go")


def test_seeing_takes_one_command_however_much_there_is(session, application):
    rows = "".join(f"<tr hidden><td>Row {number}</td></tr>" for number in range(300))
    on(session, application, f"<table id=t>{rows}<tr><td>Row <b>last</b></td></tr></table>")
    sent = []
    execute = session.browser.execute
    session.browser.execute = lambda command, *more: sent.append(command) or execute(command, *more)
    try:
        with session.within("table", "t"):
            for operation in (
                lambda: session.see("last"),
                lambda: session.see_not("first"),
                lambda: session.see_element("row", "Row"),
                lambda: session.see_no_element("row", "Column"),
            ):
                sent.clear()
                operation()
                assert len(sent) == 1, sent
    finally:
        session.browser.execute = execute


def test_nothing_of_a_click_that_missed_stays_on_the_page(session, application):
    on(
        session,
        application,
        """<button onclick="told.textContent += 'press'" disabled id=go>Go</button><p id=told></p>
        <a href=# onclick="told.textContent += 'link'; return false">Link</a>""",
    )
    session.patience = 0
    with pytest.raises(SessionError, match="is disabled"):
        session.press("Go")
    session.find("link", "Link").web_element.click()
    session.press_key("ENTER")
    assert re.fullmatch("link(link)?", session.find("id", "told").text)
