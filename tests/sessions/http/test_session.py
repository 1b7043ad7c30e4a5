"""Sessions over plain HTTP: pages, redirects, cookies and history."""

from __future__ import annotations

import pytest

from slipway.sessions.errors import NotThere, SessionError, Unsupported
from slipway.sessions.http.session import HttpSession


@pytest.fixture
def session(application):
    opened = HttpSession(application.url, timeout=60)
    yield opened
    opened.close()


def test_before_the_first_page(session):
    assert (session.url, session.title, session.html, session.text) == ("about:blank", "", "", "")
    assert session.content == b""
    assert session.evidence() == []
    with pytest.raises(SessionError, match="visit one first"):
        _ = session.status
    with pytest.raises(SessionError, match="visit one first"):
        session.reload()
    with pytest.raises(SessionError, match="no page before"):
        session.back()
    with pytest.raises(NotThere):
        session.follow("Log in")


def test_a_page(session, application):
    session.visit("/")
    assert session.url == application.url
    assert session.title == "Home"
    assert session.status == 200
    assert session.headers["CONTENT-TYPE"].startswith("text/html")
    assert "<h1>Welcome</h1>" in session.html
    assert session.text.startswith("Welcome Nothing to see.")


def test_links_and_history(session, application):
    session.visit("/")
    session.follow("Log in")
    assert session.title == "Log in"
    assert application.last.headers["referer"] == application.url
    session.fill("User name", "Ann")
    session.back()
    assert session.title == "Home"
    asked = len(application.requests)
    session.forward()
    assert session.value("User name") == "Ann"
    assert len(application.requests) == asked
    session.reload()
    assert session.value("User name") == ""
    session.back()
    session.follow("All controls")
    with pytest.raises(SessionError, match="no page after"):
        session.forward()
    session.visit("/")
    assert "referer" not in application.last.headers


def test_links_to_a_place_on_the_page_are_not_loaded(session, application):
    session.visit("/")
    session.follow("Up")
    assert session.url == application.url + "#top"
    assert len(application.requests) == 1
    session.back()
    assert session.url == application.url
    session.click("New window")
    session.see("In the popup")


def test_a_base_address_counts(session, application):
    application.add("/a/b", "<base href='/c/'><a href='d?x'>Go</a><a href=' /e\n'>Odd</a>")
    application.add("/c/d", "there")
    application.add("/e", "odd")
    session.visit("/a/b")
    session.follow("Go")
    assert session.url.endswith("/c/d?x")
    session.back()
    session.follow("Odd")
    session.see("odd")


@pytest.mark.parametrize(
    "markup",
    [
        "<a href='javascript:go()'>Go</a>",
        "<a href=' JavaScript:go()'>Go</a>",
        "<a href='#' onclick='go()'>Go</a>",
        "<button type=button onclick='go()'>Go</button>",
        "<button>Go</button>",
        "<span role=button>Go</span>",
        "<form action='javascript:go()'><button>Go</button></form>",
        "<form method=dialog><button>Go</button></form>",
    ],
)
def test_what_only_a_script_does_asks_for_a_browser(session, application, markup):
    application.add("/js", markup)
    session.visit("/js")
    with pytest.raises(Unsupported, match="tag the scenario @javascript"):
        session.click("Go")


def test_links_that_lead_to_no_page(session, application):
    application.add(
        "/l", "<a href='mailto:a@b.c'>Mail</a><a href='http://[x/'>Bad</a><p id=p>p</p>"
    )
    session.visit("/l")
    with pytest.raises(Unsupported, match=r"mailto:a@b.c, which is no page"):
        session.follow("Mail")
    with pytest.raises(SessionError, match="is no address"):
        session.follow("Bad")
    with pytest.raises(Unsupported, match="clicking <p"):
        session.find("id", "p").click()


