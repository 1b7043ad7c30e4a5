"""Forms over plain HTTP: what they hold, and what they send."""

from __future__ import annotations

import pytest

from slipway.sessions.errors import NotThere, SessionError, Unsupported
from slipway.sessions.http.session import HttpSession


@pytest.fixture
def session(application):
    opened = HttpSession(application.url, timeout=60)
    yield opened
    opened.close()


def sent(session, application, markup, button="Go", *, form="method=post action=/echo", page=None):
    """What a form of this markup sends."""
    application.add("/f", f"<form {form}>{markup}<button>Go</button></form>", **(page or {}))
    session.visit("/f")
    session.press(button)
    return application.last.fields()


def test_signing_in_filling_in_and_uploading(session, application, tmp_path):
    picture = tmp_path / "pic.png"
    picture.write_bytes(b"PNG")
    session.visit("/items")
    session.fill("User name", "Ann")
    session.fill("Password", "wrong")
    session.press("Sign in")
    assert session.status == 403
    session.see("Wrong password")
    session.fill("User name", "Ann")
    session.fill("Password", "secret")
    session.press("Sign in")
    session.see("Items of Ann")
    session.fill("A good name", "Bike & bell")
    session.attach("Picture", picture)
    session.press("Add item")
    with session.within("row", "Bike"):
        session.see("Bike & bell pic.png|image/png|PNG")
    assert session.url == application.url + "items"


def test_all_controls_as_they_are(session, application):
    session.visit("/form")
    session.press("Save")
    assert application.last.fields() == [
        ("name", "Ann"),
        ("about", "First\r\nsecond"),
        ("email", ""),
        ("terms", "on"),
        ("size", "s"),
        ("colour", "r"),
        ("extras", "1"),
        ("one", "|application/octet-stream|"),
        ("many", "|application/octet-stream|"),
        ("do", "Save"),
        ("outside", "o"),
    ]


def test_all_controls_changed(session, application, tmp_path):
    files = [tmp_path / "a.txt", tmp_path / "b.unknown-kind"]
    for file in files:
        file.write_text(file.name)
    session.visit("/form")
    session.fill("Name", "Bea")
    session.fill("About", "one\ntwo\r\nthree")
    session.fill("E-mail", "b@x")
    session.check("Newsletter")
    session.uncheck("Terms")
    session.choose_radio("Large")
    session.choose("Violet", "Colour")
    session.choose("Bell", "Extras", add=True)
    session.attach("One file", files[0])
    session.attach("Many files", *files)
    session.fill("Outside", "p")
    assert (session.value("Name"), session.value("Colour")) == ("Bea", "Violet")
    assert session.find("checkbox", "Newsletter").checked
    assert not session.find("radio", "Small").checked
    assert session.value("Many files") == "a.txt"
    session.press("Delete")
    assert application.last.fields() == [
        ("name", "Bea"),
        ("about", "one\r\ntwo\r\nthree"),
        ("email", "b@x"),
        ("news", "yes"),
        ("size", "l"),
        ("colour", "Violet"),
        ("extras", "1"),
        ("extras", "2"),
        ("one", "a.txt|text/plain|a.txt"),
        ("many", "a.txt|text/plain|a.txt"),
        ("many", "b.unknown-kind|application/octet-stream|b.unknown-kind"),
        ("do", "del"),
        ("outside", "p"),
    ]


def test_a_reset_button_restores_the_page(session, application):
    session.visit("/form")
    session.fill("Name", "Bea")
    session.fill("Outside", "p")
    session.uncheck("Terms")
    session.choose_radio("Large")
    session.choose("Green", "Colour")
    session.choose("Lamp", "Extras")
    session.press("Start over")
    assert session.value("Name") == "Ann"
    assert session.value("Outside") == "o"
    assert session.find("checkbox", "Terms").checked
    assert session.find("radio", "Small").checked
    assert session.value("Colour") == "r"
    assert session.value("Extras") == "1"
    assert len(application.requests) == 1


def test_a_button_has_its_own_address_and_method(session, application):
    session.visit("/form")
    session.press("Look")
    assert application.last.method == "GET"
    assert application.last.query.startswith("name=Ann&about=First%0D%0Asecond&email=&terms=on&")
    assert session.find("id", "request").text.startswith("GET /echo?name=Ann")


def test_an_image_button_sends_where_it_was_pressed(session, application):
    session.visit("/form")
    session.press("Picture button")
    assert ("pic.x", "0") in application.last.fields()
    assert ("pic.y", "0") in application.last.fields()
    assert sent(session, application, "<input type=image alt=Draw>", "Draw") == [
        ("x", "0"),
        ("y", "0"),
    ]


