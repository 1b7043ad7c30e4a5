"""A session in a real browser whose pages change by themselves, navigate, hang or crash."""

from __future__ import annotations

import contextlib
import copy
import random
import re
import time

import psutil
import pytest

from slipway.sessions import SessionError, SessionLost
from slipway.sessions.browser.launch import start_browser
from slipway.sessions.browser.session import BrowserSession
from slipway.sessions.errors import NotThere

pytestmark = pytest.mark.slow


# Where nothing is about time, a limit guards against hanging alone, on the busiest of machines.
_LONG = 60.0


@pytest.fixture(scope="module")
def browser():
    running = start_browser(page_load=_LONG)
    yield running
    running.quit()


@pytest.fixture
def session(browser, application):
    visitor = BrowserSession(application.url, browser, patience=_LONG)
    yield visitor
    visitor.reset()


def test_what_comes_late_is_waited_for(session, application):
    content = """<p id=told>Loading</p><script>setTimeout(() => told.innerHTML =
    '<label>Late <input></label><button onclick="told.textContent = 1 + 1">Add</button>', 300)
    </script>"""
    session.visit(application.add("/late", content))
    session.fill("Late", "x")
    session.see_not("Loading")
    session.press("Add")
    session.see("2")
    session.see_no_element("button", "Add")


def test_a_field_that_is_enabled_late_is_waited_for(session, application):
    content = "<input id=a disabled><script>setTimeout(() => a.disabled = false, 300)</script>"
    session.visit(application.add("/late", content))
    session.fill("a", "x")
    assert session.value("a") == "x"


def test_what_moves_or_is_covered_is_clicked_once_it_rests(session, application):
    content = """<style>@keyframes m { from { margin-left: 600px } to { margin-left: 0 } }
    #go { animation: m .6s } #cover { position: fixed; inset: 0; background: #fff }</style>
    <div id=cover></div><button id=go onclick="told.textContent += 'once'">Go</button>
    <p id=told></p><script>setTimeout(() => cover.remove(), 400)</script>"""
    session.visit(application.add("/moving", content))
    session.press("Go")
    assert session.find("id", "told").text == "once"


def test_what_turns_for_ever_is_clicked_all_the_same(session, application):
    content = """<style>@keyframes t { to { transform: rotate(1turn) } }
    #go { animation: t 1s linear infinite }</style>
    <button id=go onclick="told.textContent = 'done'">Go</button><p id=told></p>"""
    session.visit(application.add("/turning", content))
    session.press("Go")
    session.see("done")


def test_elements_that_are_replaced_all_the_time_are_used(session, application):
    """tests/sessions/browser/test_acting.py has the operations one by one."""
    content = """<div id=box></div><p id=told></p><script>const draw = () => box.innerHTML =
    '<button onclick="told.textContent = `pressed`">Go</button><p>Row</p>';
    draw(); setInterval(draw, 5)</script>"""
    session.visit(application.add("/redrawn", content))
    for _ in range(20):
        session.press("Go")
        session.see("Row")
    session.see("pressed")


def test_an_element_that_left_the_page_is_told_at_once(session, application):
    session.visit(application.add("/leaving", "<p id=a>Here</p>"))
    found = session.find("id", "a")
    session.execute("a.remove()")
    before = time.monotonic()
    with pytest.raises(SessionError, match=r"has changed: .* look for it again"):
        _ = found.text
    assert time.monotonic() - before < _LONG / 2


def hopping(application, count):
    """Pages that go on to the next by script, at times that meet the session's own commands."""
    for number in range(count):
        milliseconds = random.randint(0, 60)
        content = f"""<p>Page {number}</p><button>Same</button><input id=i>
        <script>setTimeout(() => location = '/hop/{number + 1}', {milliseconds})</script>"""
        application.add(f"/hop/{number}", content)
    application.add(f"/hop/{count}", "<p>The end</p><button>Same</button><input id=i>")


def test_navigation_races_never_leak_into_a_step(session, application):
    hopping(application, 8)
    # bench/features.py --flakes walks 500 scenarios through such pages.
    for _ in range(25):
        session.visit("/hop/0")
        for _ in range(4):
            _ = (session.text, session.title, session.url, len(session.html))
            session.find("button", "Same")
            session.fill("i", "x")
            session.press("Same")
            session.wait(lambda: re.search("Page|The end", session.text), lambda: "no page")
        session.see("The end")


def test_each_click_follows_one_link_however_slow_the_next_page(session, application):
    steps = 100

    def page(number):
        def answer(asked):
            time.sleep(random.random() / 20)
            return application.pages[f"/raw/{number}"]

        return answer

    for number in range(steps + 1):
        late = "setTimeout(() => history.replaceState(0, ''), 5)"
        content = f"<p>Page {number} here</p><a href=/step/{number + 1}>Next</a>"
        application.add(f"/raw/{number}", f"{content}<script>{late}</script>")
        application.pages[f"/step/{number}"] = page(number)
    session.visit("/step/0")
    for number in range(1, steps + 1):
        session.follow("Next")
        session.see(f"Page {number} here")
    asked = [one.path for one in application.requests if one.path.startswith("/step/")]
    assert asked == [f"/step/{number}" for number in range(steps + 1)]


def test_no_click_is_done_twice_where_the_page_is_loaded_again_all_the_time(session, application):
    """A reload may undo what was just sent, as it would for a person; nothing may come twice."""
    application.add("/count", "<p>Counted</p>")
    for number in range(50):
        content = f"""<form action="/count?{number}" method=post><button>Count</button></form>
        <script>setTimeout(() => location.reload(), 100 + 100 * Math.random())</script>"""
        session.visit(application.add("/again", content))
        session.press("Count")
    session.visit("/")
    sent = [one.query for one in application.requests if one.path == "/count"]
    assert len(sent) == len(set(sent))
    assert len(sent) > 25


