"""A session in a real browser: alerts, windows, keys, cookies, evidence and the end of a visit."""

from __future__ import annotations

import pytest

from slipway.sessions import NotThere, SessionError, Unsupported
from tests.sessions.conftest import on

pytestmark = pytest.mark.slow


def test_alerts_are_told_and_answered(session, application):
    on(
        session,
        application,
        """<button onclick="setTimeout(() => told.textContent = confirm('Sure?'), 100)">Ask</button>
        <button onclick="told.textContent = prompt('Name?')">Name</button><p id=told></p>""",
    )
    session.press("Ask")
    assert session.alert == "Sure?"
    session.answer_alert()
    session.see("true")
    session.press("Ask")
    session.answer_alert(accept=False)
    session.see("false")
    session.press("Name")
    session.answer_alert(text="Ann")
    session.see("Ann")
    session.patience = 0.1
    with pytest.raises(NotThere, match=r"no alert is open"):
        _ = session.alert


def test_an_open_alert_is_named_by_whatever_it_stops(session, application):
    on(session, application, "<button onclick=\"alert('Stop!')\">Go</button>")
    session.press("Go")
    session.patience = 0
    with pytest.raises(SessionError, match=r'an alert is open, "Stop!"; answer it first'):
        session.see("Go")
    with pytest.raises(SessionError, match=r'"Stop!" takes no text'):
        session.answer_alert(text="x")
    session.reset()
    session.visit("/")
    session.see("Welcome")


def test_windows_are_switched_and_closed(session):
    session.visit("/")
    session.follow("New window")
    session.wait(lambda: len(session.windows) == 2, lambda: "no second window")
    first, second = session.windows
    session.switch_window(second)
    session.see("In the popup")
    session.close_window()
    assert session.windows == [first]
    session.see("Welcome")
    session.patience = 0
    with pytest.raises(SessionError, match=r"only window"):
        session.close_window()
    with pytest.raises(SessionError, match=r'no window "none"'):
        session.switch_window("none")


def test_a_window_that_closes_itself_is_left_for_the_first(session, application):
    application.add("/bye", "<button onclick='setTimeout(() => window.close(), 50)'>Bye</button>")
    on(session, application, "<p>First</p><a href=/bye target=_blank rel=opener>Open</a>")
    session.follow("Open")
    session.wait(lambda: len(session.windows) == 2, lambda: "no second window")
    session.switch_window(session.windows[1])
    session.press("Bye")
    session.see("First")


def test_keys_are_pressed_where_the_focus_is(session, application):
    on(
        session,
        application,
        "<input id=a autofocus><input id=b onkeydown=\"if (event.key=='Enter') a.value='sent'\">",
    )
    session.fill("a", "xy")
    session.press_key("BACKSPACE")
    assert session.value("a") == "x"
    session.press_key("CONTROL+a")
    session.press_key("z")
    assert session.value("a") == "z"
    session.press_key("TAB")
    session.press_key("Enter")
    assert session.value("a") == "sent"
    with pytest.raises(Unsupported, match=r'no key "ENTR"; did you mean ENTER'):
        session.press_key("ENTR")


def test_windows_are_resized_until_the_next_scenario(session, application):
    on(session, application, "<p>Size</p>")
    before = session.execute("return innerWidth")
    session.resize(500, 700)
    session.wait(lambda: session.execute("return innerWidth") == 500, lambda: "not resized")
    assert session.screenshot().startswith(b"\x89PNG")
    session.reset()
    assert session.execute("return innerWidth") == before


def test_scripts_take_and_return_values_and_elements(session, application):
    on(session, application, "<p id=one>1</p><p id=two>2</p>")
    first = session.find("id", "one")
    assert session.execute("return arguments[0].nextSibling", first).text == "2"
    assert session.execute("return new Promise(done => setTimeout(() => done([1, null]), 20))") == [
        1,
        None,
    ]
    with pytest.raises(SessionError, match=r"nothing is not defined") as failed:
        session.execute("nothing()")
    assert "\n" not in str(failed.value)


def test_cookies_are_set_read_and_removed(session, application):
    session.set_cookie("colour", "red")
    assert session.cookie("colour") == "red"
    session.visit("/cookie")
    session.see("colour=red")
    assert session.cookie("other") is None
    session.clear_cookies()
    session.reload()
    session.see("none")


def test_the_http_status_is_not_told_and_says_what_to_do(session):
    for name in ("status", "headers"):
        with pytest.raises(Unsupported, match=f"HTTP {name}; look for a text"):
            getattr(session, name)


def test_reset_forgets_cookies_storage_windows_and_alerts(session, application):
    application.add("/popup", "<script>localStorage.popup = 1; onload = () => alert('x')</script>")
    other = application.url.replace("127.0.0.1", "localhost")
    keep = "localStorage.a = 1; sessionStorage.b = 2; document.cookie = 'c=3; max-age=1000'"
    for address in (other, application.url):
        session.visit(address)
        session.execute(keep)
    session.execute("onbeforeunload = e => { localStorage.late = 1; e.preventDefault() }")
    session.execute("window.open('/popup')")
    session.wait(lambda: len(session.windows) == 2, lambda: "no popup")
    session.reset()
    assert (len(session.windows), session.url) == (1, "about:blank")
    for address in (other, application.url):
        session.visit(address)
        left = "return [localStorage.length, sessionStorage.length, document.cookie]"
        assert session.execute(left) == [0, 0, ""]


def test_evidence_shows_page_console_and_failed_requests(session, application):
    on(
        session,
        application,
        """<p>Here</p><img src=/status/500><script>console.log('hello');
        fetch('http://127.0.0.1:1/').catch(() => {}); setTimeout(() => lost.thing, 0)</script>""",
    )
    kept = {}

    def told():
        kept.update((one.name, one.data) for one in session.evidence())
        console, network = (kept.get(one, b"").decode() for one in ("console.txt", "network.txt"))
        wanted = (f"500 GET {application.url}status/500", "GET http://127.0.0.1:1/")
        said = "hello" in console and "lost is not defined" in console
        return said and all(one in network for one in wanted)

    session.wait(told, lambda: str(kept))
    assert kept["screenshot.png"].startswith(b"\x89PNG")
    assert b"<p>Here</p>" in kept["page.html"]
    assert session.evidence()[0].name == "screenshot.png"


def test_evidence_under_an_open_alert_has_its_text(session, application):
    on(session, application, "<button onclick=\"alert('Stop!')\">Go</button>")
    session.press("Go")
    kept = {one.name: one.data for one in session.evidence()}
    assert kept["alert.txt"] == b"Stop!\n"
    assert {"screenshot.png", "page.html"} <= kept.keys()
