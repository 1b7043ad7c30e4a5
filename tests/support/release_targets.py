"""Drive a target of releases through the engine against its contract: what each kind must hold.

A kind's test makes a `Place` and calls the `check_...` functions. Each makes releases of its own
versions, so all may use one server.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from slipway.model.errors import SlipwayError, StageFailed
from slipway.model.protocol.event import Notice, TargetEnded, TargetFile
from slipway.model.retention import PublishedRelease
from slipway.model.states import FileState
from slipway.scripts.releases.manifest import MANIFEST, SUMS, Manifest
from slipway.scripts.releases.outgoing import (
    OutgoingFile,
    OutgoingRelease,
    OutgoingStream,
    Pointers,
)
from slipway.scripts.releases.target import ReleaseTarget, Seen, TryAgain
from slipway.scripts.report import Report
from slipway.scripts.stages.publish.delivery.clock import Clock
from slipway.scripts.stages.publish.delivery.one_target import Destination
from slipway.scripts.stages.publish.delivery.side_by_side import deliver

#: Names that no target may be given.
BAD_NAMES = ("../almanac.zip", "..", "a/b", "a\\b", "a\nb", "a\x1b[2Jb", "x" * 300, "nul", "a.zip.")

FILES = {
    "almanac-1.4.zip": bytes(range(256)) * 9000,
    "almanac.dump": b"d" * 40_000,
    "empty.txt": b"",
    "Grüße 1.txt": b"name with a blank and more than ASCII",
}


class Told(Report):
    """A report that remembers its events."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.lines: list[str] = []

    def emit(self, event: Any) -> None:
        """Remember an event."""
        self.events.append(event)

    def log(self, text: str) -> None:
        """Remember lines."""
        self.lines.append(text)

    def states(self, target: str = "there") -> dict[str, list[FileState]]:
        """Return the states of each file at a target, in their order."""
        found: dict[str, list[FileState]] = {}
        for event in self.events:
            if isinstance(event, TargetFile) and event.target == target:
                found.setdefault(event.file, []).append(event.state)
        return found

    def notices(self) -> list[str]:
        """Return what the notices say."""
        return [one.text for one in self.events if isinstance(one, Notice)]

    def ended(self) -> dict[str, TargetEnded]:
        """Return the end of each target."""
        return {one.target: one for one in self.events if isinstance(one, TargetEnded)}


class Unhurried(Clock):
    """A clock whose waits take no time and are remembered."""

    def __init__(self) -> None:
        super().__init__()
        self.time = 0.0
        self.waits: list[float] = []

    def now(self) -> float:
        """Return the time that all waits have taken."""
        return self.time

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        super().wait(0)
        self.time += seconds
        self.waits.append(seconds)


@dataclass
class Place:
    """One kind of target in a test."""

    connect: Callable[[OutgoingRelease, Report], ReleaseTarget]
    """Makes the target anew, as every run of a stage does."""
    readers_see: Callable[[str], Mapping[str, bytes]]
    """Returns what readers see of a version, by name; nothing if they see no release."""
    folder: Path
    """An empty folder, for the releases."""
    alter: Callable[[str, str], None] | None = None
    """Alters the bytes of a staged file behind the target's back, by version and name."""
    files: Mapping[str, bytes] = field(default_factory=lambda: dict(FILES))
    """The files of each release; release.json and SHA256SUMS are added."""

    def release(self, version: str, files: Mapping[str, bytes] | None = None) -> OutgoingRelease:
        """Make a release; its files lie in a folder of their own."""
        mark = hashlib.sha256(repr((version, files)).encode()).hexdigest()[:8]
        return make_release(self.folder / mark, version, self.files if files is None else files)