@pytest.mark.parametrize(
    ("status", "method"), [(301, "GET"), (302, "GET"), (303, "GET"), (307, "POST"), (308, "POST")]
)
def test_redirects_keep_or_change_the_method(session, application, status, method):
    application.add(
        "/f",
        f"<form method=post action='/redirect/{status}?to=/echo%3Fx'>"
        "<input name=a value=1><button>Go</button></form>",
    )
    session.visit("/f#place")
    session.press("Go")
    assert (application.last.method, application.last.target) == (method, "/echo?x")
    assert application.last.headers["referer"] == application.url + "f"
    assert application.last.body == (b"a=1" if method == "POST" else b"")
    assert session.url == application.url + "echo?x"


def test_a_redirect_keeps_the_place_and_its_answer_is_loaded_again(session, application):
    session.visit("/redirect/302?to=/echo#there")
    assert session.url.endswith("/echo#there")
    session.reload()
    assert [one.path for one in application.requests] == ["/redirect/302", "/echo", "/echo"]


def test_redirects_in_a_circle_are_one_sentence(session, application):
    with pytest.raises(SessionError) as told:
        session.visit("/circle/a")
    home = application.url
    assert str(told.value) == (
        f"{home}circle/a leads in a circle of redirects: "
        f"{home}circle/a -> {home}circle/b -> {home}circle/a"
    )
    assert session.url == "about:blank"
    assert len(application.requests) <= 21
    assert b"302 Found" in session.evidence()[0].data


def test_redirects_without_end_and_to_nowhere(session, application):
    application.pages["/deep"] = lambda asked: application.reply(
        status=302, Location=f"/deep?{int(asked.query or 0) + 1}"
    )
    with pytest.raises(SessionError, match=r"more than 20 redirects, from .*/deep to .*/deep\?20"):
        session.visit("/deep")
    for to in ("ftp://x/", "javascript:x()"):
        application.pages["/out"] = application.reply(status=302, Location=to)
        with pytest.raises(SessionError, match=r"is no page over HTTP"):
            session.visit("/out")
    application.pages["/bare"] = application.reply(b"stay", 302)
    session.visit("/bare")
    assert (session.status, session.text) == (302, "stay")


def test_pages_that_send_on_at_once(session, application):
    head = "<meta http-equiv='Refresh' content='0; URL={}'>"
    application.add("/one", head.format("/two"))
    application.add("/two", "<noscript>" + head.format('"/three"') + "</noscript>")
    application.add("/three", "<p>There</p><meta http-equiv=refresh content='5; url=/one'>")
    session.visit("/one")
    session.see("There")
    assert application.last.headers["referer"].endswith("/two")
    application.add("/self", head.format("/self") + "me")
    session.visit("/self")
    session.see("me")
    application.add("/a", head.format("/b"))
    application.add("/b", head.format("/a"))
    with pytest.raises(SessionError, match="send on to each other without end"):
        session.visit("/a")


def test_cookies(session, application):
    session.set_cookie("mood", "good")
    session.visit("/cookie")
    session.see("mood=good")
    assert session.cookie("mood") == "good"
    assert session.cookie("other") is None
    application.add("/set", "x", Set_Cookie="mood=bad; Path=/")
    session.visit("/set")
    assert session.cookie("mood") == "bad"
    session.visit("/cookie")
    assert session.text == "mood=bad"
    application.add("/unset", "x", Set_Cookie="mood=; Path=/; Max-Age=0")
    session.visit("/unset")
    assert session.cookie("mood") is None
    application.add("/safe", "x", Set_Cookie="safe=1; Path=/; Secure; HttpOnly")
    session.visit("/safe")
    session.visit("/cookie")
    session.see("safe=1")
    session.clear_cookies()
    session.reload()
    session.see("none")
    for name, value in (("a b", "x"), ("", "x"), ("a", "x;y"), ("a", "ä"), ("a", "x\r\ny")):
        with pytest.raises(SessionError, match="cookie"):
            session.set_cookie(name, value)


