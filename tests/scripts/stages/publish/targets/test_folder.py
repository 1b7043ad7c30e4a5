"""The target `folder` holds what each target must."""

import os
import time

import pytest

from slipway.model.errors import StageFailed
from slipway.scripts.stages.publish.targets.folder.settings import FolderTarget
from slipway.scripts.stages.publish.targets.folder.target import FolderCopy
from tests.scripts.stages.publish.test_run import job
from tests.support import old_releases, release_targets
from tests.support.release_targets import (
    CHECKS,
    Place,
    bring,
    check_alteration_is_found,
    check_part_is_never_public,
    content,
)


@pytest.fixture
def home(tmp_path):
    return tmp_path / "www" / "almanac"


@pytest.fixture
def place(tmp_path, home):
    settings = FolderTarget(kind="folder", path=str(tmp_path / "www"))

    def connect(release, report):
        return FolderCopy(settings, job(tmp_path / "job", version=release.version), report)

    def readers_see(version: str) -> dict[str, bytes]:
        folder = home / version
        return (
            {path.name: path.read_bytes() for path in folder.iterdir()} if folder.exists() else {}
        )

    def alter(_version: str, name: str) -> None:
        (path,) = home.glob(f".*.part/{name}")
        path.write_bytes(b"altered" + path.read_bytes()[7:])

    yield Place(connect, readers_see, tmp_path / "releases", alter)
    assert [one for one in home.glob(".*") if one.name != ".lock"] == []


@pytest.mark.parametrize("check", CHECKS, ids=lambda one: one.__name__)
def test_a_folder_holds_to_the_contract(place, check):
    check(place)


def test_a_cut_that_passes_by_itself_is_tried_again(place):
    release_targets.check_cut_anywhere_and_again(place, passing=True)


def test_old_releases_go_as_keep_says(place):
    old_releases.check_old_releases_are_removed(place)


def test_what_a_disk_altered_is_found(place):
    check_alteration_is_found(place)


def test_a_part_of_a_release_is_not_made_public(place, home):
    check_part_is_never_public(place, lambda name: next(home.glob(f".*.part/{name}")).unlink())


def test_what_was_brought_days_ago_is_continued_and_not_swept(place, home):
    release = place.release("1.0.0")

    def cut(target):
        target.on_staged = lambda file: give_up() if file is release.files[2] else None

    def give_up():
        msg = "killed"
        raise StageFailed(msg)

    with pytest.raises(StageFailed, match="killed"):
        bring(place, release, cut)
    old = time.time() - 2 * 86_400
    (part,) = home.glob(".*.part")
    stranger = home / ".0.9.0.0123456789abcdef.part"
    stranger.mkdir()
    for path in (*part.iterdir(), part, stranger):
        os.utime(path, (old, old))
    again, _ = bring(place, release)
    assert again.staged == [one.name for one in release.files[3:]]
    assert dict(place.readers_see("1.0.0")) == content(release)
    assert not stranger.exists()
