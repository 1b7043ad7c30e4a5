"""Releases on GitLab: a package whose files are never sent twice, then a release with links."""

import json
from contextlib import closing

import pytest
from pydantic import ValidationError

from slipway.model.errors import StageFailed, WrongInput
from slipway.model.states import FileState
from slipway.scripts.stages.publish.targets.gitlab.settings import GitlabTarget
from tests.support.forges.gitlab import REVISION, TOKENS
from tests.support.forges.gitlab_place import gitlab_place
from tests.support.http import get
from tests.support.release_targets import (
    CHECKS,
    Told,
    Unhurried,
    bring,
    check_cut_anywhere_and_again,
    content,
)

OTHER = "cd" * 20


@pytest.fixture
def place(gitlab, tmp_path):
    return gitlab_place(gitlab, tmp_path)


@pytest.mark.parametrize("check", CHECKS, ids=lambda one: one.__name__)
def test_the_contract(place, check):
    check(place)


def test_a_cut_that_passes_is_mended_by_the_same_run(place):
    check_cut_anywhere_and_again(place, passing=True)


def test_a_release_is_made_last_in_one_request(gitlab, place):
    release = place.release("1.0.0+7")
    _, told = bring(place, release)
    [made] = gitlab.releases.values()
    assert (made["tag_name"], made["name"]) == ("v1.0.0+7", "almanac 1.0.0+7")
    assert gitlab.tags == {"v1.0.0+7": REVISION}
    assert [one["name"] for one in made["assets"]["links"]][-1] == "release.json"
    changed = [one.method for one in gitlab.asked if one.method != "GET"]
    assert changed == ["PUT"] * len(release.files) + ["POST"]
    assert told.ended()["there"].place.endswith("/-/releases/v1.0.0+7")
    way = [FileState.STAGED, FileState.VERIFIED, FileState.PUBLIC]
    assert told.states() == dict.fromkeys(content(release), way)


@pytest.mark.parametrize("kind", ["job", "deploy"])
def test_other_kinds_of_tokens(gitlab, tmp_path, kind):
    place = gitlab_place(gitlab, tmp_path, kind=kind, release=kind == "job")
    release = place.release("1.0.0")
    bring(place, release)
    assert {one["name"]: one["file"].read_bytes() for one in gitlab.files} == content(release)
    assert len(gitlab.releases) == (kind == "job")
    again, _ = bring(place, release)
    assert again.staged == []
    other = place.release("1.0.0", {**place.files, "almanac.dump": b"other"})
    with pytest.raises(StageFailed, match=r"has another .almanac\.dump"):
        bring(place, other)


def test_a_project_by_its_number(gitlab, tmp_path):
    place = gitlab_place(gitlab, tmp_path, project="24")
    bring(place, place.release("1.0.0"))
    assert len(gitlab.releases) == 1


def test_paths_of_links_have_fewer_signs_than_names(gitlab, place):
    names = ["almanac-1.4.0+7.tar.zst", "almanac-1.4.0-7.tar.zst", "x_", "a" * 130 + ".zip"]
    bring(place, place.release("1.0.0", {name: name.encode() for name in names}))
    links = {one["name"]: one for one in gitlab.releases["v1.0.0"]["assets"]["links"]}
    assert links[names[0]]["direct_asset_path"] == "/almanac-1.4.0-7.tar.zst"
    assert all("direct_asset_path" not in links[name] for name in names[1:])


def test_the_package_of_a_private_project_has_no_public_address(gitlab, place):
    gitlab.visibility = "private"
    release = place.release("1.0.0")
    bring(place, release)
    target = place.connect(release, Told())
    with closing(target):
        assert target.public_url("release.json") is None
        gitlab.visibility = "public"
    target = place.connect(release, Told())
    with closing(target):
        url = target.public_url("release.json")
    assert get(url, follow_redirects=True).content == content(release)["release.json"]


# ---- what is there already


def test_files_of_several_pages_are_found(gitlab, place):
    files = {f"file-{number}.txt": str(number).encode() for number in range(120)}
    release = place.release("1.0.0", files)
    bring(place, release)
    again, _ = bring(place, release)
    assert again.staged == []


def test_another_file_in_a_package_without_a_release_is_refused(gitlab, place, tmp_path):
    (tmp_path / "other").write_bytes(b"other")
    gitlab.add("almanac", "1.0.0", "almanac.dump", tmp_path / "other", "f" * 64, 5)
    with pytest.raises(StageFailed, match=r"has another .almanac\.dump. .f+., and nothing is"):
        bring(place, place.release("1.0.0"))
    assert gitlab.count("PUT") == 0


