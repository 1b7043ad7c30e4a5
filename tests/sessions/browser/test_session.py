"""A session in a real browser: what steps do on pages of a real application."""

from __future__ import annotations

import socket
import time

import pytest

from slipway.sessions import NotThere, SessionError, SessionLost
from tests.sessions.conftest import on

pytestmark = pytest.mark.slow


def test_pages_are_visited_told_and_gone_back_to(session, application):
    session.visit("/")
    assert (session.title, session.url) == ("Home", application.url)
    assert "Welcome Nothing to see." in session.text
    assert "in a script" not in session.text
    session.follow("Log in")
    session.see("User name")
    session.back()
    session.see("Welcome")
    session.forward()
    session.see("User name")
    session.reload()
    assert session.html.startswith("<!DOCTYPE html><html><head>")


def test_a_visitor_signs_in_and_adds_an_item_with_a_file(session, application, tmp_path):
    (tmp_path / "bell.txt").write_text("ring")
    session.visit("items")
    session.fill("User name", "Ann")
    session.fill("Password", "secret")
    session.press("Sign in")
    session.fill("Name", "Bell")
    session.attach("Picture", tmp_path / "bell.txt")
    session.press("Add item")
    with session.within("table", "Items"):
        session.see("bell.txt|text/plain|ring")
    session.see("Items of Ann")


def test_all_controls_of_a_form_are_sent(session, application):
    session.visit("/form")
    session.fill("name", 'Bö "x"')
    session.fill("About", "one\ntwo")
    session.check("Newsletter")
    session.uncheck("Terms")
    session.choose_radio("Large")
    session.choose("Violet", "Colour")
    session.choose("Bell", "Extras", add=True)
    session.choose("Lamp", "Extras", add=True)
    assert session.value("name") == 'Bö "x"'
    session.press("Save")
    session.see("POST /echo")
    sent = application.last.fields()
    assert ("name", 'Bö "x"') in sent
    assert ("about", "one\r\ntwo") in sent
    assert ("news", "yes") in sent
    assert not [one for one in sent if one[0] == "terms"]
    assert ("size", "l") in sent
    assert ("colour", "Violet") in sent
    assert [value for name, value in sent if name == "extras"] == ["1", "2", "3"]


def test_a_choice_replaces_the_others_and_names_what_is_offered(session):
    session.visit("/form")
    session.choose("3", "Extras")
    chosen = session.execute("return [...document.all.extras.selectedOptions].map(o => o.text)")
    assert chosen == ["Lamp"]
    session.patience = 0
    with pytest.raises(NotThere, match=r'no option "Blue"; it offers "Red", "Green", "Violet"'):
        session.choose("Blue", "Colour")


def test_events_reach_a_page_that_listens(session, application):
    on(
        session,
        application,
        """<input id=a><select id=b><option>x<option>y</select><input type=checkbox id=c>
        <p id=told></p><script>for (const e of document.querySelectorAll('input,select'))
        for (const kind of ['input','change','keydown']) e.addEventListener(kind,
        () => told.textContent += ` ${e.id}:${kind}`)</script>""",
    )
    session.fill("a", "z")
    session.choose("y", "b")
    session.check("c")
    told = session.find("id", "told").text
    assert told == "a:keydown a:input a:change b:input b:change c:input c:change"


@pytest.mark.parametrize(
    ("kind", "text", "more"),
    [
        ("date", "2026-11-21", ""),
        ("time", "14:30", ""),
        ("datetime-local", "2026-11-21T14:30", ""),
        ("month", "2026-11", ""),
        ("week", "2026-W47", ""),
        ("number", "1.5", "step=0.5"),
        ("range", "7", "max=10"),
        ("color", "#ff8800", ""),
        ("email", "ann@example.org", "value=old@example.org"),
        ("password", "pass word", ""),
        ("text", "newer", 'value="older"'),
        ("text", "", 'value="older"'),
        ("search", "🎈 up", ""),
        ("text", "x" * 2000, ""),
        ("text", "a\tb", ""),
    ],
)
def test_a_field_holds_what_it_was_filled_with(session, application, kind, text, more):
    on(
        session,
        application,
        f"""<label>What <input type={kind} {more} oninput="seen.textContent='event'"></label>
        <p id=seen></p>""",
    )
    session.fill("What", text)
    assert session.value("What") == text
    assert session.find("id", "seen").text == "event"


@pytest.mark.parametrize(
    ("kind", "text", "hint"),
    [
        ("date", "21.11.2026", "write it as 2026-11-21"),
        ("number", "1,5", "write it as 1.5"),
        ("range", "70", "within its limits"),
        ("color", "orange", "#ff8800"),
    ],
)
def test_a_field_that_does_not_take_a_text_says_how_to_write_it(
    session, application, kind, text, hint
):
    on(session, application, f"<label>What <input type={kind} max=10></label>")
    session.patience = 0
    with pytest.raises(SessionError, match=hint):
        session.fill("What", text)


def test_editable_parts_and_textareas_are_filled(session, application):
    on(session, application, "<div id=note contenteditable>old</div><textarea id=t>a</textarea>")
    note = session.find("id", "note")
    note.fill("new text")
    assert (note.text, note.value) == ("new text", "new text")
    note.fill("")
    assert note.text == ""
    session.fill("note", "by name")
    assert session.value("note") == "by name"
    session.fill("t", "one\ntwo")
    assert session.value("t") == "one\ntwo"


