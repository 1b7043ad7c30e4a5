"""Forged requests: what another site's page can have a signed-in browser send does nothing."""

from __future__ import annotations

import itertools
import json
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from slipway.www.api.routes import CONTROL
from tests.attack.web_site import API, WORD, client, running, up
from tests.live.access.test_sign_in import SECRET, gitlab
from tests.live.conftest import LiveSite
from tests.support.machine import wait_for
from tests.support.rows import all_rows, changed
from tests.support.site import command

pytestmark = pytest.mark.live

__all__ = ["gitlab"]

EVIL = "https://evil.example.org"
STAGES = (
    command("make", "print(1)")
    + command("gate", "print(2)", "make", manual="true")
    + command("broken", "raise SystemExit(1)")
)
#: What goes into each part of a route's path: what is there.
THERE = {"project": "demo", "number": "1", "stage": "gate", "id": "1", "name": "local"}
#: A good body for each route, where {} is none.
GOOD: dict[str, dict[str, Any]] = {
    "runs": {"project": "demo", "reason": "forged"},
    "gates/{id}/reject": {"comment": "forged"},
    "freezes/{project}": {"reason": "forged"},
    "tokens": {"name": "forged", "roles": ["admin"]},
}
#: Buildbot's own doors.
BUILDBOT = (
    "api/v2/forceschedulers/demo-run",
    "api/v2/builds/1",
    "api/v2/buildrequests/1",
    "api/v2/builders/1",
    "api/v2/workers/1",
    "change_hook/poller",
)
#: Where a page says that it comes from.
ELSEWHERE: tuple[dict[str, str], ...] = (
    {"Origin": EVIL},
    {"Origin": "null"},
    {"Origin": ""},
    {"Origin": "http://127.0.0.1:1"},
    {"Origin": EVIL, "Referer": EVIL + "/page"},
    {"Referer": EVIL + "/page"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
    {},
)
#: What a form can send, and what tries to look like JSON: no browser asks before it sends these.
FORMS = (
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "text/plain",
    "text/plain; charset=utf-8; x=application/json",
    "text/plain, application/json",
    "text/plain; application/json",
    "multipart/form-data; boundary=application/json",
    "application/x-www-form-urlencoded; charset=application/json",
    "",
)
#: What a page of another site must ask for first, and is never given.
JSONS = (
    "application/json",
    "application/json; charset=utf-16",
    "application/json; charset=utf-7",
    "APPLICATION/JSON;charset=iso-8859-1",
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveSite]:
    with running(tmp_path_factory.mktemp("forgery"), STAGES) as made:
        made.wait_for_stage(1, "gate", "gate")
        made.wait_for_stage(1, "broken", "failed")
        # Buildbot closes what it has done a moment later.
        open_sets = "SELECT id FROM buildsets WHERE NOT complete"
        wait_for(lambda: not asked(made, open_sets), made.said)
        yield made


def doors() -> list[tuple[str, str, dict[str, Any]]]:
    """Return the method, the path and a good body of each verb."""
    found = [
        (route.method, API + route.path.format(**THERE), GOOD.get(route.path, {}))
        for route in CONTROL
    ]
    control = {"jsonrpc": "2.0", "id": 1, "method": "stop", "params": {"reason": "forged"}}
    force = {**control, "method": "force", "params": {"builderNames": ["demo.make"]}}
    return found + [("POST", path, force if "force" in path else control) for path in BUILDBOT]


def everything(site: LiveSite) -> dict[str, Any]:
    """Return the rows of all tables, Buildbot's own too."""
    rows, every = all_rows(site), 'SELECT * FROM "{}"'.format
    for table in ("buildsets", "buildrequests", "builds", "changes", "workers"):
        rows[table] = asked(site, every(table))
    return rows


def asked(site: LiveSite, query: str) -> list[Any]:
    with closing(sqlite3.connect(site.state / "state.sqlite", timeout=30)) as connection:
        return sorted(connection.execute(query), key=repr)


def written(body: dict[str, Any], kind: str) -> bytes:
    if "utf-16" in kind:
        return json.dumps(body).encode("utf-16")
    if kind.startswith("application/x-www"):
        return "&".join(f"{name}={value}" for name, value in body.items()).encode()
    if kind.startswith("multipart"):
        return f"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n{body}\r\n--x--\r\n".encode()
    return json.dumps(body).encode()


def forged(site: LiveSite, kinds: tuple[str, ...], whence: Any, *statuses: int) -> None:
    """Send every verb as the admin's browser would, for a page that is not the site's."""
    before = everything(site)
    with client(site, "ada") as ada:
        assert ada.get(API + "me").json()["name"] == "ada"
        for (method, path, body), kind in itertools.product(doors(), kinds):
            headers = {**whence, **({"Content-Type": kind} if kind else {})}
            content = written(body, kind)
            answer = ada.request(method, path, content=content or b"{}", headers=headers)
            told = f"{method} {path} {headers}: {answer.status_code} {answer.text[:300]}"
            assert answer.status_code in statuses, told
            assert "access-control-allow-origin" not in answer.headers, told
            if kind.startswith("text/plain"):
                # JSON, hidden in a form's only field.
                tail = {**headers, "Content-Type": "text/plain"}
                hidden = json.dumps({**body, "x": "="}).encode()
                assert ada.request(method, path, content=hidden, headers=tail).is_client_error
    assert changed(before, everything(site)) == []


@pytest.mark.parametrize("whence", ELSEWHERE, ids=str)
def test_no_form_does_anything_wherever_it_stands(site, whence):
    forged(site, FORMS, whence, 403, 415)


@pytest.mark.parametrize(
    "whence", [one for one in ELSEWHERE if one.get("Origin") is not None], ids=str
)
def test_no_json_of_another_site_does_anything(site, whence):
    forged(site, JSONS, whence, 403)


@pytest.mark.parametrize(
    "whence",
    [
        {"Referer": EVIL + "/page"},
        {"Referer": "http://127.0.0.1:1/"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
    ids=str,
)
def test_json_without_an_origin_does_nothing_where_it_says_that_it_is_of_another_site(site, whence):
    forged(site, JSONS, whence, 403)


def test_no_header_and_no_query_makes_another_method_of_it(site):
    before = everything(site)
    with client(site, "ada") as ada:
        for (method, path, body), name in itertools.product(
            doors(), ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "_method")
        ):
            for sent in ("GET", "HEAD"):
                headers = {name: method, "Origin": EVIL, "Content-Type": "application/json"}
                content = json.dumps(body).encode()
                answer = ada.request(sent, path, content=content, headers=headers)
                assert answer.status_code < 500, (sent, path, headers, answer.text)
                asked = ada.request(sent, path, params={name: method, **body})
                assert asked.status_code < 500, (sent, path, name, asked.text)
            # A verb that takes no POST is not had by one.
            turned = {name: "DELETE", "Content-Type": "application/json", "Origin": EVIL}
            assert ada.post(path, content=b"{}", headers=turned).status_code == 403
    assert changed(before, everything(site)) == []


def test_nobody_elsewhere_is_told_that_they_may_ask(site):
    """A browser asks before it sends JSON for another site's page; the answer is no."""
    with client(site, "ada") as ada:
        for method, path, _ in doors():
            headers = {
                "Origin": EVIL,
                "Access-Control-Request-Method": method,
                "Access-Control-Request-Headers": "content-type, authorization",
            }
            answer = ada.options(path, headers=headers)
            allowed = answer.headers.get("access-control-allow-origin")
            assert allowed is None, (path, answer.headers)


@pytest.mark.parametrize(
    "whence",
    [{"Sec-Fetch-Site": "cross-site"}, {"Referer": EVIL + "/page"}, {"Origin": EVIL}],
)
def test_no_page_of_another_site_signs_anybody_out(site, whence):
    with client(site, "ada") as ada:
        assert ada.get("auth/logout", headers=whence).status_code == 403
        assert ada.get(API + "me").json()["name"] == "ada"
        assert ada.get("auth/logout", headers={"Sec-Fetch-Site": "same-origin"}).is_redirect
        assert ada.get(API + "me").json()["name"] != "ada"


def test_the_sites_own_pages_may(site):
    """What has all been refused is done for the site itself: the refusals were for whence alone."""
    own = {"Origin": site.url.rstrip("/"), "Referer": site.url, "Sec-Fetch-Site": "same-origin"}
    with client(site, "ada") as ada:
        for headers in (own, {"Referer": site.url}, {}):
            for method in ("POST", "DELETE"):
                body = {"reason": "the fair"} if method == "POST" else {}
                answer = ada.request(method, API + "freezes/demo", json=body, headers=headers)
                assert answer.status_code == 200, (headers, answer.text)


def guesses(site: LiveSite, path: str, count: int = 200, **more: Any) -> tuple[list[int], float]:
    """Come back with so many made-up codes; return what was said, and the longest wait."""
    kinds = ("x{}", "../{}", "%00{}", "{}%0d%0aX-Evil:1", "<script>{}", "a" * 400 + "{}")

    def one(number: int) -> tuple[int, float]:
        code = kinds[number % len(kinds)].format(number)
        began = time.monotonic()
        answer = made.get(path.format(code))
        assert "x-evil" not in answer.headers
        assert "Traceback" not in answer.text
        return answer.status_code, time.monotonic() - began

    with client(site, **more) as made, ThreadPoolExecutor(8) as pool:
        said = list(pool.map(one, range(count)))
    return [status for status, _ in said], max(seconds for _, seconds in said)


def test_made_up_codes_sign_nobody_in_where_there_are_passwords(site):
    with ThreadPoolExecutor(1) as pool:
        guessing = pool.submit(guesses, site, "auth/login?code={0}&state=redirect%3D{0}")
        with client(site) as one:
            assert one.get("auth/login", auth=("vera", WORD)).status_code == 302
            assert one.get(API + "me").json()["name"] == "vera"
        said, longest = guessing.result()
    assert set(said) <= {400, 401, 429}, set(said)
    assert longest < 60


@pytest.fixture
def elsewhere(tmp_path: Any, gitlab: str) -> Iterator[LiveSite]:
    """A site whose people sign in at a GitLab."""
    site = LiveSite(tmp_path)
    site.make_repository()
    site.write(command("make", "print(1)"))
    secret = site.folder / "gitlab-secret"
    secret.write_text(SECRET)
    secret.chmod(0o600)
    file = site.folder / "pipeline.toml"
    file.write_text(
        f'{file.read_text()}\n[people.ann]\nroles = ["developer"]\n[access]\n'
        f'anonymous = "none"\nprovider = "gitlab"\nserver = "{gitlab}"\n'
        'client-id = "slipway"\nclient-secret.file = "gitlab-secret"\n'
    )
    with up(site):
        yield site


def state_of(answer: httpx.Response) -> str:
    asked = parse_qs(urlsplit(answer.headers["location"]).query)
    return parse_qs(asked["state"][0])["begun"][0]


def signs_in(site: LiveSite) -> str:
    with client(site, follow_redirects=True) as one:
        assert one.get("auth/login").status_code == 200
        return str(one.get("config").json()["user"].get("username"))


def test_a_code_is_taken_from_the_browser_that_was_sent_for_it(elsewhere):
    """A good code of somebody else's signs nobody in: they would act under a stranger's name."""
    site = elsewhere
    with client(site) as evil, client(site) as victim:
        begun = state_of(evil.get("auth/login"))
        other = state_of(victim.get("auth/login"))
        assert begun != other
        for state in (
            "",
            f"begun%3D{begun}",
            "begun%3D",
            "redirect%3D/x",
            "%ff",
            f"begun%3D{'0' * 32}",
        ):
            answer = victim.get(f"auth/login?code=a-code&state={state}")
            assert answer.status_code == 403, answer.text
            assert victim.get("api/v2/masters").status_code == 401
        # And without a cookie of its own.
        victim.cookies.clear()
        assert victim.get(f"auth/login?code=a-code&state=begun%3D{begun}").status_code == 403
        assert evil.get(f"auth/login?code=a-code&state=begun%3D{begun}").status_code == 302
        assert evil.get("config").json()["user"]["username"] == "ann"
    with client(site, follow_redirects=True) as one:
        # A second tab does not end what the first has begun.
        first = state_of(one.get("auth/login", follow_redirects=False))
        assert state_of(one.get("auth/login", follow_redirects=False)) == first
        came = one.get("auth/login?redirect=/pipelines", follow_redirects=True)
        assert str(came.url).endswith("#/pipelines")


def test_made_up_codes_at_a_provider_are_few_and_keep_nobody_out(elsewhere):
    site = elsewhere
    with client(site) as one:
        begun = state_of(one.get("auth/login"))
        cookies = dict(one.cookies)
    # Nobody has begun these: no provider is asked.
    said, longest = guesses(site, "auth/login?code={0}&state=begun%3D{0}")
    assert set(said) == {403}
    assert longest < 60
    path = "auth/login?code={0}&state=begun%3D" + begun
    with ThreadPoolExecutor(1) as pool:
        wire = httpx.HTTPTransport(local_address="127.0.0.9")
        guessing = pool.submit(guesses, site, path, cookies=cookies, transport=wire)
        # The admin has a password; the others come from the provider, from elsewhere.
        done = site.run_slipway("poll")
        assert done.returncode == 0, done.stderr
        assert signs_in(site) == "ann"
        said, _ = guessing.result()
    assert said.count(429) > 100, said
    assert set(said) <= {403, 429, 503}, set(said)
    assert signs_in(site) == "ann"
    assert "Traceback" not in site.said()