def make_release(folder: Path, version: str, files: Mapping[str, bytes]) -> OutgoingRelease:
    """Make a release of these bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    facts = [
        {"name": name, "size": len(data), "sha256": _hash(data)} for name, data in files.items()
    ]
    manifest = Manifest.model_validate(
        {
            "project": "almanac",
            "version": version,
            "revision": "ab" * 20,
            "run": 7,
            "committed_at": "2026-01-01T00:00:00Z",
            "published_at": "2026-01-02T00:00:00Z",
            "artefacts": facts,
        }
    )
    written = {**files, SUMS: manifest.sums().encode(), MANIFEST: manifest.text().encode()}
    outgoing = []
    for number, (name, data) in enumerate(written.items()):
        # Artefacts lie in the store by their hash: the name is that of the release alone.
        path = folder / f"{number}"
        path.write_bytes(data)
        outgoing.append(OutgoingFile(name, path, len(data), _hash(data)))
    return OutgoingRelease(manifest, tuple(outgoing))


def content(release: OutgoingRelease) -> dict[str, bytes]:
    """Return the bytes of a release, by name."""
    return {one.name: one.path.read_bytes() for one in release.files}


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class Watched(ReleaseTarget):
    """A target that passes everything on, and in which a test may do something at a moment."""

    def __init__(self, inner: ReleaseTarget) -> None:
        self._inner = inner
        self.where, self.renames = inner.where, inner.renames
        self.authorities = inner.authorities
        self.staged: list[str] = []
        self.sent = 0
        self.on_read: Callable[[int], None] = lambda _sent: None
        self.on_staged: Callable[[OutgoingFile], None] = lambda _file: None

    def __getattr__(self, name: str) -> Any:
        """Return whatever else the target says of itself."""
        return getattr(self._inner, name)

    def check(self, version: str, size: int | None) -> None:
        self._inner.check(version, size)

    def wants(self, file: OutgoingFile) -> bool:
        return self._inner.wants(file)

    def look(self, release: OutgoingRelease) -> Mapping[str, Seen]:
        return self._inner.look(release)

    def stage(self, file: OutgoingFile, stream: OutgoingStream) -> str | None:
        def passed(count: int) -> None:
            self.sent += count
            self.on_read(self.sent)

        del stream
        self.staged.append(file.name)
        with OutgoingStream(file, passed) as mine:
            stored = self._inner.stage(file, mine)
        self.on_staged(file)
        return stored

    def read_back(self, file: OutgoingFile) -> Iterator[bytes]:
        return self._inner.read_back(file)

    def commit(self, release: OutgoingRelease) -> str:
        return self._inner.commit(release)

    def point(self, pointers: Pointers) -> None:
        self._inner.point(pointers)

    def newest(self) -> str | None:
        return self._inner.newest()

    def versions(self) -> Iterable[PublishedRelease]:
        return self._inner.versions()

    def remove(self, version: str) -> None:
        self._inner.remove(version)

    def public_url(self, name: str) -> str | None:
        return self._inner.public_url(name)

    def pointer(self, name: str) -> bytes | None:
        return self._inner.pointer(name)

    def close(self) -> None:
        self._inner.close()


def bring(
    place: Place,
    release: OutgoingRelease,
    change: Callable[[Watched], None] = lambda _target: None,
    *,
    clock: Clock | None = None,
    report: Told | None = None,
    pointers: Pointers | None = None,
    **settings: Any,
) -> tuple[Watched, Told]:
    """Bring a release there by the engine, as one run of the stage does."""
    told = report or Told()
    target = Watched(place.connect(release, told))
    change(target)
    pointers = pointers or Pointers(release.version, {})
    destination = Destination("there", target, **settings)
    deliver([destination], release, pointers, told, clock or Unhurried())
    return target, told


def check_brought(place: Place) -> None:
    """A release is there as it is, each file was seen staged, verified and public in this order."""
    release = place.release("1.0.0")
    _target, told = bring(place, release)
    assert dict(place.readers_see("1.0.0")) == content(release)
    way = [FileState.STAGED, FileState.VERIFIED, FileState.PUBLIC]
    assert told.states() == dict.fromkeys(content(release), way)
    assert told.ended()["there"].state == "public"


def check_again_changes_nothing(place: Place) -> None:
    """Publishing twice sends nothing the second time."""
    release = place.release("1.1.0")
    bring(place, release)
    again, told = bring(place, release)
    assert again.staged == []
    assert dict(place.readers_see("1.1.0")) == content(release)
    assert told.states() == {name: [FileState.PUBLIC] for name in content(release)}


def check_other_bytes_are_refused(place: Place) -> None:
    """Another release of that version is refused, before anything is sent; nothing changes."""
    release = place.release("1.2.0")
    bring(place, release)
    other = place.release("1.2.0", {**place.files, next(iter(place.files)): b"other"})
    told = Told()
    target = None

    def remember(watched: Watched) -> None:
        nonlocal target
        target = watched

    with pytest.raises(StageFailed):
        bring(place, other, remember, report=told)
    assert target is not None
    assert target.staged == []
    assert dict(place.readers_see("1.2.0")) == content(release)
    assert told.ended()["there"].state == "failed"
    bring(place, release)


def check_cut_anywhere_and_again(place: Place, *, passing: bool = False) -> None:
    """Cut at every tenth of the bytes: nothing half is seen, and the next try completes it.

    Args:
        place: The target.
        passing: The cut passes by itself: the same run tries again.
    """
    for tenth in range(10):
        release = place.release(f"2.{tenth}.0{'+p' if passing else ''}")
        after = release.size * tenth // 10
        gone: list[str] = []

        def cut(target: Watched, after: int = after, gone: list[str] = gone) -> None:
            def on_read(sent: int) -> None:
                if sent > after and not gone:
                    gone.append(f"the connection was cut after {after} bytes")
                    raise (TryAgain if passing else StageFailed)(gone[0])

            target.on_read = on_read

        if passing:
            bring(place, release, cut)
            assert gone
        else:
            told = Told()
            with pytest.raises(StageFailed, match="the connection was cut after"):
                bring(place, release, cut, report=told)
            assert not place.readers_see(release.version), tenth
            verified = {name for name, way in told.states().items() if FileState.VERIFIED in way}
            again, _ = bring(place, release)
            assert not verified & set(again.staged), "what was verified is not sent again"
        assert dict(place.readers_see(release.version)) == content(release), tenth


def check_alteration_is_found(place: Place) -> None:
    """What a target stores altered is found before readers see it; the next run mends it."""
    assert place.alter is not None
    release = place.release("3.0.0")
    name = release.files[0].name

    def lie(target: Watched) -> None:
        def on_staged(file: OutgoingFile) -> None:
            if file.name == name:
                place.alter("3.0.0", name)

        target.on_staged = on_staged

    with pytest.raises(StageFailed, match="does not hold what was written"):
        bring(place, release, lie)
    assert not place.readers_see("3.0.0")
    bring(place, release)
    assert dict(place.readers_see("3.0.0")) == content(release)


def check_part_is_never_public(place: Place, lose: Callable[[str], None]) -> None:
    """What somebody removes from aside before `commit` is noticed; the next run completes it.

    Args:
        place: The target.
        lose: Removes a staged file behind the target's back, by its name.
    """
    release = place.release("3.1.0")
    names = [one.name for one in release.files]

    def tidy(target: Watched) -> None:
        def on_staged(file: OutgoingFile) -> None:
            if file.name == names[-1]:
                lose(names[0])

        target.on_staged = on_staged

    with pytest.raises(StageFailed, match=r"any more.*run it again"):
        bring(place, release, tidy)
    assert not place.readers_see("3.1.0")
    bring(place, release)
    assert dict(place.readers_see("3.1.0")) == content(release)


def check_bad_names_are_refused(place: Place) -> None:
    """A name that leads elsewhere is refused before the target is given anything."""
    for number, name in enumerate(BAD_NAMES):
        release = place.release(f"4.{number}.0")
        first = replace(release.files[0], name=name)
        bad = replace(release, files=(first, *release.files[1:]))
        with pytest.raises(SlipwayError, match=r"^[^\x00-\x1f]{10,600}$"):
            bring(place, bad)
        assert not place.readers_see(f"4.{number}.0")


def check_changing_file_is_refused(place: Place) -> None:
    """A file that changes while it is read is not published; unchanged again, it is."""
    release = place.release("5.0.0")
    path = release.files[0].path
    before = path.read_bytes()

    def grow(target: Watched) -> None:
        def on_read(_sent: int) -> None:
            with path.open("ab") as stream:
                stream.write(b"more")

        target.on_read = on_read

    with pytest.raises(StageFailed, match="was changed while it was published"):
        bring(place, release, grow)
    assert not place.readers_see("5.0.0")
    path.write_bytes(before)
    bring(place, release)
    assert dict(place.readers_see("5.0.0")) == content(release)


#: All of them, for a test's parameters; those that need `alter` are apart.
def make_pointers(folder: Path, latest: str, issued_at: str) -> Pointers:
    """Make a page and latest.json, signed at a time."""
    folder.mkdir(parents=True, exist_ok=True)
    document = {"version": latest, "issued_at": issued_at}
    texts = {"index.html": f"<p>{latest}</p>", "latest.json": json.dumps(document)}
    files = []
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
        files.append(OutgoingFile(name, folder / name, len(text), _hash(text.encode())))
    return Pointers(latest, {}, tuple(files))


def check_older_pointers_stay_away(place: Place) -> None:
    """A publish that took longer than a later one does not take the pointers back."""
    times = {"1.0.0": "2026-12-01T04:00:00.1Z", "2.0.0": "2026-12-01T04:00:00.25Z"}
    made = {
        one: make_pointers(place.folder / f"pages of {one}", one, at) for one, at in times.items()
    }
    for version, shown in (("1.0.0", "1.0.0"), ("2.0.0", "2.0.0"), ("1.0.0", "2.0.0")):
        told, release = Told(), place.release(version)
        bring(place, release, report=told, pointers=made[version])
        found = place.connect(release, told).pointer("latest.json")
        if found is None:
            # A kind whose readers know no pointers.
            return
        assert json.loads(found)["version"] == shown
        kept = [one for one in told.notices() if "later pointers" in one]
        assert bool(kept) is (version != shown)


CHECKS: tuple[Callable[[Place], None], ...] = (
    check_older_pointers_stay_away,
    check_brought,
    check_again_changes_nothing,
    check_other_bytes_are_refused,
    check_cut_anywhere_and_again,
    check_bad_names_are_refused,
    check_changing_file_is_refused,
)