def test_packages_of_names_that_are_alike_are_others(gitlab, place, tmp_path):
    (tmp_path / "other").write_bytes(b"other")
    gitlab.add("almanac-extra", "1.0.0", "almanac.dump", tmp_path / "other", "f" * 64, 5)
    gitlab.add("almanac", "0.9.0", "almanac.dump", tmp_path / "other", "f" * 64, 5)
    release = place.release("1.0.0")
    bring(place, release)
    assert gitlab.linked("v1.0.0") == content(release)


def test_the_newest_of_several_files_of_a_name_counts(gitlab, place, tmp_path):
    release = place.release("1.0.0")
    bring(place, release)
    (tmp_path / "other").write_bytes(b"other")
    gitlab.add("almanac", "1.0.0", "almanac.dump", tmp_path / "other", "f" * 64, 5)
    with pytest.raises(StageFailed, match=r"has another .almanac\.dump"):
        bring(place, release)


def test_what_was_stored_wrong_is_told_and_never_sent_again(gitlab, place):
    release = place.release("1.0.0")
    name = release.files[0].name

    def lie(target):
        target.on_staged = lambda file: file.name == name and place.alter("1.0.0", name)

    with pytest.raises(StageFailed, match="does not hold what was written"):
        bring(place, release, lie)
    assert gitlab.releases == {}
    with pytest.raises(StageFailed, match=r"unlike what it says.*delete that package"):
        bring(place, release)
    assert gitlab.releases == {}


def test_a_release_that_people_made_gets_the_links(gitlab, place):
    gitlab.tags["v1.0.0"] = REVISION
    notes = {"id": 1, "name": "notes", "url": "https://example.org/notes"}
    gitlab.releases["v1.0.0"] = {"tag_name": "v1.0.0", "assets": {"links": [notes]}}
    release = place.release("1.0.0")
    bring(place, release)
    links = gitlab.releases["v1.0.0"]["assets"]["links"]
    assert [one["name"] for one in links] == ["notes", *content(release)]


def test_a_release_that_links_to_something_else_is_refused(gitlab, place):
    gitlab.tags["v1.0.0"] = REVISION
    link = {"id": 1, "name": "release.json", "url": "https://example.org/release.json"}
    gitlab.releases["v1.0.0"] = {"tag_name": "v1.0.0", "assets": {"links": [link]}}
    with pytest.raises(StageFailed, match=r"leads to .https://example\.org/release\.json. and not"):
        bring(place, place.release("1.0.0"))


def test_two_publishes_at_once_make_one_release(gitlab, place):
    release = place.release("1.0.0")

    def meanwhile(target):
        def on_staged(file):
            if file is release.files[-1]:
                bring(place, release)

        target.on_staged = on_staged

    bring(place, release, meanwhile)
    assert gitlab.linked("v1.0.0") == content(release)


def test_two_runs_with_other_bytes_do_not_mix(gitlab, place, tmp_path):
    release = place.release("1.0.0")
    (tmp_path / "other").write_bytes(b"other")

    def meanwhile(target):
        def on_staged(file):
            if file is release.files[-1]:
                gitlab.add("almanac", "1.0.0", "almanac.dump", tmp_path / "other", "f" * 64, 5)

        target.on_staged = on_staged

    with pytest.raises(StageFailed, match=r"has another .almanac\.dump"):
        bring(place, release, meanwhile)
    assert gitlab.releases == {}


def test_a_project_that_takes_no_duplicates(gitlab, place):
    gitlab.duplicates = False
    release = place.release("1.0.0")

    def meanwhile(target):
        def on_read(_sent):
            target.on_read = lambda _sent: None
            bring(place, release)

        target.on_read = on_read

    bring(place, release, meanwhile)
    assert gitlab.linked("v1.0.0") == content(release)


# ---- what is not right


def test_a_tag_elsewhere_is_refused_before_anything_is_sent(gitlab, place):
    gitlab.tags["v1.0.0"] = OTHER
    with pytest.raises(StageFailed, match=r"the tag v1\.0\.0 points at cdcd"):
        bring(place, place.release("1.0.0"))
    assert gitlab.files == []


