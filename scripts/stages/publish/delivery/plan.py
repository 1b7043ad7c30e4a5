"""Say what would be brought where, and change nothing."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from functools import partial

from pydantic import BaseModel, ConfigDict

from slipway.model.states import FileState
from slipway.scripts.humanize import count_text, size_text
from slipway.scripts.releases.outgoing import OutgoingFile, OutgoingRelease
from slipway.scripts.stages.publish.delivery.clock import Clock
from slipway.scripts.stages.publish.delivery.comparing import Compared, compare, wanted_of
from slipway.scripts.stages.publish.delivery.one_target import Destination
from slipway.scripts.stages.publish.delivery.reading import digest
from slipway.scripts.stages.publish.delivery.threads import error_of, side_by_side

__all__ = ["PLAN", "Deed", "Plan", "PlannedFile", "PlannedTarget", "plan"]

#: The report that a stage leaves which only says what it would bring where.
PLAN = "publish-plan.json"


class Deed(StrEnum):
    """What would be done with a file at a target."""

    NOTHING = "is there"
    SHOW = "would be shown"
    """It is there already, unseen by readers."""
    SEND = "would be sent"
    REFUSE = "refused"
    """Readers have other bytes of that name and version, which are never replaced."""

    def of(self, count: int) -> str:
        """Return what would be done with so many files."""
        return "are there" if self is Deed.NOTHING and count != 1 else str(self)


class _Shown(BaseModel):
    model_config = ConfigDict(frozen=True)


class PlannedFile(_Shown):
    """One file at one target."""

    name: str
    size: int
    sha256: str
    deed: Deed


class PlannedTarget(_Shown):
    """One target."""

    target: str
    """Its name."""
    where: str
    """The place, for people."""
    problem: str = ""
    """Why it cannot be brought the release, or cannot be asked. Empty: it can."""
    files: tuple[PlannedFile, ...] = ()

    @property
    def line(self) -> str:
        """What would be done, in one line."""
        if self.problem:
            return self.problem
        counts = {
            deed: sum(one.size for one in self.files if one.deed is deed)
            for deed in Deed
            if any(one.deed is deed for one in self.files)
        }
        numbers = Counter(one.deed for one in self.files)
        return ", ".join(
            f"{count_text(numbers[deed], 'file')} {deed.of(numbers[deed])}"
            + (f" ({size_text(size)})" if deed is Deed.SEND else "")
            for deed, size in counts.items()
        )


class Plan(_Shown):
    """What would be brought where."""

    project: str
    version: str
    targets: tuple[PlannedTarget, ...]


def plan(destinations: Sequence[Destination], release: OutgoingRelease) -> list[PlannedTarget]:
    """Ask each target what it has of a release; whatever fails is the target's problem.

    Args:
        destinations: The targets.
        release: The release.
    """
    found: dict[str, PlannedTarget] = {}

    def ask(one: Destination) -> None:
        found[one.title] = _ask(one, release)

    side_by_side([partial(ask, one) for one in destinations], Clock())
    return [found[one.title] for one in destinations]


def _ask(destination: Destination, release: OutgoingRelease) -> PlannedTarget:
    target = destination.target
    asked = PlannedTarget(target=destination.title, where=target.where)
    try:
        target.check(release.version, release.size)

        def read(file: OutgoingFile) -> str:
            return digest(target.read_back(file), file.size)

        wanted = wanted_of(release, target)
        files = tuple(map(_planned, compare(target.look(release), wanted, read)))
    except Exception as error:  # noqa: BLE001  a library's error must not stop the others
        return asked.model_copy(update={"problem": str(error_of(error, target.where))})
    finally:
        with contextlib.suppress(Exception):
            target.close()
    problem = ""
    if refused := [one.name for one in files if one.deed is Deed.REFUSE]:
        problem = (
            f'it has another "{refused[0]}" of {release.version}; releases never change: give this '
            "one a version of its own"
        )
    return asked.model_copy(update={"files": files, "problem": problem})


def _planned(one: Compared) -> PlannedFile:
    deed = Deed.SEND
    if one.is_refused:
        deed = Deed.REFUSE
    elif one.is_same:
        deed = Deed.NOTHING if one.state is FileState.PUBLIC else Deed.SHOW
    file = one.file
    return PlannedFile(name=file.name, size=file.size, sha256=file.sha256, deed=deed)
