"""The notifier `commit-status` refused, kept waiting and attacked: one sentence, and no secret."""

from __future__ import annotations

import json
import time

import pytest

from slipway.model.notices.events import Event
from slipway.model.notices.examples import example_of
from slipway.model.notices.sending import Refused, Retry
from tests.notifiers.commit_status.conftest import CONTEXT, Told, ended, stage
from tests.support.dav_servers import certificate
from tests.support.forges.statuses import latest

EVIL = 'main"}],"state":"success\r\nX-Evil: 1\x1b[31m\u202e'


def refused(told, kind=Retry, notice=None):
    with pytest.raises(kind) as raised:
        told.sender.send(notice or stage("passed"), CONTEXT)
    sentence = str(raised.value)
    assert "\n" not in sentence
    assert told.token not in sentence
    return raised.value


# ---- the token


def test_a_wrong_token_pauses_the_channel(told):
    told.token = "wrong"
    error = refused(told)
    assert "token: " in str(error)
    assert "does not accept it" in str(error)
    assert error.channel
    assert "does not accept it" in str(refused(told, notice=example_of(Event.TRIAL)))


def test_a_token_is_read_anew_after_a_failure(told):
    good, told.token = told.token, "wrong"
    refused(told)
    told.sender.close()  # as the channel does after each failure of all
    told.token = good
    told.send(stage("passed"))
    assert "slipway/tests" in latest(told.server.statuses)


def test_a_token_without_the_right(told):
    told.server.may_push, told.server.level = False, 20
    error = refused(told)
    assert "may not write statuses of example/almanac" in str(error)
    assert "give it " in str(error)
    assert error.channel
    assert "may not write" in str(refused(told, notice=example_of(Event.TRIAL)))


def test_a_token_of_gitlab_that_may_only_read(gitlab):
    gitlab.server.scope = "read_api"
    assert "insufficient_scope" in str(refused(gitlab))
    assert "the scope api" in str(refused(gitlab, notice=example_of(Event.TRIAL)))


@pytest.mark.parametrize("word", ["two words", "line\nend", "b\xe4d", ""], ids=range(4))
def test_a_token_that_is_none_is_sent_nowhere(github, word):
    github.token = word
    with pytest.raises(Retry, match="is no token"):
        github.sender.send(stage("passed"), CONTEXT)
    assert github.server.asked == []


# ---- the repository and the commit


def test_another_repository_pauses_the_channel(told):
    told.server.name = "example/other"
    error = refused(told)
    assert "has no example/almanac, or none that the token may see" in str(error)
    assert error.channel


def test_a_commit_that_is_not_there_yet_holds_nothing_else(told):
    there = told.server.commits
    told.server.commits = set()
    error = refused(told)
    assert "example/almanac has no commit abababababab" in str(error)
    assert not error.channel
    told.server.commits = there
    told.send(stage("passed"))
    assert told.server.statuses


def test_github_takes_a_thousand_statuses_of_a_name(github):
    github.server.most = 3
    told = [stage("running", float(n), url=f"http://localhost/#/{n}") for n in range(3)]
    github.send(*told)
    error = refused(github, Refused, stage("passed", 9.0))
    assert "refuses the status slipway/tests (422)" in str(error)
    assert "maximum number of statuses" in str(error)


def test_gitlab_takes_so_many_jobs(gitlab):
    gitlab.server.most_jobs = 0
    assert "number of jobs has exceeded" in str(refused(gitlab, Refused))


# ---- later


@pytest.mark.parametrize(
    ("status", "headers", "after"),
    [
        (429, {"Retry-After": "120"}, 120.0),
        (429, {"Retry-After": "9" * 40}, 86400.0),
        (429, {"Retry-After": "soon"}, None),
        (429, {}, None),
        (503, {"Retry-After": "30"}, 30.0),
        (500, {}, None),
        (408, {}, None),
    ],
    ids=range(7),
)
def test_a_service_that_asks_to_wait_is_obeyed(told, status, headers, after):
    told.server.fail("POST", "statuses", status=status, headers=headers, body="busy")
    error = refused(told)
    assert (error.after, error.channel) == (after, True)
    assert "busy" in str(error)
    told.send(stage("passed"))
    assert latest(told.server.statuses)


