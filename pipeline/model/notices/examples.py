"""Examples of notices: one for each event, for previews, trials and tests of channels."""

from __future__ import annotations

from typing import Any

from slipway.model.notices.details import Concerned
from slipway.model.notices.events import EVENTS, Concern, Event
from slipway.model.notices.notice import Notice
from slipway.model.notices.titles import title_of

__all__ = ["example_of"]

_AT = 1_767_225_600.0
_REVISION = "0f3c2a91b7d84e56a1c0d9e8f7b6a5c4d3e2f1a0"
_LOG = """collecting ... 214 items
tests/test_tides.py::test_low_water FAILED
tests/test_moon.py::test_full_moon FAILED
=== 2 failed, 212 passed in 8.41s ==="""
_TESTS = [
    {
        "stage": "tests",
        "name": "test_tides.test_low_water",
        "place": "tests/test_tides.py:41",
        "message": "AssertionError: assert 1.20 == 1.25\n  where 1.20 = low_water('2026-01-01')",
    },
    {
        "stage": "tests",
        "name": "test_moon.test_full_moon",
        "place": "tests/test_moon.py:12",
        "message": "KeyError: '2026-01-03'",
    },
]
_FAILED: dict[str, Any] = {
    "stage": "tests",
    "text": "2 of 214 tests failed",
    "tests": _TESTS,
    "tests_failed": 2,
    "logs": [{"stage": "tests", "text": _LOG}],
    "blamed": [{"name": "Ann Example", "email": "ann@example.org", "commits": 2}],
}
_GATE: dict[str, Any] = {
    "stage": "production",
    "person": "ann",
    "comment": "After the fix of low water.",
    "values": {"colour": "blue"},
    "approvals": {"needed": 2, "given": ["ben"], "missing": 1, "roles": ["releaser"]},
}
_DEPLOYMENT: dict[str, Any] = {"stage": "production", "environment": "live", "person": "ann"}
_TOLD = {"event": Event.RUN_FAILED, "at": _AT, "url": "http://localhost:8010/#/pipelines/almanac"}

_MORE: dict[Event, dict[str, Any]] = {
    Event.RUN_FAILED: _FAILED,
    Event.RUN_STILL_FAILING: _FAILED,
    Event.STAGE_CHANGED: {
        "stage": "tests",
        "topic": "stage:tests",
        "changed": {"name": "tests", "state": "running", "attempt": 1},
    },
    Event.GATE_WAITS: {"stage": "production", "approvals": _GATE["approvals"] | {"given": []}},
    Event.APPROVAL_WAITS: _GATE,
    Event.GATE_APPROVED: _GATE | {"person": "ben", "comment": "Looks right."},
    Event.GATE_REJECTED: _GATE | {"person": "ben", "comment": "Not on a Friday."},
    Event.GATE_EXPIRED: {"stage": "production"},
    Event.DEPLOYED: _DEPLOYMENT,
    Event.DEPLOYMENT_FAILED: _DEPLOYMENT | {"text": "live: the page answered with status 502"},
    Event.ROLLED_BACK: _DEPLOYMENT,
    Event.HEALTH_LOST: _DEPLOYMENT | {"text": "live: not healthy. Look after live now"},
    Event.PUBLISHED: {"stage": "publish", "places": ["https://downloads.example.org/almanac/"]},
    Event.PUBLICATION_FAILED: {"stage": "publish", "text": "s3: the bucket does not exist"},
    Event.RELEASE_BLOCKED: {"person": "cleo", "comment": "It loses tides."},
    Event.WORKER_MISSING: {"worker": "far", "text": "it was last here 6 minutes ago"},
    Event.WORKER_BACK: {"worker": "far"},
    Event.DISK_LOW: {
        "text": "4.2 GB are free, and it should be 5.0 GB",
        "measure": {"name": "free", "value": 4.2e9, "bound": 5e9, "unit": "bytes"},
    },
    Event.QUEUE_LONG: {
        "text": "130 stages wait, and the bound is 100",
        "measure": {"name": "waiting", "value": 130, "bound": 100, "unit": "stages"},
    },
    Event.TEST_FLAKY: {
        "stage": "tests",
        "text": "test_tides.test_high_water failed first and passed when it was retried",
        "tests": _TESTS[:1],
    },
    Event.DIGEST: {
        "title": "31 notices of almanac",
        "notices": [
            _TOLD | {"id": f"run-{number}", "title": f"almanac 1.4.0+{number} (main) failed"}
            for number in (7, 8, 9)
        ],
        "left_out": 28,
    },
}


def example_of(event: Event, url: str = "http://localhost:8010/") -> Notice:
    """Return an example of a notice.

    Args:
        event: The event.
        url: The site's URL, with a trailing slash.
    """
    facts: dict[str, Any] = {"url": url}
    if not EVENTS[event].is_of_site:
        facts = {
            "project": "almanac",
            "run": 7,
            "version": "1.4.0+7",
            "branch": "main",
            "revision": _REVISION,
            "repository": "https://git.example.org/almanac.git",
            "subject": "Round low water to five centimetres",
            "author": "Ann Example <ann@example.org>",
            "thread": "run-7",
            "url": f"{url}#/pipelines/almanac/7",
        }
    facts |= _MORE.get(event, {})
    facts.setdefault("title", title_of(event, facts | {"state": "running"}))
    return Notice(
        id=f"example-{event}",
        event=event,
        at=_AT,
        **facts,
        concerned=(Concerned(person="ann", why=(*EVENTS[event].concerns, Concern.RULE)[0]),),
    )
