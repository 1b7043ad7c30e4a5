"""Bring a release to one target: only what is missing, and nothing that is not verified."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from slipway.model.errors import StageFailed
from slipway.model.protocol.event import TargetFile
from slipway.model.retention import KeepReleases
from slipway.model.states import FileState
from slipway.scripts.humanize import count_text
from slipway.scripts.releases.outgoing import (
    OutgoingFile,
    OutgoingRelease,
    OutgoingStream,
    Pointers,
)
from slipway.scripts.releases.target import ABSENT, ReleaseTarget
from slipway.scripts.report import Report
from slipway.scripts.stages.publish.delivery.clock import Clock
from slipway.scripts.stages.publish.delivery.comparing import compare, refusal, wanted_of
from slipway.scripts.stages.publish.delivery.pointing import point_in_order
from slipway.scripts.stages.publish.delivery.reading import digest, from_address
from slipway.scripts.stages.publish.delivery.retries import Retries
from slipway.scripts.stages.publish.delivery.tally import Share, Tally
from slipway.scripts.stages.publish.delivery.throttle import Throttle

__all__ = ["Bringing", "Destination"]


@dataclass(frozen=True)
class Destination:
    """A target, and what its settings say of the way there."""

    title: str
    """Its name in lists, messages and the ledger."""
    target: ReleaseTarget
    bandwidth: int | None = None
    """Bytes a second, in each direction. None: as fast as it goes."""
    keep: KeepReleases | None = None
    """Which releases stay there. None: all."""
    protected: frozenset[str] | None = None
    """The versions that stay in any case. None: nobody has said, so all stay."""


class Bringing:
    """One release on its way to one target."""

    def __init__(
        self, destination: Destination, release: OutgoingRelease, report: Report, clock: Clock
    ) -> None:
        self._title, self._target = destination.title, destination.target
        self._release, self._report, self._clock = release, report, clock
        self._again = Retries(destination.title, clock, report)
        self._throttle = Throttle(destination.bandwidth, clock)
        #: The release with the files alone that are for this target; all, until it was asked.
        self._wanted = release
        self._states = dict.fromkeys((one.name for one in release.files), FileState.ABSENT)
        #: Files whose bytes have been hashed and do not change when they become public. Never the
        #: last one, release.json: another publisher's release may have been committed meanwhile.
        self._read: set[str] = set()

    @property
    def there(self) -> str:
        """What the target has of the release, for people."""
        count = Counter(self._states.values())
        public, aside = count[FileState.PUBLIC], count[FileState.STAGED] + count[FileState.VERIFIED]
        files = count_text(len(self._wanted.files), "file")
        if public:
            return f"it shows {public} of {files}"
        if aside:
            return f"it has {aside} of {files}, which nobody sees yet"
        return "it has nothing of it"

    def check(self) -> None:
        """Have the target check what it can before anything is written; this is one try."""
        self._target.check(self._release.version, self._release.size)

    def bring(self, pointers: Pointers, tally: Tally, *, is_checked: bool) -> str:
        """Bring it.

        Args:
            pointers: What lies beside the releases.
            tally: Counts the bytes.
            is_checked: False: `check` has failed for a while and is called again.

        Returns:
            Where people find it.

        Raises:
            StageFailed: Another release has this version there, or the target failed.
        """
        if not is_checked:
            self._again(self.check)
        for file, share in self._missing(tally):
            self._verify(file, self._again(partial(self._stage, file, share)))
            share.settle()
        place = self._again(lambda: self._target.commit(self._release))
        for file in self._wanted.files:
            self._read_public(file)
        self._again(lambda: point_in_order(self._target, self._title, pointers, self._report))
        return place

    def _missing(self, tally: Tally) -> list[tuple[OutgoingFile, Share]]:
        """Return the files to bring, with their counters.

        Raises:
            StageFailed: Readers see other bytes there.
        """
        missing = []
        self._wanted = wanted_of(self._release, self._target)
        tally.expect(self._wanted.size - self._release.size)
        seen = self._again(lambda: self._target.look(self._release))
        for one in compare(seen, self._wanted, self._read_back):
            file, share = one.file, Share(tally, one.file.size, f"{one.file.name} to {self._title}")
            if one.is_refused:
                raise refusal(self._target, self._release, file)
            if not one.is_same:
                missing.append((file, share))
                continue
            is_public = one.state is FileState.PUBLIC
            self._tell(file, FileState.PUBLIC if is_public else FileState.VERIFIED)
            if is_public:
                self._read.add(file.name)
            share.settle()
        return missing

    def _stage(self, file: OutgoingFile, share: Share) -> str | None:
        share.restart()

        def passed(count: int) -> None:
            self._throttle.take(count)
            share.add(count)

        with OutgoingStream(file, passed) as stream:
            stored = self._target.stage(file, stream)
        self._tell(file, FileState.STAGED)
        return stored

    def _verify(self, file: OutgoingFile, stored: str | None) -> None:
        """Read back what was staged, unless the target has done that.

        Raises:
            StageFailed: It is not what was written.
        """
        if (found := stored or self._read_back(file)) != file.sha256:
            seen = self._again(lambda: self._target.look(self._release))
            if seen.get(file.name, ABSENT).state is FileState.PUBLIC:
                # Another release of this version has been committed meanwhile.
                raise refusal(self._target, self._release, file)
            msg = (
                f"{self._target.where} does not hold what was written: {file.name} has sha256 "
                f"{found} instead of {file.sha256}"
            )
            raise StageFailed(msg)
        if self._target.renames and file is not self._release.files[-1]:
            self._read.add(file.name)
        self._tell(file, FileState.VERIFIED)

    def _read_public(self, file: OutgoingFile) -> None:
        """Read what readers get, from its public address if there is one.

        Raises:
            StageFailed: It is not what was written.
        """
        where, trusted = self._target.where, self._target.authorities
        if url := self._target.public_url(file.name):
            found = self._hash(file, lambda: from_address(url, where, trusted))
        elif file.name in self._read:
            found = file.sha256
        else:
            found = self._read_back(file)
        if found != file.sha256:
            msg = (
                f"readers get other bytes than were written: {url or where} gives {file.name} with "
                f"sha256 {found} instead of {file.sha256}"
            )
            raise StageFailed(msg)
        self._tell(file, FileState.PUBLIC)

    def _read_back(self, file: OutgoingFile) -> str:
        return self._hash(file, lambda: self._target.read_back(file))

    def _hash(self, file: OutgoingFile, blocks: Callable[[], Iterator[bytes]]) -> str:
        return self._again(lambda: digest(blocks(), file.size, self._throttle.take))

    def _tell(self, file: OutgoingFile, state: FileState) -> None:
        if self._states[file.name] is not state:
            self._states[file.name] = state
            told = TargetFile(target=self._title, file=file.name, sha256=file.sha256, state=state)
            self._report.emit(told)