def test_the_end_of_githubs_limit_is_waited_for(github):
    headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(time.time()) + 300)}
    github.server.fail("POST", "statuses", status=403, headers=headers)
    error = refused(github)
    assert 290 < error.after <= 300
    assert "takes no more for now" in str(error)
    body = json.dumps({"message": "You have exceeded a secondary rate limit"})
    github.server.fail("POST", "statuses", status=403, body=body)
    assert "takes no more" in str(refused(github))


def test_a_moment_is_waited_for_as_seconds_are(told):
    moment = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 100))
    told.server.fail("POST", "statuses", status=429, headers={"Retry-After": moment})
    assert 90 < refused(told).after <= 100


def test_a_lock_of_gitlab_holds_this_one_alone(gitlab):
    gitlab.server.fail("POST", "statuses", status=409, body='{"message":"in progress"}')
    assert not refused(gitlab).channel


def test_an_answer_that_is_lost_makes_a_second_one(told):
    told.server.fail("POST", "statuses", lose_answer=True)
    assert refused(told).channel
    told.send(stage("passed"))
    assert set(latest(told.server.statuses)) == {"slipway/tests"}


def test_a_service_that_is_away(tmp_path):
    told = Told("gitea", tmp_path)
    told.server._server.server_close()
    error = refused(told)
    assert "cannot be reached" in str(error)
    assert error.channel


# ---- attacks


def test_a_redirect_gets_no_token(told):
    """As a renamed repository, or somebody on the way, may answer."""
    with Told(told.service, told.server.folder / "other").server.running() as other:
        for status in (301, 302, 307, 308):
            where = {"Location": f"{other.here}/api/v1/repos/example/almanac/statuses/x"}
            told.server.fail("POST", "statuses", status=status, headers=where)
            assert "a token is sent nowhere else" in str(refused(told))
        assert other.asked == []


@pytest.mark.parametrize(
    "body",
    [
        b"\x1b[2Jgone\r\nSet-Cookie: x" + b"x" * 20_000_000,
        json.dumps({"message": "\x1b[31m\u202e" + "x" * 9000}).encode(),
        ("[" * 3000).encode(),
        json.dumps({"message": {"a": {"b": {"c": {"d": "e"}}}}}).encode(),
        b'{"message": null}',
        b"\xff\xfe\x00",
    ],
    ids=range(6),
)
def test_of_an_evil_answer_little_is_shown(told, body):
    told.server.fail("POST", "statuses", status=400, body=body, headers={"Content-Type": "a/b"})
    sentence = str(refused(told, Refused))
    assert len(sentence) < 400
    assert not set(sentence) & set("\x1b\r\n\0\u202e")
    told.send(stage("passed"))


def test_a_token_that_comes_back_is_not_shown(told):
    body = json.dumps({"message": f"what is {told.token}?"})
    told.server.fail("POST", "statuses", status=500, body=body)
    assert "what is ***?" in str(refused(told))


@pytest.mark.parametrize("body", ["<html>proxy</html>", "[]", "12", '"text"'], ids=range(4))
def test_an_answer_of_another_form_is_shown_as_it_is(told, body):
    told.server.fail("POST", "statuses", status=502, body=body)
    assert f"answers 502: {body}" in str(refused(told))


def test_hostile_names_stay_texts(told):
    """What people who commit may choose: nothing of it is a header, an address or JSON."""
    made = example_of(Event.STAGE_CHANGED).model_dump(mode="json", by_alias=True)
    made |= {"branch": EVIL, "subject": EVIL, "revision": stage("passed").revision, "at": 1.0}
    made["changed"] = {"name": "tests", "state": "failed", "summary": EVIL * 20}
    notice = type(stage("passed")).model_validate(made)
    long = ended(Event.RUN_FAILED, title="t" * 300, text="e" * 300, branch="x" * 299)
    told.send(notice, long)
    asked = [one for one in told.server.asked if one.method == "POST"]
    assert len(asked) == 2
    for one in asked:
        assert "x-evil" not in one.headers
        assert one.data["state"] in {"failure", "failed"}
        assert not set(one.data["description"]) & set("\x1b\r\n\u202e")
        # The branch was cleaned or cut for people: it is not the one at GitLab.
        assert "ref" not in one.data


def test_the_certificate_is_verified(tmp_path):
    paths = certificate(tmp_path, name="forge")
    told = Told("gitea", tmp_path, tls=paths)
    with told.server.running():
        error = refused(told)
        assert "certificate verify failed" in str(error)
        trusting = told.made(tmp_path, authorities="forge.pem")
        trusting.send(stage("passed"), CONTEXT)
        trusting.close()
    assert latest(told.server.statuses)
