"""Decide what people are told of a site: workers that are missing or back, a full disk, a queue.

Pure: what is seen comes in, events go out. What was told before the master's last start comes from
the outbox, so that a restart tells nothing twice and forgets no worker that came back meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from slipway.ledger.outbox.derived import Found
from slipway.model.duration import format_duration
from slipway.model.notices.events import Event
from slipway.model.watch import Watch, format_bytes

__all__ = ["DISK", "QUEUE", "Bounds", "Disk", "worker_subject"]

#: Subjects of the site's notices.
DISK, QUEUE = "disk", "queue"
#: Seconds after which a disk that is still full, or a queue that is still long, is told of again.
_AGAIN = 86400.0
#: A disk has room again when so much more than its bound is free: it is not told of each minute.
_ROOM = 1.1


def worker_subject(name: str) -> str:
    """Return the subject of a worker's notices."""
    return f"worker-{name}"


@dataclass(frozen=True)
class Disk:
    """A disk, as it is now."""

    path: str
    free: int
    """Bytes that the site's user may still write."""


@dataclass
class Bounds:
    """What is watched, and what is known of it since the start."""

    watch: Watch
    began: float
    """Time of the master's start."""
    told: dict[str, tuple[Event, float]] = field(default_factory=dict)
    """The last event of each subject, and when."""
    _seen: dict[str, float] = field(default_factory=dict)
    """When each worker was connected last."""
    _long_since: float | None = None

    def workers(self, connected: Mapping[str, bool], now: float) -> Iterator[Found]:
        """Yield workers that are missing or back.

        Args:
            connected: All workers of pipeline.toml by name, and whether each is connected.
            now: The present time, in seconds since 1970.
        """
        for name, is_here in connected.items():
            subject = worker_subject(name)
            was_missing = self._last(subject) is Event.WORKER_MISSING
            if is_here:
                self._seen[name] = now
                if was_missing:
                    yield self._found(Event.WORKER_BACK, subject, now, worker=name)
                continue
            last = self._seen.get(name)
            away = now - (self.began if last is None else last)
            if was_missing or away < self.watch.worker_missing:
                continue
            ago = format_duration(away)
            text = f"it was last here {ago} ago" if last else f"it has not come since {ago} ago"
            yield self._found(Event.WORKER_MISSING, subject, now, worker=name, text=text)
        gone = self._seen.keys() - connected.keys()
        for name in gone:
            del self._seen[name]

    def disks(self, disks: Iterable[Disk], now: float) -> Iterator[Found]:
        """Yield the disk with the least free space, if that is too little."""
        least = min(disks, key=lambda one: one.free, default=None)
        bound = self.watch.disk_low
        if least is None:
            return
        if least.free >= bound:
            if least.free >= bound * _ROOM:
                self.told.pop(DISK, None)
            return
        if self._is_due(DISK, now):
            free, needed = format_bytes(least.free), format_bytes(bound)
            text = f"{free} are free at {least.path}, and it should be {needed}"
            measure = {"name": "free", "value": least.free, "bound": bound, "unit": "bytes"}
            yield self._found(Event.DISK_LOW, DISK, now, text=text, measure=measure)

    def queue(self, waiting: int, now: float) -> Iterator[Found]:
        """Yield that too many stages have waited for a worker for too long."""
        bound = self.watch.queue_long
        if waiting <= bound:
            self._long_since = None
            self.told.pop(QUEUE, None)
            return
        since = self._long_since = self._long_since or now
        if now - since >= self.watch.queue_time and self._is_due(QUEUE, now):
            text = f"{waiting} stages wait for a worker, and the bound is {bound}"
            measure = {"name": "waiting", "value": waiting, "bound": bound, "unit": "stages"}
            yield self._found(Event.QUEUE_LONG, QUEUE, now, text=text, measure=measure)

    def _last(self, subject: str) -> Event | None:
        return self.told[subject][0] if subject in self.told else None

    def _is_due(self, subject: str, now: float) -> bool:
        return subject not in self.told or now - self.told[subject][1] >= _AGAIN

    def _found(self, event: Event, subject: str, now: float, **facts: object) -> Found:
        self.told[subject] = (event, now)
        return Found(event, f"{subject}-{event.value}-{now:.3f}", now, "", subject, facts)
