"""Downloads: nothing but what is offered is sent, under one plain header, and none of it runs."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pytest

from tests.attack.web_site import API, client, running, send, status
from tests.support.browser import available, browser, sign_in
from tests.support.rows import all_rows, changed
from tests.support.site import command

pytestmark = pytest.mark.live

#: A page that would act for whoever has it open, if it ran where the site is.
PAGE = """<!doctype html><title>ran</title><script>
window.__xss = 1; document.title = "ran";
for (const [path, body] of [["freezes/demo", {reason: "forged"}], ["runs", {project: "demo"}]])
  fetch("/plugins/slipway/api/" + path, {method: "POST", credentials: "include",
    headers: {"Content-Type": "application/json"}, body: JSON.stringify(body)});
</script><h1 onclick="1">a page</h1><img src=x onerror="window.__xss = 2">"""
SVG = f'<svg xmlns="http://www.w3.org/2000/svg" onload="window.__xss = 3">{PAGE[15:]}</svg>'
NAMES = (
    "page.html",
    "drawn.svg",
    "picture.png",
    "a;b=c,d.html",
    "it's naïve 文 %41.xhtml",
    "+ .js",
)
MAKE = f"""
import pathlib
for number, name in enumerate({NAMES!r}):
    text = {SVG!r} if name.endswith("svg") else {PAGE!r}
    pathlib.Path(name).write_text(text + f"<!-- {{number}} -->")