def test_cookies_are_each_visitors_own_and_reset_forgets(session, application):
    other = HttpSession(application.url)
    session.set_cookie("who", "me")
    other.visit("/cookie")
    other.see("none")
    session.visit("/cookie")
    session.reset()
    assert session.url == "about:blank"
    assert session.cookie("who") is None
    with pytest.raises(SessionError):
        session.back()
    session.visit("/cookie")
    session.see("none")
    for _ in range(2):
        other.close()
        session.close()


def test_signing_in_by_the_address(application):
    home = application.url.replace("://", "://ann:p%40ss@")
    session = HttpSession(home)
    session.visit("/form")
    assert application.last.headers["authorization"] == "Basic YW5uOnBAc3M="
    assert "p%40ss" not in session.url
    session.press("Look")
    assert application.last.headers["authorization"] == "Basic YW5uOnBAc3M="
    assert "p%40ss" not in application.last.headers["referer"]
    for one in session.evidence():
        assert b"p%40ss" not in one.data
        assert b"YW5u" not in one.data
    session.close()


def test_headers_of_the_project_stay_with_its_own_host(application):
    session = HttpSession(application.url, headers={"X-Key": "k", "Accept-Language": "de"})
    session.visit("/")
    assert application.last.headers["x-key"] == "k"
    session.visit(application.url.replace("127.0.0.1", "localhost"))
    assert "x-key" not in application.last.headers
    assert application.last.headers["accept-language"] == "de"
    session.close()


def test_others_learn_only_the_host_a_visitor_comes_from(session, application):
    there = application.url.replace("127.0.0.1", "localhost") + "echo"
    application.add("/secret", f"<a href='{there}'>Out</a>")
    session.visit("/secret?token=1")
    session.follow("Out")
    assert application.last.headers["referer"] == application.url


@pytest.mark.parametrize("status", [201, 404, 418, 500])
def test_pages_of_any_status_are_pages(session, status):
    session.visit(f"/status/{status}")
    assert session.status == status
    session.see(f"Status {status}")


def test_many_pages_are_not_all_kept(application):
    session = HttpSession(application.url, max_page=1000)
    for number in range(5):
        application.add(f"/p{number}", f"<p>Page {number}</p>" + "." * 300)
        session.visit(f"/p{number}")
    asked = len(application.requests)
    for number in (3, 2, 1, 0):
        session.back()
        session.see(f"Page {number}")
    assert len(application.requests) > asked
    session.close()


def test_the_answer_to_a_form_is_loaded_again_only_when_asked(application):
    session = HttpSession(application.url, max_page=600)
    application.add("/f", "<form method=post action=/echo><input name=a><button>Go</button></form>")
    session.visit("/f")
    session.press("Go")
    session.reload()
    assert [one.method for one in application.requests] == ["GET", "POST", "POST"]
    application.add("/x", "." * 400)
    session.visit("/x")
    session.visit("/x")
    session.visit("/x")
    session.back()
    session.back()
    with pytest.raises(SessionError, match=r"/echo was the answer to a form and is not kept"):
        session.back()
    session.close()


def test_the_proxies_of_the_machine_are_not_used(session, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    session.visit("/")
    session.see("Welcome")


def test_evidence_holds_no_secrets(application):
    session = HttpSession(
        application.url, headers={"X-Api-Key": "kkk", "Authorization": "Bearer b"}
    )
    session.set_cookie("sid", "sss")
    application.add("/e", "<p>shown é</p>", Set_Cookie="tok=ttt; Path=/")
    session.visit("/e")
    shown, http = session.evidence()
    assert (shown.name, http.name) == ("page.html", "http.txt")
    assert "shown é" in shown.data.decode("utf-8-sig")
    text = http.data.decode()
    for secret in ("kkk", "Bearer", "sss", "ttt"):
        assert secret not in text
    for kept in ("HTTP/1.1 200 OK", "cookie: sid=***", "tok=***; Path=/", f"GET {session.url}"):
        assert kept in text
    session.close()
