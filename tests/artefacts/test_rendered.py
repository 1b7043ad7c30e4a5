"""Pages in the store go after a day, and nothing else does."""

import os
import time

import pytest

from slipway.artefacts import rendered
from slipway.artefacts.store import Store, StoreError
from slipway.master.publishing.making import store_rendered
from tests.support.stored import put

DAY = 86400.0


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


def age(store, *hashes, seconds=DAY + 60):
    at = time.time() - seconds
    for one in hashes:
        for path in (store.path(one), store.root / "rendered" / one):
            if path.exists():
                os.utime(path, (at, at))


def swept(store, named=()):
    now = time.time()
    return rendered.delete(store, rendered.find_old(store, now), named, now)


def left(store):
    return {path.parent.name + path.name for path in store.files()}


def test_what_was_rendered_goes_after_a_day(store):
    old, young = store_rendered(b"old page", store), store_rendered(b"young", store)
    kept = put(store, b"an artefact that nobody has named yet")
    artefact = kept.parent.name + kept.name
    age(store, old, artefact)
    assert swept(store) == len(b"old page")
    assert left(store) == {young, artefact}
    assert [one.name for one in (store.root / "rendered").iterdir()] == [young]
    assert swept(store) == 0


def test_a_page_that_was_rendered_again_is_young_again(store):
    page = store_rendered(b"the same for years", store)
    age(store, page)
    assert store_rendered(b"the same for years", store) == page
    assert swept(store) == 0
    assert left(store) == {page}


def test_a_page_that_was_deleted_is_stored_again(store):
    page = store_rendered(b"page", store)
    age(store, page)
    swept(store)
    assert left(store) == set()
    assert store_rendered(b"page", store) == page
    assert store.path(page).read_bytes() == b"page"


def test_an_artefact_with_the_same_bytes_stays(store):
    page = store_rendered(b"both", store)
    age(store, page)
    assert swept(store, named={page}) == 0
    assert left(store) == {page}
    assert swept(store) == 0, "it is no rendered file any more"


def test_what_became_young_between_looking_and_deleting_stays(store):
    page = store_rendered(b"page", store)
    age(store, page)
    now = time.time()
    old = rendered.find_old(store, now)
    store_rendered(b"page", store)
    assert rendered.delete(store, old, (), now) == 0
    assert left(store) == {page}


def test_nothing_goes_while_a_backup_runs(store):
    page = store_rendered(b"page", store)
    age(store, page)
    with store.held(0), pytest.raises(StoreError, match="is held by another"):
        swept(store)
    assert left(store) == {page}


def test_strange_names_in_the_list_lead_nowhere(store, tmp_path):
    page = store_rendered(b"page", store)
    (tmp_path / "outside").write_text("mine")
    for name in ("x", f"{page}.bak", page.upper() + "A"):
        (store.root / "rendered" / name).touch()
        os.utime(store.root / "rendered" / name, (0, 0))
    (store.root / "rendered" / "link").symlink_to(tmp_path / "outside")
    assert rendered.find_old(store, time.time()) == []
    assert (tmp_path / "outside").read_text() == "mine"


def test_an_empty_store_has_nothing_to_delete(store):
    assert rendered.find_old(store, time.time()) == []
