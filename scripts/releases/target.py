"""The contract of publish targets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from slipway.model.errors import StageFailed
from slipway.model.retention import PublishedRelease
from slipway.model.states import FileState
from slipway.scripts.releases.outgoing import (
    OutgoingFile,
    OutgoingRelease,
    OutgoingStream,
    Pointers,
)

__all__ = ["ABSENT", "ReleaseTarget", "Seen", "TryAgain"]


class TryAgain(StageFailed):
    """A failure that may pass by itself: the network, an answer 5xx or 429.

    Whoever calls a target tries again, at most ten times, after 10 seconds and then longer, up to
    5 minutes. Any other exception ends the target at once.
    """

    def __init__(self, message: str, after: float | None = None) -> None:
        """Initialize.

        Args:
            message: The sentence, if it does not pass.
            after: Seconds that the server asks to wait (Retry-After). None: it does not say.
        """
        super().__init__(message)
        self.after = after


@dataclass(frozen=True)
class Seen:
    """What a target has of one file."""

    state: FileState
    sha256: str = ""
    """The hash, if the target can tell it for certain. Empty: it is read back and hashed."""


ABSENT = Seen(FileState.ABSENT)


class ReleaseTarget:
    """One release on its way to one target.

    A kind of target subclasses it; it is constructed with the target's settings, the job and the
    job's report. Secrets are in `job.stage.env`, by the names that the settings give in
    `needed_secrets`. The methods are called in this order:

        check -> wants -> look -> (stage, read_back) for each file -> commit -> read_back
        -> pointer -> point -> pointer -> close

    Each raises `StageFailed`, `WrongInput` or `MissingTool` with a sentence, or `TryAgain` for what
    may pass by itself: then it is called once more. All are idempotent, because a worker may die
    anywhere: what is there is found by `look` and not brought again. Whoever calls them refuses a
    file that is public with another hash, reads back what was staged before `commit`, and again
    what is public: a target does not have to. Nothing of a release is ever deleted or overwritten
    once it is public, but for what `keep` lets go: after `point`, whole releases by `remove`.
    """

    where: str
    """Name of the place for sentences, without any secret."""
    renames: bool = False
    """True if `commit` gives the stored bytes another name and does not copy them: what was read
    back before is then not read once more, unless it has a public address."""
    authorities: str | None = None
    """A PEM file with authorities to trust besides the usual ones, when files are read from their
    public addresses. None: there are no others."""

    def check(self, version: str, size: int | None) -> None:
        """Check credentials, rights, the name and room. This changes nothing.

        It is called when the run starts, before tests, and on every target again before anything
        is written anywhere.

        Args:
            version: The version to publish. Another release of that name may be there already;
                that is no error yet.
            size: Its bytes. None: nobody knows yet.
        """

    def wants(self, file: OutgoingFile) -> bool:  # noqa: ARG002  kinds need it
        """Return whether a file is for this target; others are not brought there.

        It is asked before `look`, which gets the whole release all the same. An index of Python
        packages takes wheels alone.
        """
        return True

    def look(self, release: OutgoingRelease) -> Mapping[str, Seen]:
        """Return what is there of the release's files, by name; those left out are absent.

        Raises:
            StageFailed: What is there can only belong to another release.
        """
        raise NotImplementedError

    def stage(self, file: OutgoingFile, stream: OutgoingStream) -> str | None:
        """Bring one file aside, invisible to readers as far as the protocol allows.

        A part of an earlier try that is known to be of the same file may be continued.

        Returns:
            The hash of what is stored now, if it was read from where it is stored, not from the
            stream. None: it is read back.
        """
        raise NotImplementedError

    def read_back(self, file: OutgoingFile) -> Iterator[bytes]:
        """Yield the bytes that the target has of a file, staged or public."""
        raise NotImplementedError

    def commit(self, release: OutgoingRelease) -> str:
        """Make the release visible: in one atomic step, or with release.json as the last file.

        Returns:
            Where people find it: a path or an address.
        """
        raise NotImplementedError

    def point(self, pointers: Pointers) -> None:
        """Update `latest`, channels, pages and feeds, where the target has such."""

    def pointer(self, name: str) -> bytes | None:  # noqa: ARG002  kinds need it
        """Return what the target shows as a pointer; None: it shows none of that name.

        Whoever calls does not write older pointers over newer ones, and removes no release that one
        of them names. A target whose readers know no pointers returns None.

        Args:
            name: Its path beside the releases: latest.json, or channels/beta.json.
        """
        return None

    def public_url(self, name: str) -> str | None:  # noqa: ARG002  kinds need it
        """Return the address from which anybody may read a file; None: there is none.

        What is read back after `commit` comes from there.
        """
        return None

    def newest(self) -> str | None:
        """Return the version that the place itself shows as its newest; it is not removed.

        None: it shows none, or one that is not ours. What pointers say is asked by `pointer`.
        """
        return None

    def versions(self) -> Iterable[PublishedRelease]:
        """Return the project's releases that readers see; for kinds whose settings `can_remove`.

        Only those that this project has published there, not what others have put beside them.
        """
        raise NotImplementedError

    def remove(self, version: str) -> None:
        """Remove a release that `versions` has told; for kinds whose settings `can_remove`.

        Readers see it whole or not at all. It is called once more if it was removed in part, and
        does nothing if it is not there any more.
        """
        raise NotImplementedError

    def close(self) -> None:
        """End connections. What was staged stays for the next try."""
