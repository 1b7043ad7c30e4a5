"""The outbox of a real site: dead letters, rights, rules, unsubscribing, and the command line."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from slipway.model.notices.rules import OwnRules
from tests.live.conftest import LiveSite, live_site
from tests.support.http import open_client
from tests.support.letters import install
from tests.support.machine import wait_for
from tests.support.site import command

pytestmark = pytest.mark.live
API = "plugins/slipway/api/"
PEOPLE = """[people.ann]
roles = ["developer"]
email = "ann@example.org"
[people.ben]
roles = ["viewer"]
email = "refused@example.org"
[people.cleo]
roles = ["admin"]
"""


@pytest.fixture(scope="module")
def post(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveSite]:
    """A site that tells ann and ben of each run, of whom ben is refused."""
    with live_site(tmp_path_factory.mktemp("site")) as made:
        made.env["PYTHONPATH"] = install(made.folder / "site-packages")
        made.write(
            command("look", "print('fine')")
            + PEOPLE
            + '[notify.post]\nkind = "letters"\npeople = ["ann", "ben", "cleo"]\n'
            + f"folder = {json.dumps(str(made.folder))}\n"
        )
        made.up()
        made.wait_for_run(1)
        wait_for(lambda: letters(made), made.said)
        wait_for(lambda: listed(made, "--state", "dead"), made.said)
        yield made


def letters(site):
    file = site.folder / "letters.jsonl"
    return [json.loads(one) for one in file.read_text().splitlines()] if file.exists() else []


def listed(site, *words):
    done = site.run_slipway("outbox", "list", "--json", *words)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def token(post):
    """Return a maker of clients with a person's token."""
    opened = []

    def make(person):
        name = secrets.token_hex(4)
        done = post.run_slipway("token", "create", "--person", person, "--name", name)
        assert done.returncode == 0, done.stderr
        client = open_client(
            base_url=post.url + API,
            timeout=30,
            headers={"authorization": f"Bearer {done.stdout.strip()}"},
        )
        opened.append(client)
        return client

    yield make
    for client in opened:
        client.close()


def test_each_person_is_told_singly_and_the_outbox_says_how_it_went(post):
    found = {one["person"]: one for one in listed(post)}
    assert {name: one["state"] for name, one in found.items()} == {
        "ann": "sent",
        "ben": "dead",
        "cleo": "muted",
    }
    assert found["ann"]["text"] == "250 taken for ann"
    assert found["ben"]["text"] == "550 no such person: refused@example.org"
    assert found["cleo"]["text"] == "there is no address; write email in [people.cleo]"
    shown = post.run_slipway("outbox", "show", str(found["ben"]["id"]))
    assert f"delivery {found['ben']['id']} by post to ben is dead, after 1 tries" in shown.stdout
    assert f"{post.url}#/pipelines/demo/1" in shown.stdout
    table = post.run_slipway("outbox", "list").stdout
    assert "250 taken for ann" in table


def test_a_dead_letter_is_resent_and_what_was_sent_is_not(post):
    (dead,) = listed(post, "--state", "dead")
    done = post.run_slipway("outbox", "resend", str(dead["id"]))
    assert (done.returncode, done.stdout.strip()) == (0, "1 are sent again")
    wait_for(
        lambda: [one for one in listed(post, "--state", "dead") if one["attempts"] == 2], post.said
    )
    (sent,) = listed(post, "--state", "sent", "--person", "ann")
    done = post.run_slipway("outbox", "resend", str(sent["id"]))
    assert done.returncode == 2
    assert f"delivery {sent['id']} is sent" in done.stderr
    assert post.run_slipway("outbox", "resend").returncode == 2
    assert post.run_slipway("outbox", "show", "99999").returncode == 2
    audit = post.run_slipway("audit", "--json").stdout
    assert '"resend"' in audit
    assert len([one for one in letters(post) if one["to"] == "ann@example.org"]) == 1


def test_people_see_their_own_notices_and_nobody_elses(post, token):
    ben = token("ben")
    seen = ben.get("outbox").json()["items"]
    assert {one["person"] for one in seen} == {"ben"}
    assert ben.get("outbox", params={"person": "ann"}).status_code == 403
    (other,) = listed(post, "--person", "ann")
    assert ben.get(f"outbox/{other['id']}").status_code == 404
    assert ben.get(f"outbox/{seen[0]['id']}").status_code == 200
    for what in ("resend", "discard"):
        refused = ben.post(f"outbox/{what}", json={"ids": [seen[0]["id"]]})
        assert refused.status_code == 403
    assert ben.post("notices/rules", json={"person": "ann", "rules": {}}).status_code == 403
    assert ben.get("notices/rules", params={"person": "ann"}).status_code == 403
    with open_client(base_url=post.url + API, timeout=30) as nobody:
        assert nobody.get("outbox").status_code == 401
        assert nobody.get("notices/rules").status_code == 401
        assert nobody.post("outbox/resend", json={"ids": [1]}).status_code == 401


