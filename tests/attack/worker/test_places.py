"""Files in and out of a stage's place on its worker: plain ones, and no waiting."""

from __future__ import annotations

import os
import socket
import stat
import sys
from pathlib import Path

import pytest

from slipway.workers.places.place import NoPlace, Places, clear_way, new_file, open_output_file

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links and pipes of POSIX")
SHA = "0" * 64


@pytest.fixture
def places(tmp_path):
    return Places()


@pytest.fixture
def builder(tmp_path):
    (tmp_path / "worker").mkdir()
    return tmp_path / "worker" / "demo.tests"


def read(opened: int) -> bytes:
    with os.fdopen(opened, "rb") as stream:
        return stream.read()


def test_a_place_is_fresh_and_its_owners_alone(places, builder):
    place = places.begin(builder, "run 1")
    assert place.folder == builder
    assert sorted(path.name[:6] for path in builder.iterdir()) == ["build", "given-", "output"]
    assert stat.S_IMODE(builder.stat().st_mode) == 0o700
    (place.work / "file").write_text("x")
    again = places.begin(builder, "run 2")
    assert list(again.work.iterdir()) == list(again.output.iterdir()) == []
    assert again.given.name != place.given.name
    assert [path.name.split("~")[::2] for path in places.leftovers(builder)] == [
        [".left", "demo.tests"]
    ]
    places.leave(builder)
    assert not builder.exists()


def test_what_is_left_is_another_builders_business(places, builder):
    other = builder.with_name("demo.tests-2")
    for path in (builder, other):
        places.begin(path, "run 1")
        places.begin(path, "run 2")
    assert len(places.leftovers(builder)) == len(places.leftovers(other)) == 1
    assert set(places.leftovers(builder)).isdisjoint(places.leftovers(other))


@pytest.mark.parametrize("what", ["file", "link", "dangling", "pipe"])
def test_whatever_stands_in_its_way_is_set_aside(places, builder, tmp_path, what):
    outside = tmp_path / "outside"
    outside.mkdir()
    if what == "file":
        builder.write_text("x")
    elif what == "pipe":
        os.mkfifo(builder)
    else:
        builder.symlink_to(outside if what == "link" else "nowhere")
    place = places.begin(builder, "run 1")
    assert place.folder == builder
    assert not builder.is_symlink()
    assert list(outside.iterdir()) == []
    assert len(places.leftovers(builder)) == 1


def test_a_way_is_cleared_of_what_is_no_folder(tmp_path):
    way = tmp_path / "demo.tests"
    way.symlink_to(tmp_path)
    clear_way(way)
    assert not os.path.lexists(way)
    way.mkdir()
    clear_way(way)
    assert way.is_dir()


def test_a_file_that_was_left_is_read(places, builder):
    place = places.begin(builder, "run 1")
    (place.output / "deep").mkdir()
    (place.output / "deep" / "a.txt").write_bytes(b"left")
    assert read(open_output_file(place, str(place.output / "deep" / "a.txt"), 4)) == b"left"


def put(place, what: str, outside: Path) -> Path:
    target = place.output / "a"
    (outside / "secret").write_bytes(b"left")
    if what == "pipe":
        os.mkfifo(target)
    elif what == "socket":
        with socket.socket(socket.AF_UNIX) as listening:
            before = Path.cwd()
            os.chdir(place.output)
            listening.bind("a")
            os.chdir(before)
    elif what == "device":
        target.symlink_to("/dev/zero")
    elif what == "link":
        target.symlink_to(outside / "secret")
    elif what == "folder":
        target.mkdir()
    elif what == "link to a folder":
        target.symlink_to(outside)
        return target / "secret"
    elif what == "output is a link":
        place.output.rename(place.output.with_name("moved"))
        place.output.symlink_to(outside)
        return place.output / "secret"
    elif what == "another size":
        target.write_bytes(b"longer than announced")
    return target


@pytest.mark.parametrize(
    "what",
    [
        "pipe",
        "socket",
        "device",
        "link",
        "folder",
        "link to a folder",
        "output is a link",
        "another size",
        "nothing",
    ],
)
def test_nothing_but_a_plain_file_is_opened_and_nothing_is_waited_for(
    places, builder, tmp_path, what
):
    outside = tmp_path / "outside"
    outside.mkdir()
    place = places.begin(builder, "run 1")
    path = put(place, what, outside)
    with pytest.raises(NoPlace):
        open_output_file(place, str(path), 4)


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "..", "output/../../x", "", "/", "\0", "output", "given/x", "~root/x"]
)
def test_nothing_outside_the_output_is_opened(places, builder, path):
    place = places.begin(builder, "run 1")
    for told in (path, f"{place.output}/{path}/../../x", f"{place.output}{path}"):
        with pytest.raises((NoPlace, ValueError)):
            open_output_file(place, told, 1)


def test_a_place_that_is_swapped_is_still_the_same(places, builder, tmp_path):
    place = places.begin(builder, "run 1")
    (place.output / "a").write_bytes(b"left")
    builder.rename(tmp_path / "stolen")
    builder.mkdir()
    (builder / "output").mkdir()
    (builder / "output" / "a").write_bytes(b"evil")
    assert read(open_output_file(place, str(place.output / "a"), 4)) == b"left"
    os.close(new_file(place, SHA))
    assert (tmp_path / "stolen" / place.given.name / SHA).exists()


@pytest.mark.parametrize("what", ["file", "link", "dangling", "given is a link"])
def test_what_is_fetched_is_written_over_nothing_and_through_no_link(
    places, builder, tmp_path, what
):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("kept")
    place = places.begin(builder, "run 1")
    if what == "file":
        (place.given / SHA).write_text("there")
    elif what == "link":
        (place.given / SHA).symlink_to(outside / "kept")
    elif what == "dangling":
        (place.given / SHA).symlink_to(outside / "new")
    else:
        place.given.rmdir()
        place.given.symlink_to(outside)
    with pytest.raises(NoPlace):
        new_file(place, SHA)
    assert [(p.name, p.read_text()) for p in outside.iterdir()] == [("kept", "kept")]