@pytest.mark.parametrize(
    ("markup", "fields"),
    [
        ("<input value=x>", []),
        ("<input name=a disabled value=x>", []),
        ("<input name=a type=HIDDEN value=x>", [("a", "x")]),
        ("<input name=a type=strange value=x>", [("a", "x")]),
        ("<input name=a>", [("a", "")]),
        ("<input type=checkbox name=a>", []),
        ("<input type=checkbox name=a checked><input type=checkbox name=a value=2 checked>",
         [("a", "on"), ("a", "2")]),
        ("<input type=radio name=a value=1 checked><input type=radio name=a value=2 checked>",
         [("a", "2")]),
        ("<select name=a></select>", []),
        ("<select name=a><option disabled>1<option>2</select>", [("a", "2")]),
        ("<select name=a><option selected>1<option selected> 2 </select>", [("a", "2")]),
        ("<select name=a size=3><option>1</select>", []),
        ("<select name=a multiple><option>1</select>", []),
        ("<select name=a multiple><option selected>1<option selected disabled>2</select>",
         [("a", "1")]),
        ("<select name=a><option value=''>None</select>", [("a", "")]),
        ("<fieldset disabled><legend><input name=a value=1></legend><input name=b></fieldset>",
         [("a", "1")]),
        ("<fieldset disabled><div><fieldset><input name=b></fieldset></div></fieldset>", []),
        ("<datalist><input name=a></datalist>", []),
        ("<textarea name=a>\n\nx\ry</textarea>", [("a", "\r\nx\r\ny")]),
        ("<input name=a value='ä&amp;=+~* %'>", [("a", "ä&=+~* %")]),
        ("<input name='a b' value=1>", [("a b", "1")]),
        ("<input type=file name=a>", [("a", "")]),
        ("<input type=hidden name=_charset_>", [("_charset_", "utf-8")]),
        ("<input type=submit name=a value=1><input type=reset name=b><button name=c></button>", []),
    ],
)  # fmt: skip
def test_what_a_form_sends(session, application, markup, fields):
    assert sent(session, application, markup) == fields


def test_a_form_by_get_replaces_the_query(session, application):
    form = "action='/echo?old=1#place'"
    assert sent(session, application, "<input name=q value='a b'>", form=form) == [("q", "a b")]
    assert application.last.target == "/echo?q=a+b"
    assert session.url.endswith("/echo?q=a+b#place")
    sent(session, application, "<input name=q>", form="")
    assert application.last.target == "/f?q="


def test_a_form_as_plain_text(session, application):
    sent(session, application, "<input name=a value='1 2'><textarea name=b>x\ny</textarea>",
         form="method=post action=/echo enctype=text/plain")  # fmt: skip
    assert application.last.headers["content-type"] == "text/plain"
    assert application.last.body == b"a=1 2\r\nb=x\r\ny\r\n"


def test_names_of_fields_and_files_may_be_anything(session, application, tmp_path):
    file = tmp_path / 'odd "ä".txt'
    file.write_bytes(b"\r\n--\x00\xff")
    application.add(
        "/f",
        "<form method=post action=/echo enctype=multipart/form-data><label>File "
        "<input type=file name='a\"&#13;b'></label><button>Go</button></form>",
    )
    session.visit("/f")
    session.attach("File", file)
    session.press("Go")
    body = application.last.body
    assert 'name="a%22%0D%0Ab"; filename="odd %22ä%22.txt"'.encode() in body
    assert b"\r\n\r\n\r\n--\x00\xff\r\n------" in body


def test_encodings(session, application):
    markup = "<input name=a value='&#228;&#8364;&#28450;'>"
    form = "method=post action=/echo accept-charset='bogus, iso-8859-1'"
    sent(session, application, markup, form=form)
    assert application.last.body == b"a=%E4%80%26%2328450%3B"
    raw = b"<form method=post action=/echo><input name=a value='\xe4'><button>Go</button></form>"
    application.add("/latin", raw=raw, kind="text/html; charset=iso-8859-1")
    session.visit("/latin")
    session.press("Go")
    assert application.last.body == b"a=%E4"


def test_a_form_sends_where_it_comes_from(session, application):
    sent(session, application, "")
    assert application.last.headers["origin"] == application.url.rstrip("/")
    assert application.last.headers["referer"] == application.url + "f"
    assert application.last.headers["content-length"] == "0"