def test_people_set_rules_of_their_own_by_rest_and_by_the_command_line(post, token):
    ben = token("ben")
    found = ben.get("notices/rules").json()
    assert (found["person"], found["has_address"]) == ("ben", True)
    assert [one["name"] for one in found["channels"]] == ["post"]
    rules = {"quiet": "22:00-07:00", "time-zone": "Europe/Berlin", "rules": [{"tell": False}]}
    made = ben.post("notices/rules", json={"rules": rules}).json()
    assert made["rules"]["quiet"] == "22:00-07:00"
    assert OwnRules.model_validate(made["rules"]).rules[0].tell is False
    wrong = ben.post("notices/rules", json={"rules": {"quiet": "never"}})
    assert wrong.status_code == 400
    assert "are no hours" in wrong.text
    assert ben.get("notices/rules").json()["rules"]["quiet"] == "22:00-07:00"

    said = post.run_slipway(
        *("notify", "rules", "--person", "ben", "--tell", "deployed", "--digest", "day"),
        *("--quiet", "", "--clear"),
    )
    assert said.returncode == 0, said.stderr
    assert "ben: no quiet hours, Europe/Berlin" in said.stdout
    assert "  tell deployed, once a day" in said.stdout
    assert post.run_slipway("notify", "rules", "--person", "zoe").returncode == 2
    done = post.run_slipway("notify", "rules", "--person", "ben", "--mute", "run-faild")
    assert (done.returncode, "run-failed" in done.stderr) == (2, True)


def test_a_notice_to_a_person_names_the_page_where_rules_are_set(post):
    assert {one["rules_url"] for one in letters(post)} == {f"{post.url}#/notices"}


def test_one_click_ends_the_notices_of_one_person_by_one_channel(post):
    (first,) = [one for one in letters(post) if one["to"] == "ann@example.org"]
    url = first["unsubscribe"]
    assert url.startswith(f"{post.url}unsubscribe?token=")
    assert parse_qs(urlsplit(url).query).keys() == {"token"}
    # Programs that look at each address of a mail end nothing.
    shown = httpx.get(url, timeout=30)
    assert (shown.status_code, "<form" in shown.text) == (200, True)
    assert rules_of(post, "ann")["rules"] == []
    for bad in (url[:-1], f"{post.url}unsubscribe", f"{post.url}unsubscribe?token=%00"):
        assert httpx.post(bad, timeout=30).status_code == 404
    foreign = httpx.post(url, headers={"origin": "https://evil.example"}, timeout=30)
    assert foreign.status_code == 403
    assert rules_of(post, "ann")["rules"] == []
    done = httpx.post(url, data={"List-Unsubscribe": "One-Click"}, timeout=30)
    assert done.status_code == 200
    assert done.headers["referrer-policy"] == "no-referrer"
    (rule,) = rules_of(post, "ann")["rules"]
    assert (rule["channel"], rule["tell"]) == ("post", False)
    assert httpx.post(url, timeout=30).status_code == 200
    form = {"files": {"List-Unsubscribe": (None, "One-Click")}}
    assert httpx.post(url, timeout=30, **form).status_code == 200
    long = {"data": {"List-Unsubscribe": "x" * 5000}}
    assert httpx.post(url, timeout=30, **long).status_code == 415
    other = httpx.post(f"{post.url}{API}runs", data={"project": "demo"}, timeout=30)
    assert other.status_code == 415
    assert len(rules_of(post, "ann")["rules"]) == 1

    before = len(letters(post))
    post.start_run("look", "passed")
    wait_for(lambda: listed(post, "--state", "muted", "--person", "ann"), post.said)
    assert len(letters(post)) == before


def rules_of(site, person):
    done = site.run_slipway("notify", "rules", "--json", "--person", person)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["rules"]


def test_a_channel_is_tried_past_the_outbox_and_says_what_the_server_answered(post):
    before = len(letters(post))
    done = post.run_slipway("notify", "test", "post", "--person", "ann")
    expected = "notify.post: sent to ann (ann@example.org); the answer was: 250 taken for ann"
    assert (done.returncode, done.stdout.strip()) == (0, expected)
    assert letters(post)[before]["notice"]["event"] == "trial"
    done = post.run_slipway("notify", "test", "post", "--person", "ben")
    assert done.returncode == 1
    assert done.stderr.strip() == (
        "notify.post: it was not sent: 550 no such person: refused@example.org"
    )
    for words, why in (
        (("post",), "say whom, with --person NAME"),
        (("pots",), "there is no [notify.pots]"),
        (("post", "--person", "zoe"), "there is no [people.zoe]"),
    ):
        done = post.run_slipway("notify", "test", *words)
        assert (done.returncode, why in done.stderr) == (2, True), done.stderr


def test_an_example_is_shown_in_the_terminal_and_as_a_page(post):
    page = post.folder / "failed.html"
    done = post.run_slipway("notify", "preview", "run-failed", "--html", str(page))
    assert done.returncode == 0, done.stderr
    assert "almanac 1.4.0+7 (main) failed in tests" in done.stdout
    assert "tests/test_tides.py:41" in page.read_text()
    assert post.run_slipway("notify", "preview", "nothing").returncode == 2
