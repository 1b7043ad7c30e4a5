"""Compare what a target has of a release with the release itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from slipway.model.errors import StageFailed, WrongInput
from slipway.model.protocol.artefact_name import LONGEST, name_problem
from slipway.model.states import FileState
from slipway.scripts.releases.outgoing import OutgoingFile, OutgoingRelease, Pointers
from slipway.scripts.releases.target import ABSENT, ReleaseTarget, Seen

__all__ = ["Compared", "check_names", "compare", "refusal", "wanted_of"]


@dataclass(frozen=True)
class Compared:
    """What a target has of one file."""

    file: OutgoingFile
    state: FileState
    sha256: str
    """The hash of what is there; empty if nothing is."""

    @property
    def is_same(self) -> bool:
        """True if the very bytes are there."""
        return self.sha256 == self.file.sha256

    @property
    def is_refused(self) -> bool:
        """True if readers see other bytes: they are never replaced."""
        return self.state is FileState.PUBLIC and not self.is_same


def wanted_of(release: OutgoingRelease, target: ReleaseTarget) -> OutgoingRelease:
    """Return the release with those of its files alone that are for a target."""
    return replace(release, files=tuple(one for one in release.files if target.wants(one)))


def compare(
    seen: Mapping[str, Seen], release: OutgoingRelease, read: Callable[[OutgoingFile], str]
) -> list[Compared]:
    """Compare each file, in the order of the release.

    Args:
        seen: What the target says it has.
        release: The release.
        read: Returns the hash of what the target has of a file, by reading it back.
    """
    compared = []
    for file in release.files:
        there = seen.get(file.name, ABSENT)
        found = ""
        if there.state is not FileState.ABSENT:
            found = there.sha256 or read(file)
        compared.append(Compared(file, there.state, found))
    return compared


def refusal(target: ReleaseTarget, release: OutgoingRelease, file: OutgoingFile) -> StageFailed:
    """Return the error of a target that has other public bytes."""
    return StageFailed(
        f'{target.where} has another "{file.name}" of {release.version}; releases never change: '
        "give this one a version of its own"
    )


def check_names(release: OutgoingRelease, pointers: Pointers) -> None:
    """Check every name before it becomes a part of a path or an address.

    Raises:
        StageFailed: A file may not be called so, or two have one name.
        WrongInput: The version or the project cannot be a part of a path.
    """
    for name, what in ((release.version, "version"), (release.project, "project")):
        if problem := _problem(name):
            msg = f"the {what} {_shown(name)} cannot name a folder at a target: it {problem}"
            raise WrongInput(msg)
    seen: set[str] = set()
    for file in release.files:
        if problem := _problem(file.name):
            msg = f"nothing was published: the name {_shown(file.name)} {problem}"
            raise StageFailed(msg)
        if file.name.lower() in seen:
            msg = f'nothing was published: two files of the release are called "{file.name}"'
            raise StageFailed(msg)
        seen.add(file.name.lower())
    for page in pointers.files:
        for part in page.name.split("/"):
            if problem := _problem(part):
                msg = f"nothing was published: the page {_shown(page.name)}: a part {problem}"
                raise StageFailed(msg)


def _problem(name: str) -> str:
    return "holds a folder" if "/" in name else name_problem(name)


def _shown(name: str) -> str:
    return ascii(name if len(name) <= LONGEST else f"{name[:LONGEST]}...")
