"""What goes wrong at GitHub, and what changes after a release was published there."""

import json
from contextlib import closing

import pytest
from pydantic import ValidationError

from slipway.model.errors import MissingTool, StageFailed, WrongInput
from slipway.model.states import FileState
from slipway.scripts.releases.outgoing import Pointers
from slipway.scripts.releases.target import TryAgain
from slipway.scripts.stages.publish.targets.github.settings import GithubTarget
from tests.support.forges.github import TOKEN, stored_name
from tests.support.forges.github_place import github_place, seen_by_readers
from tests.support.release_targets import (
    Told,
    Unhurried,
    bring,
    content,
)


@pytest.fixture
def place(github, tmp_path):
    return github_place(github, tmp_path)


# ---- refusals and bad luck


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda g: setattr(g, "may_push", False), "the token may read and not write"),
        (lambda g: setattr(g, "archived", True), "is archived: it takes no releases"),
        (lambda g: g.fail("GET", "almanac$", status=404), "or none that the token may see"),
        (lambda g: g.fail("GET", "almanac$", status=403, body='{"message": "SAML"}'), "403.*SAML"),
        (
            lambda g: g.fail("GET", "almanac$", status=200, body='{"full_name": "New/Almanac"}'),
            "is called New/Almanac now",
        ),
        (lambda g: g.fail("GET", "almanac$", status=200, body="<html>"), "answers what its API"),
        (lambda g: g.fail("GET", "almanac$", status=200, body="[" * 9000), "answers what its API"),
        (lambda g: g.fail("GET", "almanac$", status=200, body='{"full_name": 7}'), "full_name"),
    ],
)
def test_what_is_not_right_is_told_by_the_check(github, place, change, sentence):
    change(github)
    with pytest.raises(StageFailed, match=sentence) as caught:
        bring(place, place.release("1.0.0"))
    assert github.count("POST") == 0
    assert TOKEN not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_wrong_token_is_told_and_never_shown(github, tmp_path):
    wrong = "ghp_wrong_token_1234"
    place = github_place(github, tmp_path, token=wrong)
    github.fail("GET", "almanac$", status=401, body=json.dumps({"message": f"Bad {wrong}"}))
    with pytest.raises(StageFailed, match=r"401.*Bad \*\*\*\*") as caught:
        bring(place, place.release("1.0.0"))
    assert wrong not in str(caught.value)


@pytest.mark.parametrize(
    ("token", "error"), [("", MissingTool), ("a\nb", WrongInput), ("ü", WrongInput)]
)
def test_a_token_that_is_none(github, tmp_path, token, error):
    place = github_place(github, tmp_path, token=token)
    with pytest.raises(error, match='the secret "GITHUB_TOKEN"'):
        bring(place, place.release("1.0.0"))


@pytest.mark.parametrize(
    ("path", "method"),
    [
        ("/assets$", "POST"),
        ("releases$", "POST"),
        (r"releases/\d+$", "PATCH"),
        ("releases/tags/", "GET"),
    ],
)
@pytest.mark.parametrize(
    ("fault", "waits"),
    [
        ({"status": 502}, 10),
        ({"status": 429, "headers": {"Retry-After": "3600"}}, 3600),
        ({"status": 403, "headers": {"Retry-After": "60"}}, 60),
        ({"status": 403, "headers": {"X-RateLimit-Remaining": "0"}}, 60),
        ({"status": 403, "body": '{"message": "You have exceeded a secondary rate limit."}'}, 60),
        ({"lose_answer": True}, 10),
        ({"cut_at": 0.5}, 10),
    ],
)
def test_what_passes_is_tried_again(github, place, path, method, fault, waits):
    release = place.release("1.0.0")
    github.fail(method, path, **fault)
    clock = Unhurried()
    bring(place, release, clock=clock)
    assert clock.waits == [waits]
    assert len(github.published) == 1
    assert github.drafts == []
    assert seen_by_readers(github, "1.0.0") == content(release)


def test_an_upload_that_is_stored_wrong_is_found(github, place):
    release = place.release("1.0.0")
    github.fail("POST", "/assets$", alter=True)
    with pytest.raises(StageFailed, match="does not hold what was written"):
        bring(place, release)
    assert github.published == []
    bring(place, release)
    assert seen_by_readers(github, "1.0.0") == content(release)


def test_uploads_go_to_github_alone(github, place):
    github.upload_base = "http://attacker.example"
    with pytest.raises(StageFailed, match="which is not its own; nothing was sent"):
        bring(place, place.release("1.0.0"))


