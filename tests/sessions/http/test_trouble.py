"""What can go wrong over plain HTTP: wrong input, wrong answers, none, too late or too large."""

from __future__ import annotations

import contextlib
import gzip
import socket
import threading
import time

import pytest

from slipway.sessions.errors import NotThere, SessionError, SessionLost, Unsupported
from slipway.sessions.http.session import HttpSession


@pytest.fixture
def session(application):
    opened = HttpSession(application.url, timeout=60)
    yield opened
    opened.close()


@pytest.fixture
def server():
    """A server that answers with the given bytes, however wrong."""
    listening = socket.create_server(("127.0.0.1", 0))
    threads = []

    def answer(data, *, hold=0.0):
        def serve():
            connection, _ = listening.accept()
            with connection, contextlib.suppress(ConnectionError):
                connection.recv(65536)
                for piece in data if isinstance(data, list) else [data]:
                    connection.sendall(piece)
                    time.sleep(hold)

        threads.append(threading.Thread(target=serve, daemon=True))
        threads[-1].start()
        return f"http://127.0.0.1:{listening.getsockname()[1]}/"

    yield answer
    listening.close()
    for thread in threads:
        thread.join(5)


@pytest.mark.parametrize(
    ("base", "headers"),
    [
        ("shop", {}),
        ("ftp://shop/", {}),
        ("http://", {}),
        ("http://[x/", {}),
        ("http://a:99999/", {}),
        ("http://a/", {"X": "a\r\nY: b"}),
        ("http://a/", {"": "x"}),
        ("http://a/", {"X": "ä"}),
    ],
)
def test_wrong_settings_are_told(base, headers):
    with pytest.raises(SessionError, match=r"no base URL|cannot be sent"):
        HttpSession(base, headers=headers)


@pytest.mark.parametrize("address", ["about:blank", "ftp://x/y", "http://[x/", "http://a:b/"])
def test_wrong_addresses_are_told(session, address):
    with pytest.raises(SessionError, match=r"no page over HTTP|is no address|cannot be opened"):
        session.visit(address)


def test_a_script_as_address(session):
    with pytest.raises(Unsupported, match="tag the scenario"):
        session.visit("javascript:alert(1)")


def test_nobody_answers():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    session = HttpSession(f"http://ann:secret@127.0.0.1:{port}/")
    with pytest.raises(SessionLost, match=r"nobody answers at http://127.0.0.1.*running") as told:
        session.visit("/")
    assert "secret" not in str(told.value)
    assert "\n" not in str(told.value)
    assert b"nobody answers" in session.evidence()[0].data


@pytest.mark.slow
def test_answers_that_come_too_late(application):
    session = HttpSession(application.url, timeout=0.2)
    with pytest.raises(SessionError, match=r"/slow\?seconds=1 does not answer within 0.2 s"):
        session.visit("/slow?seconds=1")
    session.close()


@pytest.mark.slow
def test_answers_that_drip(server):
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
    session = HttpSession(server([head, *[b"x"] * 8], hold=0.1), timeout=0.3)
    with pytest.raises(SessionError, match=r"still sends its answer after 0.3 s"):
        session.visit("/")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
    ],
)
def test_answers_that_are_none(server, data):
    url = server(data)
    server(data)  # a request on a connection that just ended is sent once more
    session = HttpSession(url, timeout=60)
    with pytest.raises((SessionError, SessionLost)) as told:
        session.visit("/")
    assert url in str(told.value)
    assert "\n" not in str(told.value)
    socket.create_connection(url[7:-1].split(":")).close()


@pytest.mark.slow
def test_a_form_is_never_sent_twice(server, application):
    application.add("/f", "<form method=post><button>Go</button></form>")
    session = HttpSession(application.url, patience=2, timeout=2)
    session.visit("/f")
    application.pages["/f"] = lambda asked: time.sleep(3) or application.reply()
    with pytest.raises(SessionError, match="does not answer"):
        session.press("Go")
    assert [one.method for one in application.requests] == ["GET", "POST"]
    session.close()


@pytest.mark.slow
def test_pages_that_are_too_large_are_refused(application):
    session = HttpSession(application.url, max_page=1 << 20)
    application.add("/fits", raw=b"<p>x" + b" " * 1_000_000)
    application.add("/large", raw=b"x" * 1_048_577)
    packed = gzip.compress(b"y" * 50_000_000)
    application.add("/bomb", raw=packed, headers=[("Content-Encoding", "gzip")])
    session.visit("/fits")
    for path in ("/large", "/bomb"):
        with pytest.raises(SessionError, match=f"{path} answers more than 1 MB: .*max_page"):
            session.visit(path)
    session.see("x")
    session.close()


def test_an_element_of_an_earlier_page_is_told(session):
    session.visit("/")
    link = session.find("link", "Log in")
    link.click()
    with pytest.raises(NotThere, match="of an earlier page"):
        link.click()


@pytest.mark.parametrize(
    "xpath", ["//[", "count(//a)", "//a/@href", "string(//a)", "$x", "f()", "//a\0"]
)
def test_a_wrong_xpath_is_told(session, xpath):
    session.visit("/")
    with pytest.raises(SessionError, match=r"XPath 1.0|finds no elements|no page can hold"):
        session.find("xpath", xpath)
