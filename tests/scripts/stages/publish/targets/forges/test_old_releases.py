"""What `keep` removes at GitHub, GitLab and PyPI, and what it must never touch."""

import json
from contextlib import closing

import pytest
from pydantic import ValidationError

from slipway.model.errors import StageFailed
from slipway.model.retention import KeepReleases
from slipway.scripts.stages.publish.targets.gitlab.settings import GitlabTarget
from slipway.scripts.stages.publish.targets.pypi.settings import PypiTarget
from tests.support.forges.github_place import github_place, seen_by_readers
from tests.support.forges.gitlab_place import gitlab_place
from tests.support.old_releases import check_old_releases_are_removed, dated
from tests.support.release_targets import Told, bring, content

KEEP = KeepReleases(latest=1)
REMOVED = "1.0.0 was removed from there, as its keep says"


@pytest.fixture
def hub(github, tmp_path):
    github.may_delete = True
    return github_place(github, tmp_path, keep={"latest": 1})


@pytest.fixture
def lab(gitlab, tmp_path):
    gitlab.level = 40
    return gitlab_place(gitlab, tmp_path, keep={"latest": 1})


def two(place, **settings):
    """Bring 1.0.0 and, with `keep`, 2.0.0; return them and what the second time told."""
    first, second = (dated(place.release(f"{n}.0.0"), n) for n in (1, 2))
    bring(place, first)
    return first, second, lambda: bring(place, second, keep=KEEP, protected=frozenset())[1]


def test_old_releases_go_from_github(github, hub):
    check_old_releases_are_removed(hub)
    assert {"v6.0.0", "v6.5.0"} <= set(github.tags), "tags are the repository's history"


@pytest.mark.parametrize("kind", ["personal", "job"])
@pytest.mark.parametrize("release", [True, False], ids=["release", "package"])
def test_old_releases_go_from_gitlab(gitlab, tmp_path, kind, release):
    gitlab.level = 40
    place = gitlab_place(gitlab, tmp_path, kind=kind, release=release, keep={"latest": 2})
    if not release:
        place.readers_see = lambda version: {
            one["name"]: one["file"].read_bytes()
            for one in gitlab.files
            if one["version"] == version
        }
    check_old_releases_are_removed(place)
    assert {one["version"] for one in gitlab.files} == {"6.4.0", "6.5.0"}


@pytest.mark.parametrize("forge", ["hub", "lab"])
def test_what_was_removed_can_be_published_again(request, forge):
    place = request.getfixturevalue(forge)
    first, _second, tidied = two(place)
    assert REMOVED in tidied().notices()
    assert dict(place.readers_see("1.0.0")) == {}
    _, told = bring(place, first)
    assert dict(place.readers_see("1.0.0")) == content(first)
    assert told.ended()["there"].state == "public"


# ---- GitHub


def test_what_github_shows_as_the_latest_stays(github, hub, tmp_path):
    first, _second, _ = two(hub)
    early = github_place(github, tmp_path / "early", prerelease=True)
    told = bring(early, dated(early.release("2.0.0"), 2), keep=KEEP, protected=frozenset())[1]
    assert [one for one in told.notices() if "removed" in one] == []
    assert seen_by_readers(github, "1.0.0") == content(first)
    assert github.releases[github.latest]["tag_name"] == "v1.0.0"
    told = bring(hub, dated(hub.release("3.0.0"), 3), keep=KEEP, protected=frozenset())[1]
    gone = [one.partition(" ")[0] for one in told.notices() if "removed" in one]
    assert gone == ["1.0.0", "2.0.0"]


def test_releases_of_people_and_of_other_projects_stay(github, hub):
    first, _second, tidied = two(hub)
    [ours] = github.published
    manifest = content(first)["release.json"]
    stranger = json.dumps({**json.loads(manifest), "project": "other"}).encode()
    for number, (tag, body, text) in enumerate(
        (
            ("v0.1.0", "Notes of a person", manifest),
            ("v0.2.0", ours["body"], stranger),
            ("v0.3.0", ours["body"], manifest),
            ("v0.4.0", ours["body"], b"{"),
            ("v0.5.0", ours["body"], None),
        )
    ):
        made = {**ours, "id": 900 + number, "tag_name": tag, "body": body}
        github.releases[made["id"]] = made
        if text is not None:
            path = github.folder / f"stranger-{number}"
            path.write_bytes(text)
            asset = next(a for a in github.assets.values() if a["name"] == "release.json")
            new = {"id": 800 + number, "release": made["id"], "file": path, "size": len(text)}
            github.assets[800 + number] = {**asset, **new}
    assert [one for one in tidied().notices() if "removed" in one] == [REMOVED]
    assert {one["tag_name"] for one in github.published} == {
        "v2.0.0",
        *(f"v0.{number}.0" for number in range(1, 6)),
    }


