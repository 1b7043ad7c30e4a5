"""Confluence holds what each target must, Cloud and Data Center."""

import pytest

from tests.support import old_releases, release_targets
from tests.support.confluence import standin
from tests.support.release_targets import CHECKS, Place, bring, content

from .wikis import KINDS, never_half, place, shown, target


@pytest.fixture(params=KINDS)
def wiki(request):
    with standin(request.param) as made:
        yield made


@pytest.fixture
def there(wiki, tmp_path) -> Place:
    made = place(wiki, tmp_path)
    never_half(wiki, {*made.files, "SHA256SUMS", "release.json"})
    return made


@pytest.mark.parametrize("check", CHECKS, ids=lambda one: one.__name__)
def test_confluence_holds_to_the_contract(there, check):
    check(there)


def test_a_cut_that_passes_by_itself_is_tried_again(there):
    release_targets.check_cut_anywhere_and_again(there, passing=True)


def test_what_it_stored_otherwise_is_found(there):
    release_targets.check_alteration_is_found(there)


def test_old_releases_go_as_keep_says(there):
    old_releases.check_old_releases_are_removed(there)


def test_old_releases_go_from_below_their_parent_and_nothing_else(wiki, tmp_path):
    parent = wiki.site.create("Releases", "<p/>", None)
    mine = wiki.site.create("almanac 6.2.0 my notes", "<p/>", parent.id)
    there = place(wiki, tmp_path, parent="Releases", latest_title="almanac newest")
    old_releases.check_old_releases_are_removed(there)
    left = {page.title for page in wiki.site.pages.values() if page.status == "current"}
    assert left == {"Releases", mine.title, "almanac newest", "almanac 6.4.0", "almanac 6.5.0"}


def test_a_page_has_the_release_its_files_and_the_place_that_was_named(wiki, tmp_path):
    parent = wiki.site.create("Releases", "<p/>", None)
    there = place(wiki, tmp_path, parent="Releases", page_title="{project}: release {version}")
    release = there.release("1.0.0")
    bring(there, release)
    page = shown(wiki, "almanac: release 1.0.0")
    assert page is not None
    assert page.parent == parent.id
    assert {one.name: one.data for one in page.files.values()} == content(release)
    for file in release.files:
        assert f'ri:filename="{file.name}"' in page.body
        assert file.sha256 in page.body
        assert page.files[file.name].comment == f"sha256 {file.sha256}"
    assert page.properties["slipway-release"][2]["state"] == "public"
    assert [one.title for one in wiki.site.pages.values()] == ["Releases", page.title]


def test_a_parent_may_be_named_by_its_number(wiki, tmp_path):
    parent = wiki.site.create("Releases", "<p/>", None)
    there = place(wiki, tmp_path, parent=parent.id)
    bring(there, there.release("1.0.0"))
    assert shown(wiki, "almanac 1.0.0").parent == parent.id


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_run_that_died_at_any_change_is_completed_by_the_next(wiki, tmp_path, after):
    """Wherever it dies: nothing half is seen, nothing is doubled, and all is there at last."""
    files = {"a.zip": b"a", "b.zip": b"b"}
    names = {*files, "SHA256SUMS", "release.json"}
    never_half(wiki, names)
    count = 0
    while True:
        made = place(wiki, tmp_path / f"{count}", latest_title="{project}: newest")
        release = made.release(f"1.{count}.0", files)
        wiki.changes, wiki.die_at, wiki.dies_after = 0, count, after
        one = target(wiki, tmp_path, release.version, latest_title="{project}: newest")
        died = False
        try:
            release_targets.deliver(
                [release_targets.Destination("there", one)],
                release,
                release_targets.Pointers(release.version, {}),
                release_targets.Told(),
                release_targets.Unhurried(),
            )
        except release_targets.StageFailed:
            died = True
        wiki.die_at = -1
        if not died:
            break
        bring(made, release)
        assert dict(made.readers_see(release.version)) == content(release)
        point(made, release)
        titles = [page.title for page in wiki.site.pages.values()]
        assert len(titles) == len(set(titles)) == count + 2, titles
        assert all(page.is_seen for page in wiki.site.pages.values())
        assert all(len(f.versions) == 1 for p in wiki.site.pages.values() for f in p.files.values())
        count += 1
    assert count > 8


def point(made: Place, release) -> None:
    one = made.connect(release, release_targets.Told())
    one.look(release)
    one.point(release_targets.Pointers(release.version, {}))
    one.close()
