"""Releases on GitHub: a draft until all is there, then published; nothing public ever changes."""

import threading
from contextlib import closing
from dataclasses import replace

import pytest

from slipway.model.errors import StageFailed, WrongInput
from slipway.scripts.releases.outgoing import OutgoingStream
from tests.support.forges.github import REVISION
from tests.support.forges.github_place import github_place, seen_by_readers
from tests.support.release_targets import (
    CHECKS,
    Told,
    bring,
    check_alteration_is_found,
    check_cut_anywhere_and_again,
    content,
)

OTHER = "cd" * 20


@pytest.fixture
def place(github, tmp_path):
    return github_place(github, tmp_path)


@pytest.mark.parametrize("check", CHECKS, ids=lambda one: one.__name__)
def test_the_contract(place, check):
    check(place)


def test_what_is_stored_wrong_is_found_and_mended(place):
    check_alteration_is_found(place)


def test_a_cut_that_passes_is_mended_by_the_same_run(place):
    check_cut_anywhere_and_again(place, passing=True)


@pytest.mark.parametrize("immutable", [False, True])
def test_a_release_is_published_in_one_request(github, place, immutable):
    github.immutable = immutable
    release = place.release("1.0.0")
    bring(place, release)
    [made] = github.published
    assert made["tag_name"] == "v1.0.0"
    assert made["name"] == "almanac 1.0.0"
    assert made["target_commitish"] == REVISION
    assert github.tags == {"v1.0.0": REVISION}
    assert made["immutable"] is immutable
    changed = [one for one in github.asked if one.method in ("POST", "PATCH", "DELETE")]
    assert [one.method for one in changed] == ["POST"] * (1 + len(release.files)) + ["PATCH"]
    assert changed[-1].data["draft"] is False
    assert changed[0].data["draft"] is True


def test_the_text_calls_nobody_and_shows_the_subject_as_it_is(github, place):
    release = place.release("1.0.0")
    subject = "Thank @ann for *moon* <script> [x](http://evil)"
    told = release.manifest.model_copy(update={"subject": subject})
    bring(place, type(release)(told, release.files))
    text = github.published[0]["body"]
    assert r"Thank @<!-- -->ann for \*moon\* \<script\> \[x\]\(http://evil\)" in text
    assert f"Commit {REVISION}, run 7." in text


# ---- the tag


def test_a_tag_that_is_there_at_the_commit_is_used(github, place):
    github.tags["v1.0.0"] = "f" * 40
    github.tag_objects["f" * 40] = REVISION
    bring(place, place.release("1.0.0"))
    assert github.tags["v1.0.0"] == "f" * 40


@pytest.mark.parametrize("annotated", [False, True])
def test_a_tag_elsewhere_is_refused_before_anything_is_made(github, place, annotated):
    github.tags["v1.0.0"] = "f" * 40 if annotated else OTHER
    github.tag_objects["f" * 40] = OTHER
    with pytest.raises(StageFailed, match=f"the tag v1.0.0 points at {OTHER}, and the release is"):
        bring(place, place.release("1.0.0"))
    assert github.releases == {}


def test_a_commit_that_was_not_pushed_is_told(github, place):
    github.commits.clear()
    with pytest.raises(StageFailed, match=f"has no commit {REVISION}: push it there first"):
        bring(place, place.release("1.0.0"))
    assert github.releases == {}


def test_a_tag_that_moves_while_files_are_uploaded_is_found_before_publishing(github, place):
    def move(target):
        target.on_staged = lambda _file: github.tags.update({"v1.0.0": OTHER})

    with pytest.raises(StageFailed, match=r"the tag v1\.0\.0 points at"):
        bring(place, place.release("1.0.0"), move)
    assert github.published == []


def test_a_tag_of_an_immutable_release_that_is_gone_is_told(github, place):
    github.burned.add("v1.0.0")
    with pytest.raises(WrongInput, match="was used by an immutable release that is gone"):
        bring(place, place.release("1.0.0"))


# ---- drafts


def test_peoples_drafts_of_the_tag_are_left_alone(github, place):
    github.releases[900] = {
        "id": 900,
        "tag_name": "v1.0.0",
        "target_commitish": "main",
        "name": "Notes of a person",
        "body": "Much to say",
        "draft": True,
        "prerelease": False,
        "immutable": False,
    }
    before = dict(github.releases[900])
    release = place.release("1.0.0")
    _, told = bring(place, release)
    assert seen_by_readers(github, "1.0.0") == content(release)
    assert github.releases[900] == before
    assert any("1 more drafts of v1.0.0, which are left alone" in str(e) for e in told.events)