def test_what_was_sent_arrives_though_the_next_step_opens_another_page(session, application):
    def count(asked):
        time.sleep(random.random() / 20)
        redirect = copy.copy(application.pages["/send"])
        redirect.status = 303
        redirect.headers = [("Location", "/cookie"), ("Set-Cookie", f"n={asked.query}")]
        return redirect

    for number in range(50):
        form = f"<form action='/count?{number}' method=post><button>Send</button></form>"
        session.visit(application.add("/send", form))
        application.pages["/count"] = count
        session.press("Send")
        session.visit("/cookie")
        session.see(f"n={number}")


def test_a_page_that_never_rests_is_told_so(application):
    visitor = BrowserSession(application.url, start_browser(page_load=2), patience=0.5)
    application.add("/restless", "<script>location.reload()</script>")

    def operation():
        visitor.visit("/restless")
        visitor.see("never")

    try:
        # Were it Transient, an error of the moment would have leaked into the step.
        with pytest.raises(SessionError, match=r"rest|never|long"):
            operation()
    finally:
        visitor.close()


# Tells the application at once that the page's script goes on without a rest.
STANDING = (
    """const told = new XMLHttpRequest(); told.open("GET", "/standing", false); told.send();"""
)


def until_it_stands_still(application):
    deadline = time.monotonic() + _LONG
    while "/standing" not in [one.path for one in application.requests]:
        assert time.monotonic() < deadline, "the page's script has not begun"
        time.sleep(0.02)


def test_a_script_that_never_ends_is_told_and_costs_the_browser(application):
    visitor = BrowserSession(application.url, start_browser(page_load=1), patience=0.1)
    try:
        loop = f"{STANDING} while (true);"
        content = f"<button onclick='setTimeout(() => {{ {loop} }}, 200)'>Go</button>"
        visitor.visit(application.add("/loop", content))
        visitor.press("Go")
        until_it_stands_still(application)
        with pytest.raises(SessionError, match=r"takes too long"):
            visitor.see("Go")
        assert [one.name for one in visitor.evidence()]
        with pytest.raises(SessionLost, match=r"could not be reset"):
            visitor.reset()
    finally:
        visitor.close()


STILL = f"""<form action=/sent method=post><label>Name <input name=n></label><button>Go</button>
</form><script>setTimeout(() => {{ {STANDING}
const end = Date.now() + 10000; while (Date.now() < end); }}, 300)</script>"""


@pytest.fixture
def hasty(application):
    """A visitor for whom a page may take eight seconds, and who has no patience beyond.

    STILL stands so for ten: two are left to ask it, and of those eight six to hear its answer.
    """
    visitor = BrowserSession(application.url, start_browser(page_load=8), patience=0)
    yield visitor
    visitor.close()


def test_a_page_that_stood_still_for_a_while_is_looked_at_again(hasty, application):
    hasty.visit(application.add("/still", STILL))
    until_it_stands_still(application)
    hasty.fill("Name", "x")
    assert hasty.value("Name") == "x"


def test_what_is_not_there_after_a_page_stood_still_is_told_with_that(hasty, application):
    hasty.visit(application.add("/still", STILL))
    until_it_stands_still(application)
    with pytest.raises(NotThere, match=r'no button "Stay" .*; before, .* takes too long'):
        hasty.press("Stay")


def test_what_leads_to_a_page_that_takes_too_long_is_sent_once(hasty, application):
    application.pages["/sent"] = lambda asked: time.sleep(10) or application.reply(b"<p>Late</p>")
    hasty.visit(application.add("/form", STILL.partition("<script>")[0]))
    with contextlib.suppress(SessionError):  # told by the click itself, or by what comes next
        hasty.press("Go")
    hasty.visit("/")
    assert [one.path for one in application.requests].count("/sent") == 1


def test_a_page_that_does_not_load_in_time_is_told(application):
    visitor = BrowserSession(application.url, start_browser(page_load=0.5), patience=0)
    try:
        with pytest.raises(SessionError, match=r"slow.*takes too long"):
            visitor.visit("/slow?seconds=2")
    finally:
        visitor.close()


@pytest.mark.parametrize("victim", ["browser", "driver", "page"])
def test_a_crash_is_told_in_one_sentence_and_leaves_evidence(application, victim):
    running = start_browser()
    visitor = BrowserSession(application.url, running, patience=0.5)
    try:
        visitor.visit("/")
        found = visitor.find("link", "Log in")
        if victim == "page":
            with pytest.raises(SessionLost):
                visitor.visit("chrome://crash")
        else:
            tree = psutil.Process(running.keeper._process.pid).children(recursive=True)
            name = "chromedriver" if victim == "driver" else "chrom.*(shell|chromium)"
            killed = next(one for one in tree if re.fullmatch(name, one.name()))
            killed.kill()
            with contextlib.suppress(psutil.NoSuchProcess):
                while killed.status() != psutil.STATUS_ZOMBIE:
                    time.sleep(0.01)
        for operation in (lambda: visitor.see("Welcome"), lambda: found.text, visitor.reset):
            with pytest.raises(SessionLost) as lost:
                operation()
            assert "\n" not in str(lost.value)
        kept = {one.name: one.data.decode(errors="replace") for one in visitor.evidence()}
        assert "gone" in kept["browser.txt"] or "answer" in kept["browser.txt"]
    finally:
        visitor.close()
    visitor.close()
    assert not running.keeper.folder.exists()