def test_a_job_token_cannot_look_at_tags_and_finds_it_at_the_end(gitlab, tmp_path):
    place = gitlab_place(gitlab, tmp_path, kind="job")
    gitlab.tags["v1.0.0"] = OTHER
    with pytest.raises(StageFailed, match=r"the tag v1\.0\.0 points at cdcd"):
        bring(place, place.release("1.0.0"))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda g: setattr(g, "archived", True), "is archived"),
        (lambda g: setattr(g, "level", 20), "the token's owner may not release there"),
        (lambda g: setattr(g, "name", "other/name"), "has no project example/almanac, or none"),
        (lambda g: g.commits.clear(), f"has no commit {REVISION}: push it there first"),
        (lambda g: g.fail("GET", "/packages$", status=403), "403.*see that the account or token"),
        (lambda g: g.fail("GET", "almanac$", status=200, body="[]"), "answers what its API does"),
    ],
)
def test_what_is_not_right_is_told_by_the_check(gitlab, place, change, sentence):
    change(gitlab)
    with pytest.raises(StageFailed, match=sentence):
        bring(place, place.release("1.0.0"))
    assert gitlab.count("PUT") + gitlab.count("POST") == 0


@pytest.mark.parametrize("kind", ["personal", "job", "deploy"])
def test_a_wrong_token_is_told_and_never_shown(gitlab, tmp_path, kind):
    wrong = "glpat-wrong-token"
    place = gitlab_place(gitlab, tmp_path, kind=kind, token=wrong, release=False)
    body = json.dumps({"message": f"{wrong} is not known"})
    gitlab.fail("GET", "/packages", status=401, body=body)
    with pytest.raises(StageFailed, match=r"401.*\*\*\*\* is not known") as caught:
        bring(place, place.release("1.0.0"))
    assert wrong not in str(caught.value)


def test_a_protected_tag_is_told(gitlab, place):
    text = "You are not allowed to create this tag as it is protected."
    gitlab.fail("POST", "/releases$", status=403, body=json.dumps({"message": text}))
    with pytest.raises(StageFailed, match=r"403 Forbidden: .*this tag as it is protected"):
        bring(place, place.release("1.0.0"))


@pytest.mark.parametrize("name", ["a b.zip", "Grüße.txt", "~a", "a@", "a%2Fb", "a(1)"])
def test_names_that_gitlab_does_not_take(gitlab, place, name):
    with pytest.raises(WrongInput, match="GitLab takes no file called"):
        bring(place, place.release("1.0.0", {name: b"x"}))
    assert gitlab.count("PUT") == 0


def test_a_version_that_gitlab_does_not_take(gitlab, place):
    target = place.connect(place.release("1.0=1"), Told())
    with closing(target), pytest.raises(WrongInput, match=r"GitLab takes letters.*not 1\.0=1"):
        target.check("1.0=1", None)


@pytest.mark.parametrize(("path", "method"), [("/generic/", "PUT"), ("/releases$", "POST")])
@pytest.mark.parametrize(
    ("fault", "waits"),
    [
        ({"status": 502}, 10),
        ({"status": 429, "headers": {"Retry-After": "3600"}}, 3600),
        ({"lose_answer": True}, 10),
        ({"cut_at": 0.5}, 10),
    ],
)
def test_what_passes_is_tried_again(gitlab, place, path, method, fault, waits):
    """The stand-in notes each file that is sent twice, as GitLab would keep both."""
    release = place.release("1.0.0")
    gitlab.fail(method, path, **fault)
    clock = Unhurried()
    bring(place, release, clock=clock)
    assert clock.waits == [waits]
    assert gitlab.linked("v1.0.0") == content(release)


@pytest.mark.parametrize(
    "wrong",
    [
        {"project": "almanac"},
        {"project": "a/../b"},
        {"project": "a/b?x=1"},
        {"url": "https://oauth2:secret@gitlab.com"},
        {"url": "http://gitlab.example.org"},
        {"token-kind": "deploy"},
        {"token-kind": "runner"},
        {"package": "a/b"},
        {"tag": "latest"},
    ],
)
def test_settings_that_cannot_be(wrong):
    with pytest.raises(ValidationError):
        GitlabTarget.model_validate({"kind": "gitlab", "project": "a/b", **wrong})


def test_each_kind_of_token_has_its_header():
    assert set(TOKENS) == {"PRIVATE-TOKEN", "JOB-TOKEN", "DEPLOY-TOKEN"}