def test_controls_outside_of_their_form(session, application):
    application.add(
        "/f",
        "<input form=two name=a value=1><form id=one action=/echo><input name=b form=two>"
        "<input name=c form=none><button>One</button></form>"
        "<form id=two action=/echo?two method=post><input name=d></form>"
        "<button form=two name=e value=2>Two</button><button form=none>Lost</button>",
    )
    session.visit("/f")
    session.press("One")
    assert application.last.fields() == []
    session.visit("/f")
    session.press("Two")
    assert application.last.fields() == [("a", "1"), ("b", ""), ("d", ""), ("e", "2")]
    session.visit("/f")
    with pytest.raises(Unsupported):
        session.press("Lost")


def test_clicks_on_boxes_labels_options_and_details(session, application):
    application.add(
        "/c",
        "<label id=l for=b>Box</label><input type=checkbox id=b><label id=m>Text <input></label>"
        "<input type=radio id=r><select id=s><option id=o1>1<option id=o2>2</select>"
        "<details><summary>More</summary><p>Folded away</p></details>"
        "<a href=/echo><span id=in>Inner</span></a>",
    )
    session.visit("/c")
    find = session.find
    for expected in (True, False):
        find("id", "l").click()
        assert find("id", "b").checked is expected
    find("id", "b").click()
    find("id", "m").click()
    find("id", "r").click()
    find("id", "r").click()
    find("id", "o2").click()
    assert find("id", "b").checked
    assert find("id", "r").checked
    assert find("id", "o2").checked
    assert not find("id", "o1").checked
    session.see_not("Folded away")
    find("content", "More").click()
    session.see("Folded away")
    find("id", "in").click()
    assert session.title == "Echo"


def test_what_nobody_can_do(session, application, tmp_path):
    application.add(
        "/w",
        "<input title=Off disabled><input title=Fixed readonly value=1>"
        "<input title=Box type=checkbox>"
        "<input title=Radio type=radio><select title=List><option>One<option disabled>Two</select>"
        "<input title=File type=file><form><button disabled>Send</button></form>"
        "<input title=Short maxlength=3><p id=p>text</p>",
    )
    session.visit("/w")
    for operation, told in (
        (lambda: session.fill("Off", "x"), "is disabled"),
        (lambda: session.fill("Fixed", "x"), "is read-only"),
        (lambda: session.fill("Box", "x"), 'no text field "Box"'),
        (lambda: session.find("field", "Box").fill("x"), "is no text field"),
        (lambda: session.find("field", "Short").set_checked(checked=True), "neither a checkbox"),
        (lambda: session.find("radio", "Radio").set_checked(checked=False), "choose another one"),
        (lambda: session.choose("Three", "List"), 'has no option "Three"; it has "One", "Two"'),
        (lambda: session.choose("Two", "List"), "is disabled"),
        (lambda: session.choose("One", "List", add=True), "takes one option only"),
        (lambda: session.find("id", "p").choose("x"), "is no list"),
        (lambda: session.find("id", "p").attach([]), "is no file field"),
        (lambda: session.attach("File", tmp_path / "none"), "is no file to attach"),
        (lambda: session.find("field", "File").attach([tmp_path, tmp_path]), "one file only"),
        (lambda: session.press("Send"), 'the button "Send" is disabled'),
        (lambda: session.check("Missing"), 'no checkbox "Missing"'),
    ):
        with pytest.raises(SessionError, match=told):
            operation()
    with pytest.raises(NotThere):
        session.press("Missing")
    session.fill("Short", "ab\ncdef")
    assert session.value("Short") == "abc"


def test_a_file_that_is_gone_when_sent(session, application, tmp_path):
    file = tmp_path / "gone"
    file.write_text("x")
    session.visit("/form")
    session.attach("One file", file)
    file.unlink()
    with pytest.raises(SessionError, match="gone cannot be sent: No such file"):
        session.press("Save")
    session.attach("Many files")
    assert session.value("Many files") == ""


def test_elements_tell_what_they_are(session):
    session.visit("/form")
    name = session.find("field", "Name")
    assert (name.tag, name.value, name.text, name.visible) == ("input", "Ann", "", True)
    assert name.attribute("NAME") == "name"
    assert name.attribute("none") is None
    session.fill("Name", "Bea")
    assert name.attribute("value") == "Ann"
    assert name.value == "Bea"
    assert session.find("checkbox", "Newsletter").value == "yes"
    assert session.find("field", "About").value == "First\nsecond"
    fieldset = session.find("fieldset", "Person")
    assert [one.attribute("name") for one in fieldset.find_all(".//input")][:2] == ["name", "email"]