def test_the_draft_of_a_killed_run_is_continued_wherever_in_the_list_it_is(github, place):
    release = place.release("1.0.0")
    with pytest.raises(StageFailed):
        bring(place, release, lambda target: setattr(target, "on_staged", fail))
    for number in range(250):
        github.releases[1000 + number] = {
            **github.drafts[0],
            "id": 1000 + number,
            "body": "",
            "tag_name": f"x{number}",
        }
    again, _ = bring(place, release)
    assert len(again.staged) == len(release.files) - 1
    assert len(github.published) == 1


def fail(_file):
    msg = "the worker was killed"
    raise StageFailed(msg)


def test_two_drafts_of_one_release_end_as_one_release(github, place):
    """Two runs at once have made one each: whoever publishes last finds it done."""
    release = place.release("1.0.0")
    slow, quick = place.connect(release, Told()), place.connect(release, Told())
    for one in (slow, quick):
        one.look(release)
    for one in (slow, quick):
        for file in release.files:
            with OutgoingStream(file) as stream:
                one.stage(file, stream)
    assert len(github.drafts) == 2
    assert quick.commit(release) == slow.commit(release)
    assert len(github.published) == 1
    assert github.drafts == []
    assert seen_by_readers(github, "1.0.0") == content(release)
    slow.close()
    quick.close()


def test_two_publishes_at_once_make_one_release(github, place):
    release = place.release("1.0.0")
    errors = []

    def publish():
        try:
            bring(place, release)
        except StageFailed as error:
            errors.append(error)

    threads = [threading.Thread(target=publish) for _ in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert errors == []
    assert len(github.published) == 1
    assert github.drafts == []
    assert seen_by_readers(github, "1.0.0") == content(release)


def test_two_runs_with_other_bytes_do_not_mix(github, place):
    one, other = place.release("1.0.0"), place.release("1.0.0", {"almanac.zip": b"other"})

    def meanwhile(target):
        def on_staged(file):
            if file is one.files[-1]:
                bring(place, other)

        target.on_staged = on_staged

    with pytest.raises(StageFailed, match=r"has no almanac-1\.4\.zip|has another"):
        bring(place, one, meanwhile)
    assert seen_by_readers(github, "1.0.0") == content(other)


def test_a_file_that_somebody_put_into_the_draft_is_refused(github, place):
    release = place.release("1.0.0")

    def add(target):
        def on_staged(file):
            if file is release.files[-1]:
                one = dict(next(iter(github.assets.values())))
                github.assets[999] = {**one, "id": 999, "name": "virus.exe", "label": None}

        target.on_staged = on_staged

    with pytest.raises(StageFailed, match=r'has "virus\.exe", which is not of this release'):
        bring(place, release, add)
    assert github.published == []


def test_a_release_that_people_made_for_the_tag_gets_no_files(github, place):
    github.releases[1] = {
        "id": 1,
        "tag_name": "v1.0.0",
        "target_commitish": "main",
        "name": "",
        "body": "",
        "draft": False,
        "prerelease": False,
        "immutable": False,
    }
    with pytest.raises(
        StageFailed, match=r"has published v1\.0\.0 already; nothing is added to it"
    ):
        bring(place, place.release("1.0.0"))
    assert github.assets == {}


def test_a_thousand_files_are_listed_page_by_page(github, place):
    files = {f"file-{number}.txt": str(number).encode() for number in range(120)}
    release = place.release("1.0.0", files)
    bring(place, release)
    again, _ = bring(place, release)
    assert again.staged == []
    assert seen_by_readers(github, "1.0.0") == content(release)


# ---- names


def test_names_that_github_changes_are_known_by_their_label(github, place):
    files = {"Grüße 1.txt": b"1", "a (b)~c.zip": b"2", "almanac-1.4.0+7.tar.zst": b"3"}
    release = place.release("1.0.0", files)
    _, told = bring(place, release)
    assert set(github.files(github.published[0])) == {
        "Gr.e.1.txt",
        "a.b.c.zip",
        "almanac-1.4.0+7.tar.zst",
        "SHA256SUMS",
        "release.json",
    }
    assert any('has "a (b)~c.zip" as "a.b.c.zip"' in str(event) for event in told.events)
    again, _ = bring(place, release)
    assert again.staged == []


@pytest.mark.parametrize("names", [("a b.zip", "a.b.zip"), ("a(1).txt", "a.1..txt"), ("ä", "ö")])
def test_names_that_would_become_one_are_refused(github, place, names):
    with pytest.raises(StageFailed, match="could be one file at GitHub"):
        bring(place, place.release("1.0.0", dict.fromkeys(names, b"x")))
    assert github.releases == {}


def test_what_is_too_large_is_told_before_anything_is_made(github, place):
    release = place.release("1.0.0")
    large = replace(release, files=(replace(release.files[0], size=1 << 31), *release.files[1:]))
    target = place.connect(large, Told())
    with closing(target), pytest.raises(WrongInput, match="GitHub takes files below 2 GiB"):
        target.look(large)