def test_fields_of_a_long_form_are_found_by_their_labels_at_once(session, application):
    rows = "".join(f"<label for=f{n}>Field {n}.</label><input id=f{n}>" for n in range(1000))
    quotes = """<label for="it's">It's</label><input id="it's"><fieldset id=s><label>In
    <input id=in></label><label for=f999>Out</label></fieldset>"""
    on(session, application, quotes + rows)
    began = time.monotonic()
    for number in (0, 500, 999):
        assert session.find("field", f"Field {number}.").attribute("id") == f"f{number}"
    # By XPath alone each takes more than two seconds.
    assert time.monotonic() - began < 6
    assert session.find("field", "It's").attribute("id") == "it's"
    assert session.find("field", "Out").attribute("id") == "f999"
    with session.within("id", "s"):
        assert session.find("field", "In").attribute("id") == "in"
        assert session.all("field", "Out") == []


def test_a_line_break_in_a_single_line_does_not_send_the_form(session, application):
    session.visit("/login")
    session.fill("User name", "An\nn")
    assert session.value("User name") == "Ann"
    assert session.title == "Log in"


def test_the_path_of_a_file_is_typed_as_text(session, application, tmp_path):
    file = tmp_path / "secret.txt"
    file.write_text("x")
    on(session, application, "<input id=a>")
    session.fill("a", str(file))
    assert session.value("a") == str(file)


@pytest.mark.parametrize("how", ["disabled", "readonly"])
def test_a_field_that_cannot_be_filled_in_says_so(session, application, how):
    on(session, application, f"<input id=a {how}><input id=b type=checkbox {how}>")
    session.patience = 0
    with pytest.raises(SessionError, match=r"read-only|disabled"):
        session.fill("a", "x")
    if how == "disabled":
        with pytest.raises(SessionError, match=r"disabled"):
            session.check("b")


def test_a_disabled_button_says_so(session, application):
    on(session, application, "<button disabled>Send</button>")
    session.patience = 0
    with pytest.raises(SessionError, match=r"is disabled"):
        session.press("Send")


def test_what_lies_below_a_fixed_footer_is_clicked(session, application):
    on(
        session,
        application,
        """<div style="height: 830px">A tall page</div>
        <button onclick="this.textContent += ' sent'">Send</button>
        <label><input type=checkbox> News</label><div style="height: 2000px"></div>
        <footer style="position: fixed; inset: auto 0 0; height: 120px"></footer>""",
    )
    session.press("Send")
    session.see("Send sent")
    session.execute("scrollTo(0, 0)")
    session.check("News")
    assert session.find("checkbox", "News").checked


def test_styled_boxes_are_checked_by_their_label(session, application):
    on(
        session,
        application,
        """<style>.no { display: none } .over { position: absolute; opacity: 0 }</style>
        <label><input type=checkbox class=no> News</label>
        <input type=checkbox id=t class=no><label for=t>Take <a href=/login>terms</a></label>
        <label><input type=radio class=over name=r> Large</label>""",
    )
    for box in ("News", "Take"):
        session.check(box)
        assert session.find("checkbox", box).checked
        session.uncheck(box)
        assert not session.find("checkbox", box).checked
    session.choose_radio("Large")
    assert session.find("radio", "Large").checked
    assert session.title == "Shop"


def test_hidden_file_fields_take_files_and_replace_them(session, application, tmp_path):
    files = [tmp_path / f"{name}.txt" for name in "abc"]
    for file in files:
        file.write_text(file.name)
    on(
        session,
        application,
        """<label>Many <input type=file multiple hidden id=m></label>
        <label>One <input type=file hidden></label>""",
    )
    names = "return [...document.getElementById('m').files].map(f => f.name)"
    session.attach("Many", *files)
    assert session.execute(names) == ["a.txt", "b.txt", "c.txt"]
    session.attach("Many", files[1])
    assert session.execute(names) == ["b.txt"]
    session.patience = 0
    with pytest.raises(SessionError, match=r"takes one file, not 2"):
        session.attach("One", *files[:2])
    with pytest.raises(SessionError, match=r"no file to attach"):
        session.attach("One", tmp_path / "none")


def test_what_is_not_there_is_told_with_the_page(session):
    session.visit("/")
    session.patience = 0.1
    with pytest.raises(NotThere, match=r'no .*"Nowhere".* on the page http://127'):
        session.follow("Nowhere")
    with pytest.raises(SessionError, match=r'"Nothing there" is not on'):
        session.see("Nothing there")


def test_an_xpath_that_is_none_is_told_at_once(session):
    session.visit("/")
    before = time.monotonic()
    with pytest.raises(SessionError, match=r"xpath|XPath"):
        session.find("xpath", "//[")
    assert time.monotonic() - before < session.patience / 2


def test_addresses_that_lead_nowhere_are_told(session, application):
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    with pytest.raises(SessionLost, match=r"not reachable"):
        session.visit(f"http://127.0.0.1:{port}/")
    session.patience = 0
    with pytest.raises(SessionError, match=r"REDIRECTS"):
        session.visit("/circle/a")
    with pytest.raises(SessionError, match=r"http://:bad"):
        session.visit("http://:bad")
    session.visit("/")
    session.see("Welcome")


def test_pages_that_are_no_html_are_read(session, application):
    session.visit("/json")
    session.see('"name"')
    session.visit("about:blank")
    assert (session.text, session.title) == ("", "")
    session.visit(application.add("/latin", raw=b"<p>Gr\xfc\xdfe", kind="text/html"))
    session.see("Grüße")