def test_immutable_releases_stay_and_it_is_told(github, hub):
    github.immutable = True
    _first, _second, tidied = two(hub)
    notices = tidied().notices()
    assert any("immutable releases stay, 2 now: GitHub would never" in one for one in notices)
    assert len(github.published) == 2
    assert github.burned == set()


def test_a_release_that_became_another_is_not_removed(github, hub):
    release = hub.release("1.0.0")
    bring(hub, release)
    github.published[0]["body"] = "Written anew by a person"
    target = hub.connect(release, Told())
    with closing(target):
        assert list(target.versions()) == []
        with pytest.raises(
            StageFailed, match=r"the release v1\.0\.0 is not that of 1\.0\.0 any more"
        ):
            target.remove("1.0.0")
        target.remove("0.0.1")
    assert len(github.published) == 1


def test_a_refused_removal_is_told_and_fails_nothing(github, hub):
    _first, second, tidied = two(hub)
    github.fail("DELETE", "/releases/", status=403, body='{"message": "Resource not accessible"}')
    told = tidied()
    assert any(one.startswith("1.0.0 was not removed from there: ") for one in told.notices())
    assert told.ended()["there"].state == "public"
    assert seen_by_readers(github, "2.0.0") == content(second)


def test_a_lost_answer_of_a_removal_is_no_failure(github, hub):
    _first, _second, tidied = two(hub)
    github.fail("DELETE", "/releases/", lose_answer=True)
    assert REMOVED in tidied().notices()
    assert [one["tag_name"] for one in github.published] == ["v2.0.0"]


# ---- GitLab


def test_packages_that_are_not_ours_stay(gitlab, lab):
    first, _second, tidied = two(lab)
    stranger = json.dumps({**json.loads(content(first)["release.json"]), "project": "other"})
    for version, text in (("0.1.0", stranger), ("0.2.0", "{"), ("0.3.0", None)):
        path = gitlab.folder / version
        path.write_text(text or "x")
        name = "release.json" if text is not None else "almanac.zip"
        gitlab.add("almanac", version, name, path, "f" * 64, path.stat().st_size)
    assert REMOVED in tidied().notices()
    assert {one["version"] for one in gitlab.files} == {"2.0.0", "0.1.0", "0.2.0", "0.3.0"}


def test_a_removal_that_was_cut_is_finished_the_next_time(gitlab, lab):
    _first, second, tidied = two(lab)
    gitlab.fail("DELETE", "/packages/", status=403)
    assert any("1.0.0 was not removed from there" in one for one in tidied().notices())
    assert lab.readers_see("1.0.0") == {}
    told = bring(lab, second, keep=KEEP, protected=frozenset())[1]
    assert REMOVED in told.notices()
    assert {one["version"] for one in gitlab.files} == {"2.0.0"}


def test_a_package_that_is_on_its_way_is_left_alone(gitlab, lab):
    older, newer = (dated(lab.release(f"{n}.0.0"), n) for n in (1, 2))
    for one in (older, newer):
        bring(lab, one)
    # Another run has brought all files of a newer release, and makes it in a moment.
    bring(lab, dated(lab.release("3.0.0"), 3))
    del gitlab.releases["v3.0.0"]
    told = bring(lab, newer, keep=KEEP, protected=frozenset())[1]
    assert REMOVED in told.notices()
    assert {one["version"] for one in gitlab.files} == {"2.0.0", "3.0.0"}


def test_who_may_not_remove_is_told_before_anything_is_written(gitlab, lab):
    gitlab.level = 30
    with pytest.raises(StageFailed, match=r"keep removes old releases, .* the role Maintainer may"):
        bring(lab, lab.release("1.0.0"))
    assert gitlab.files == []


def test_a_deploy_token_cannot_keep():
    values = {"kind": "gitlab", "project": "a/b", "token-kind": "deploy", "release": False}
    GitlabTarget.model_validate(values)
    with pytest.raises(
        ValidationError, match=r"keep: a deploy token can neither list packages nor"
    ):
        GitlabTarget.model_validate({**values, "keep": {"latest": 3}})


# ---- PyPI


def test_keep_is_refused_where_a_file_can_never_be_uploaded_again():
    text = r'nothing is removed at a "pypi": an index never takes a file .* yank .*these can: '
    with pytest.raises(ValidationError, match=text):
        PypiTarget.model_validate({"kind": "pypi", "keep": {"latest": 3}})
