"""Bodies, headers and paths that are too much: refused before they are read, whoever asks what."""

from __future__ import annotations

import contextlib
import json
import time

import psutil
import pytest

from tests.attack.web_site import API, client, connect, rest, running, send, status

pytestmark = pytest.mark.live

MEGABYTE = 1 << 20
PATHS = (
    "/",
    "/auth/login",
    "/api/v2/masters/1",
    "/change_hook/poller",
    f"/{API}runs",
    "/ws",
    "/no",
)
FORM = "multipart/form-data; boundary=x"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with running(tmp_path_factory.mktemp("bodies")) as made:
        yield made


def head(path, *lines, method="POST"):
    told = [f"{method} {path} HTTP/1.1", "Host: x", *lines]
    return ("\r\n".join(told) + "\r\n\r\n").encode()


def held(site):
    return site.master().memory_info().rss


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["POST", "PUT", "GET"])
def test_a_body_is_refused_by_its_size_before_it_is_sent(site, path, method):
    for size in (256 * 1024 + 1, 50 * MEGABYTE, 10**30):
        told = head(
            path, "Content-Type: application/json", f"Content-Length: {size}", method=method
        )
        # Nothing of the body is sent: the answer comes all the same.
        answer = send(site, told)
        assert status(answer) == 413, answer
        assert json.loads(answer.partition(b"\r\n\r\n")[2]) == {
            "error": "the body has more than 262,144 bytes"
        }


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "kind", [FORM, "application/x-www-form-urlencoded", "text/plain", "", "application/jsonp"]
)
def test_what_is_no_json_is_refused_before_it_is_sent(site, path, kind):
    line = [f"Content-Type: {kind}"] if kind else []
    assert status(send(site, head(path, *line, "Content-Length: 9"))) == 415
    assert status(send(site, head(path, *line, "Transfer-Encoding: chunked"))) == 415


def test_fifty_megabytes_that_are_sent_all_the_same_are_not_kept(site):
    before = held(site)
    part = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n' + b"y" * (50 * MEGABYTE)
    for kind in (FORM, "application/json"):
        lines = (f"Content-Type: {kind}", f"Content-Length: {len(part)}")
        answer = send(site, head("/nowhere", *lines) + part)
        assert status(answer) in {413, 415}, answer[:200]
    assert held(site) - before < 30 * MEGABYTE


def test_a_client_that_sends_first_and_reads_later_is_told(site):
    with client(site) as one:
        for size in (300_000, 8 * MEGABYTE):
            answer = one.post("nowhere", content=b"[" + b" " * size + b"]", headers=JSON)
            assert answer.status_code == 413


JSON = {"Content-Type": "application/json"}


def chunks(size):
    yield b'{"project": "'
    for _ in range(size // 10_000):
        yield b"x" * 10_000
    yield b'"}'


def test_a_body_of_unknown_length_is_cut_off(site):
    before = held(site)
    with client(site, "dave") as dave:
        assert dave.post(API + "runs", content=chunks(20_000), headers=JSON).status_code == 400
        for path in (API + "runs", "api/v2/forceschedulers/demo-run", "auth/login"):
            answer = dave.post(path, content=chunks(20 * MEGABYTE), headers=JSON)
            assert answer.status_code == 413, path
    # It never ends, and nobody asks for its end.
    with connect(site) as wire:
        wire.sendall(head("/", "Content-Type: application/json", "Transfer-Encoding: chunked"))
        block = b"10000\r\n" + b"x" * 65536 + b"\r\n"
        sent = 0
        with contextlib.suppress(OSError):
            while sent < 500 * MEGABYTE:
                wire.sendall(block)
                sent += len(block)
        assert sent < 500 * MEGABYTE
    assert held(site) - before < 30 * MEGABYTE


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 200_000,
        b'{"a":' * 40_000,
        b'{"values": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"project": ' + b"9" * 200_000 + b"}",
        b'{"project": 1e999999}',
        b'{"project": NaN}',
        b'{"project": "\xff"}',
        b'{"project": "\\ud800"}',
        b'{"project": "\\u0000"}',
        b'{"project": "demo", "project": "demo", "x": {}}',
        b"null",
        b'"demo"',
        b"",
        b"\x00" * 1000,
    ],
)
def test_bodies_that_are_deep_odd_or_no_json_are_sentences(site, body):
    with client(site, "ada") as ada:
        for path in ("runs", "polls", "gates/1/open", "tokens", "runs/demo/1/cancel"):
            answer = ada.post(API + path, content=body, headers=JSON)
            assert answer.status_code in {400, 404, 409}, (path, answer.text)
            assert answer.json()["error"]
        answer = ada.post("api/v2/forceschedulers/demo-run", content=body, headers=JSON)
        assert answer.status_code == 400, answer.text
        assert "Traceback" not in answer.text
    assert "RecursionError" not in site.said()