def test_a_public_file_that_was_replaced_is_told(github, place):
    release = place.release("1.0.0")
    bring(place, release)
    place.alter("1.0.0", release.files[0].name)
    github.digests = False
    with pytest.raises(StageFailed, match=r'has another "almanac-1\.4\.zip" of 1\.0\.0'):
        bring(place, release)


def test_states_are_told(github, place):
    release = place.release("1.0.0")
    _, told = bring(place, release)
    way = [FileState.STAGED, FileState.VERIFIED, FileState.PUBLIC]
    assert told.states() == dict.fromkeys(content(release), way)
    assert told.ended()["there"].place.endswith("/example/almanac/releases/tag/v1.0.0")


def test_a_private_repository_is_read_back_by_the_api(github, place):
    github.private = True
    release = place.release("1.0.0")
    bring(place, release)
    assert github.count("GET", "/releases/download/") == 0


# ---- pointers


def pointed(place, github, version, latest, **channels):
    release = place.release(version)
    with closing(place.connect(release, Told())) as target:
        target.point(Pointers(latest, channels))
    return {one["tag_name"]: one["prerelease"] for one in github.published}


def test_an_early_version_is_a_prerelease_and_never_the_latest(github, place):
    bring(place, place.release("1.0.0"))
    bring(place, place.release("1.1.0rc1"))
    assert [one["prerelease"] for one in github.published] == [False, True]
    assert github.releases[github.latest]["tag_name"] == "v1.0.0"


def test_a_promotion_makes_a_prerelease_the_latest_release(github, tmp_path):
    place = github_place(github, tmp_path, **{"pre-channels": ["beta"]})
    bring(place, place.release("1.0.0"))
    assert pointed(place, github, "1.0.0", "0.9.0", beta="1.0.0") == {"v1.0.0": True}
    assert github.latest is None
    promoted = pointed(place, github, "1.0.0", "1.0.0", beta="1.0.0", stable="1.0.0")
    assert promoted == {"v1.0.0": False}
    assert github.releases[github.latest]["tag_name"] == "v1.0.0"
    asked = len(github.asked)
    pointed(place, github, "1.0.0", "1.0.0", beta="1.0.0", stable="1.0.0")
    assert all(one.method == "GET" for one in github.asked[asked:])


def test_the_latest_goes_back_to_an_older_release(github, place):
    bring(place, place.release("1.0.0"))
    bring(place, place.release("1.1.0"))
    assert github.releases[github.latest]["tag_name"] == "v1.1.0"
    pointed(place, github, "1.1.0", "1.0.0")
    assert github.releases[github.latest]["tag_name"] == "v1.0.0"


def test_what_an_immutable_release_refuses_is_a_notice(github, place):
    github.immutable = True
    bring(place, place.release("1.0.0"))
    bring(place, place.release("1.1.0"))
    told = Told()
    with closing(place.connect(place.release("1.1.0"), told)) as target:
        target.point(Pointers("1.0.0", {}))
    assert any(
        "v1.0.0 stays as it is; make_latest = true is refused" in str(e) for e in told.events
    )


# ---- settings


@pytest.mark.parametrize(
    "wrong",
    [
        {"repository": "almanac"},
        {"repository": "a/../b"},
        {"repository": "a/b?x"},
        {"url": "https://user:secret@api.github.com"},
        {"url": "ftp://api.github.com"},
        {"url": "http://github.example.org/api/v3"},
        {"url": "http://[::1/api/v3"},
        {"url": "https://api.github.com/ x"},
        {"tag": "v1"},
        {"tag": "v{version}{secret}"},
        {"tag": "v{version:>99999999999}"},
        {"tag": "v {version}"},
        {"tag": "-{version}\n"},
        {"heading": "{version.__class__}"},
        {"token": "ghp_secret value"},
        {"authorities": "ca.pem"},
    ],
)
def test_settings_that_cannot_be(wrong):
    with pytest.raises(ValidationError):
        GithubTarget.model_validate({"kind": "github", "repository": "a/b", **wrong})


def test_the_rule_of_names_as_users_have_reported_it():
    assert stored_name("tobwen-1.1.0-1~buster_amd64.deb") == "tobwen-1.1.0-1.buster_amd64.deb"
    assert stored_name("app-v1.3.0-(15-5)-6064eac.apk") == "app-v1.3.0-.15-5.-6064eac.apk"


def test_a_try_again_has_no_secret(github, place):
    github.fail("GET", "almanac$", status=503, body=f"overloaded by {TOKEN}")
    target = place.connect(place.release("1.0.0"), Told())
    with closing(target), pytest.raises(TryAgain, match=r"503.*by \*\*\*\*") as caught:
        target.check("1.0.0", None)
    assert TOKEN not in str(caught.value)