"""
STAGES = command("make", MAKE, artefacts='["*.html", "*.svg", "*.png", "*.xhtml", "*.js"]')
#: What the file system holds, and no answer may: of the machine, of the site, of the program.
INSIDE = (b"root:x:", b"root:*:", b"[people.", b"[project.", b"BuildmasterConfig", b"import ")

UP = (
    "../",
    "..%2f",
    "%2e%2e/",
    "%2e%2e%2f",
    "%252e%252e%252f",
    "%c0%ae%c0%ae%c0%af",
    "..\\",
    "..%5c",
    "%2e%2e%5c",
    "..;/",
    "....//",
    "./../",
    "%u002e%u002e%u2215",
)
TARGETS = ("etc/passwd", "pipeline.toml", "state/admin-password", "state.sqlite", "package.json")
ALONE = (
    "/etc/passwd",
    "//etc/passwd",
    "%2fetc%2fpasswd",
    "file:///etc/passwd",
    "C:\\Windows\\win.ini",
    "C:%5cWindows%5cwin.ini",
    "%00",
    "x%00.html",
    "../../etc/passwd%00.js",
    "scripts.js%00",
    "%0d%0aX-Evil:%201",
    "\x00",
    "~root/.bashrc",
    ".git/config",
    "a" * 9000,
    "%2e%2e%2f" * 900 + "etc/passwd",
    "a/" * 4000,
)
#: Every endpoint that sends bytes, and where a path may be put into it.
PLACES = (
    "/plugins/slipway/api/artefacts/{}",
    "/plugins/slipway/api/artefacts/{sha}/{}",
    "/plugins/slipway/api/runs/demo/1/stages/{}/log",
    "/plugins/slipway/api/runs/{}/1",
    "/plugins/slipway/api/{}",
    "/plugins/slipway/{}",
    "/plugins/{}",
    "/assets/{}",
    "/api/v2/logs/{}/raw",
    "/api/v2/logs/1/raw/{}",
    "/api/v2/steps/1/logs/{}/raw_inline",
    "/{}",
)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with running(tmp_path_factory.mktemp("downloads"), STAGES) as made:
        made.wait_for_stage(1, "make", "passed")
        yield made


@pytest.fixture
def vera(site):
    with client(site, "vera") as one:
        yield one


def artefacts(vera: Any) -> dict[str, dict[str, Any]]:
    (stage,) = vera.get(API + "runs/demo/1").json()["stages"]
    return {one["name"]: one for one in stage["results"][0]["attempts"][0]["artefacts"]}


def raw(site, vera, path: str) -> bytes:
    """Ask for a path as it is: no client has made it tidy before."""
    cookie = "; ".join(f"{one.name}={one.value}" for one in vera.cookies.jar)
    lines = [f"GET {path} HTTP/1.1", "Host: x", f"Cookie: {cookie}", "Connection: close"]
    return send(site, ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "surrogateescape"))


@pytest.mark.parametrize("place", PLACES)
def test_no_path_leads_out_of_what_is_offered(site, vera, place):
    sha = next(iter(artefacts(vera).values()))["sha256"]
    inside = (*INSIDE, site.password().encode(), str(site.folder).encode())
    climbs = [up * depth + target for up in UP for depth in (1, 3, 12) for target in TARGETS]
    for one in (*climbs, *ALONE):
        path = place.replace("{sha}", sha).replace("{}", one)
        answer = raw(site, vera, path)
        told = f"{path[:200]}: {answer[:600]!r}"
        assert 400 <= status(answer) < 500, told
        assert not [word for word in inside if word in answer], told
        assert "x-evil" not in dict(headers(answer)), told
        assert len(answer) < 20_000, told
    assert "Traceback" not in site.said()


@pytest.mark.parametrize("query", ["name=", "format=", "name=x&path=", "file=", "lines=", "first="])
def test_no_query_leads_out_of_what_is_offered(site, vera, query):
    sha = next(iter(artefacts(vera).values()))["sha256"]
    for place in (f"artefacts/{sha}", "runs/demo/1/stages/make/log", "audit"):
        for one in (*(up * 6 + TARGETS[0] for up in UP), *ALONE):
            answer = raw(site, vera, f"/{API}{place}?{query}{one}")
            assert 400 <= status(answer) < 500, (place, query, one[:99], answer[:400])
            assert not [word for word in INSIDE if word in answer], (place, query, one[:99])


def headers(answer: bytes) -> list[tuple[str, str]]:
    lines = answer.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")[1:]
    return [
        (name.lower(), value.strip()) for name, _, value in (one.partition(":") for one in lines)
    ]


#: RFC 6266 and RFC 8187: a quoted string that needs no escapes, and letters of `attr-char`.
DISPOSITION = re.compile(
    r"(?:attachment|inline); filename=\"[A-Za-z0-9._+ -]*\"; filename\*=UTF-8''([A-Za-z0-9%._~-]*)"
)
SENT = {
    "server",
    "date",
    "x-content-type-options",
    "x-frame-options",
    "referrer-policy",
    "content-disposition",
    "content-security-policy",
    "cache-control",
    "accept-ranges",
    "last-modified",
    "content-length",
    "content-type",
    "connection",
}


def is_well_formed(answer: bytes, name: str, kinds: set[str]) -> None:
    assert status(answer) == 200, answer[:600]
    sent = headers(answer)
    names = [key for key, _ in sent]
    assert set(names) <= SENT, sent
    assert len(names) == len(set(names)), sent
    by_name = dict(sent)
    disposition = DISPOSITION.fullmatch(by_name["content-disposition"])
    assert disposition, by_name
    assert unquote(disposition[1]) == name
    assert by_name["x-content-type-options"] == "nosniff"
    assert by_name["content-security-policy"] == "default-src 'none'; sandbox"
    assert by_name["content-type"] in kinds, by_name
    if not by_name["content-type"].startswith("image/") or "svg" in by_name["content-type"]:
        assert by_name["content-disposition"].startswith("attachment;"), by_name


def test_every_name_a_stage_may_give_makes_one_header(site, vera):
    kept = artefacts(vera)
    assert set(kept) == set(NAMES)
    for name, one in kept.items():
        for path in (one["url"], f"/{API}artefacts/{one['sha256']}"):
            is_well_formed(raw(site, vera, path), name, {one["media_type"].lower()})


def put(site, sha256: str, name: str, kind: str) -> None:
    """Write into the ledger what Slipway itself refuses to write."""
    with closing(sqlite3.connect(site.state / "state.sqlite", timeout=30)) as connection:
        row = (name, kind, sha256)
        connection.execute(
            "UPDATE slipway_artefact SET name = ?, media_type = ? WHERE sha256 = ?", row
        )
        connection.commit()


@pytest.mark.parametrize(
    "name",
    [
        'a".html',
        '"; filename="evil.exe',
        "x\r\nSet-Cookie: TWISTED_SESSION=x",
        "x\r\n\r\n<script>window.__xss=1</script>",
        "x\nX-Evil: 1",
        "x\rX-Evil: 1",
        "x\x00y",
        "x; filename*=UTF-8''evil.exe",
        "日本語 ファイル\u2028\u202etxt.exe",
        "a\\b",
        "%0d%0aX-Evil: 1",
        "../../etc/passwd",
        "",
        "y" * 255,
    ],
)
def test_a_name_that_came_into_the_ledger_otherwise_makes_one_header(site, vera, name):
    was = artefacts(vera)["page.html"]
    try:
        for kind in ("text/html", "text/html\r\nX-Evil: 1", "text/html; charset=utf-7", ""):
            put(site, was["sha256"], name, kind)
            answer = raw(site, vera, f"/{API}artefacts/{was['sha256']}")
            is_well_formed(answer, name, {"text/html", "application/octet-stream"})
            again = raw(site, vera, f"/{API}artefacts/{was['sha256']}?name={quote(name, safe='')}")
            is_well_formed(again, name, {"text/html", "application/octet-stream"})
    finally:
        put(site, was["sha256"], "page.html", was["media_type"])


def test_what_else_is_sent_as_a_file_has_one_header_and_runs_nowhere(site, vera):
    steps = vera.get("api/v2/builds/1/steps").json()["steps"]
    logs = [vera.get(f"api/v2/steps/{one['stepid']}/logs").json()["logs"] for one in steps]
    number = next(one["logid"] for found in logs for one in found)
    for way in ("raw", "raw_inline"):
        sent = headers(raw(site, vera, f"/api/v2/logs/{number}/{way}"))
        names = [key for key, _ in sent]
        assert len(names) == len(set(names)), sent
        assert dict(sent)["x-content-type-options"] == "nosniff"
        # Buildbot sends a log of HTML as a page of the site: it is one without an origin.
        assert "sandbox" in dict(sent)["content-security-policy"].split("; "), sent
        assert "allow-" not in dict(sent)["content-security-policy"]


@pytest.mark.skipif(not available(), reason="no Chromium and chromedriver here")
def test_no_artefact_acts_for_whoever_opens_it(site, tmp_path: Path):
    with client(site, "ada") as ada, browser() as driver:
        kept = artefacts(ada)
        cookies = {one.name: one.value for one in ada.cookies.jar if one.path == "/"}
        driver.execute_cdp_cmd(
            "Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)}
        )
        sign_in(driver, site.url, cookies)
        asks = "const done = arguments[0]; fetch('/plugins/slipway/api/me').then(r => r.json())"
        me = driver.execute_async_script(asks + ".then(me => done(me.name))")
        assert me == "ada"
        before = all_rows(site)
        for one in kept.values():
            url = site.url + one["url"].lstrip("/")
            driver.get(url)
            assert driver.execute_script("return window.__xss") is None, one
            assert driver.title != "ran"
            # In a frame, an object and an embedding of a page of the site's own.
            driver.get(site.url + "robots.txt")
            driver.execute_async_script(_EMBED, url)
            assert driver.execute_script("return window.__xss") is None, one
        assert changed(before, all_rows(site)) == []


_EMBED = """
const [url, done] = arguments;
const made = ["iframe", "object", "embed", "img"].map((kind) => {
  const one = document.createElement(kind);
  one[kind === "object" ? "data" : "src"] = url;
  return new Promise((seen) => {
    one.onload = one.onerror = seen;
    setTimeout(seen, 1500);
    document.documentElement.append(one);
  });
});
Promise.all(made).then(() => {
  for (const one of document.querySelectorAll("iframe, object"))
    try { if (one.contentWindow.__xss) window.__xss = one.contentWindow.__xss; } catch {}
  done();
});
"""