def test_headers_and_paths_that_are_too_long_are_refused(site):
    before = held(site)
    for told in (
        head("/" + "x" * 20_000, method="GET"),
        head("/?" + "a=b&" * 10_000, method="GET"),
        head("/", "X: " + "y" * 20_000, method="GET"),
        head("/", *(f"X-{n}: y" for n in range(2000)), method="GET"),
        head("/", "Cookie: " + "a=b; " * 5000, method="GET"),
        b"x" * (4 * MEGABYTE),
        b"GET / HTTP/1.1\r\n" + b" folded\r\n" * 5000,
    ):
        assert status(send(site, told)) in {0, 400, 413, 431}, told[:60]
    assert held(site) - before < 30 * MEGABYTE
    with client(site) as one:
        many = one.get(API + "runs?" + "&".join(f"a{n}=1" for n in range(1500)))
        assert many.status_code == 400


@pytest.mark.parametrize(
    "lines",
    [
        ("Content-Length: 5", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: chunked", "Content-Length: 5"),
        ("Content-Length: 5", "Content-Length: 6"),
        ("Content-Length: -5",),
        ("Content-Length: 5x",),
        ("Transfer-Encoding: gzip, chunked",),
        ("Content-Length : 5",),
    ],
)
def test_no_request_hides_in_another(site, lines):
    """What two servers could read in two ways is refused, and what follows it is not done."""
    hidden = head(f"/{API}me", method="GET")
    told = head("/config", "Content-Type: application/json", *lines) + b"0\r\n\r\n" + hidden
    answer = send(site, told)
    assert status(answer) in {400, 413, 415}, answer
    assert answer.count(b"HTTP/1.1") == 1, answer


@pytest.mark.parametrize("path", [*PATHS, "/api/v2/builds", "/api/v2/no", "/config", "/robots.txt"])
@pytest.mark.parametrize("packed", ["gzip", "br", "zstd", "gzip, deflate, br, zstd", "identity"])
def test_no_body_comes_after_the_head_that_was_asked_for(site, path, packed):
    """What came behind it would be taken for the answer to the next request."""
    with client(site, "vera") as vera:
        cookie = "; ".join(f"{one.name}={one.value}" for one in vera.cookies.jar)
    for more in ((), ("Origin: https://evil.example.org",)):
        lines = (f"Accept-Encoding: {packed}", f"Cookie: {cookie}", "Connection: close", *more)
        answer = send(site, head(path, *lines, method="HEAD"))
        assert status(answer) in {200, 302, 400, 401, 403, 404, 405}, answer[:300]
        assert answer.partition(b"\r\n\r\n")[2] == b"", (lines, answer[-300:])


def test_hundreds_of_requests_in_one_go_are_not_answered(site):
    one = head("/nowhere", method="GET")
    answer = send(site, one * 3000)
    assert answer.count(b"HTTP/1.1 ") <= 20
    # A client that asks for the next before it has the answer is still served.
    with connect(site) as wire:
        wire.sendall(
            head("/nowhere", method="GET") + head("/no", "Connection: close", method="GET")
        )
        assert rest(wire).count(b"HTTP/1.1 404") == 2


def test_the_site_is_as_it_was(site):
    began = time.monotonic()
    with client(site, "dave") as dave:
        assert dave.get(API + "me").json()["name"] == "dave"
    assert time.monotonic() - began < 30
    assert psutil.pid_exists(site.master().pid)
