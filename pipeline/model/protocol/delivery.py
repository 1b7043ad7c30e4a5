"""Check what a worker tells of targets against the release and the targets of its own stage."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from slipway.model.protocol.event import TargetEnded, TargetEvent, TargetFile, TargetRemoved
from slipway.model.protocol.job import Job
from slipway.model.states import TOLD_OF_FILES, FileState

__all__ = ["Deliveries", "Ended", "News"]

_ORDER = TOLD_OF_FILES
#: A stage removes fewer releases than these.
_MOST_REMOVED = 10_000


@dataclass(frozen=True)
class Ended:
    """How a target ended."""

    place: str = ""
    """Where people find the release."""
    error: str = ""
    """Why it failed. Empty: the release is public there."""


@dataclass
class News:
    """What was told of one target since the last time it was taken."""

    files: dict[str, tuple[str, FileState]] = field(default_factory=dict)
    """Hash and state of each file that has changed, by name."""
    ended: Ended | None = None
    """How it ended; None: it goes on."""
    removed: list[str] = field(default_factory=list)
    """The versions of older releases that are there no more."""


class Deliveries:
    """The states of a release's files at the targets of one stage, as its script tells them.

    However much is told, no more is kept than one state for each file and target.
    """

    def __init__(self, job: Job) -> None:
        """Initialize; without a release or targets every event is refused."""
        files = job.release.files if job.release is not None else ()
        self._hashes = {one.name: one.sha256 for one in files}
        self._states: dict[str, dict[str, FileState]] = {
            one.title: {} for one in job.stage.release_targets
        }
        self._takes_all = {one.title: one.takes_all for one in job.stage.release_targets}
        #: The targets with `keep`, and the versions that stay whatever it says.
        keeping = [one.title for one in job.stage.release_targets if one.keep is not None]
        self._keeping = frozenset(keeping if job.protected is not None else ())
        self._staying = {job.run.version, *(job.protected or ())}
        self._removed: set[tuple[str, str]] = set()
        self._ended: dict[str, Ended] = {}
        self._news: dict[str, News] = {}

    def take(self, event: TargetEvent) -> None:
        """Take what is told.

        Raises:
            ValueError: It is of another stage's target, or of another release's file, or a target
                is said to be public that lacks a file, or to have removed what has to stay.
        """
        if event.target not in self._states:
            known = ", ".join(self._states) or "none"
            msg = f'the script tells of the target "{event.target}"; the stage has {known}'
            raise ValueError(msg)
        if isinstance(event, TargetRemoved):
            self._take_removal(event)
            return
        if event.target in self._ended:
            msg = f'the script tells of the target "{event.target}" after its end'
            raise ValueError(msg)
        if isinstance(event, TargetFile):
            self._take_file(event)
        else:
            self._take_end(event)

    def _take_file(self, event: TargetFile) -> None:
        expected = self._hashes.get(event.file)
        if expected is None:
            msg = f'the script tells of "{event.file}", which is no file of the release'
            raise ValueError(msg)
        if event.sha256 != expected and event.state is not FileState.ABSENT:
            msg = (
                f'the script says that "{event.file}" is {event.state} at {event.target} with '
                f"sha256 {event.sha256}; the release's is {expected}"
            )
            raise ValueError(msg)
        states = self._states[event.target]
        before = states.get(event.file, FileState.ABSENT)
        if _ORDER.index(event.state) > _ORDER.index(before):
            states[event.file] = event.state
            self._of(event.target).files[event.file] = (expected, event.state)

    def _take_removal(self, event: TargetRemoved) -> None:
        known = self._ended.get(event.target)
        if known is None or known.error:
            msg = f"the script removes {event.version} from {event.target} before its own is there"
            raise ValueError(msg)
        if event.target not in self._keeping:
            msg = f"the script removes {event.version} from {event.target}, which has no keep"
            raise ValueError(msg)
        if event.version in self._staying:
            msg = f"the script removes {event.version} from {event.target}, where it has to stay"
            raise ValueError(msg)
        if len(self._removed) >= _MOST_REMOVED:
            msg = f"the script removes more than {_MOST_REMOVED:,} releases"
            raise ValueError(msg)
        if (one := (event.target, event.version)) not in self._removed:
            self._removed.add(one)
            self._of(event.target).removed.append(event.version)

    def _take_end(self, event: TargetEnded) -> None:
        failed = event.state == "failed"
        states = self._states[event.target]
        public = sum(state is FileState.PUBLIC for state in states.values())
        wanted = len(self._hashes) if self._takes_all[event.target] else max(1, len(states))
        if not failed and public < wanted:
            msg = (
                f"the script says that the release is public at {event.target}, but only {public} "
                f"of its {wanted} files are"
            )
            raise ValueError(msg)
        error = (event.text or "it does not say why") if failed else ""
        self._ended[event.target] = Ended("" if failed else event.place, error)
        self._of(event.target).ended = self._ended[event.target]

    def _of(self, target: str) -> News:
        return self._news.setdefault(target, News())

    def news(self) -> Mapping[str, News]:
        """Return what has changed since the last call, by target."""
        news, self._news = self._news, {}
        return news

    @property
    def failed(self) -> Iterable[str]:
        """The targets that are not public, in the order of the stage."""
        return [name for name in self._states if name not in self._ended or self._ended[name].error]
