"""Ask a connected worker what is right and wrong on its machine; believe nothing it says."""

from __future__ import annotations

import json
from typing import Any

from slipway import __version__
from slipway.master.buildbot_config.site_worker import NoAnswer, SiteWorker
from slipway.workers.health.connection import clock_line
from slipway.workers.health.master_facts import read_time
from slipway.workers.health.report import (
    MOST_LINES,
    Line,
    State,
    exit_code,
    good,
    wrong,
)
from slipway.www.api.call import Call
from slipway.www.api.http_errors import not_found
from slipway.www.shapes.workers import CheckLine, WorkerCheck

__all__ = ["check", "taken"]

#: Characters of an answer, of a check's name, and of what it has found.
_MOST, _LONGEST_NAME, _LONGEST = 100_000, 20, 500


async def check(call: Call) -> WorkerCheck:
    """Answer POST workers/NAME/check."""
    name = call.path["name"]
    if name not in call.config.get("workers", {}):
        raise not_found(f'there is no worker "{name}"')
    await call.record("check", f"workers/{name}", f"check {name}")
    worker = call.master.workers.workers.get(name)
    connected = isinstance(worker, SiteWorker) and worker.conn is not None
    try:
        if not isinstance(worker, SiteWorker):
            raise NoAnswer("it is not connected")  # noqa: TRY301  told as any other
        answer, asked_at = await worker.ask_for_checks()
        lines = taken(answer, asked_at)
    except NoAnswer as problem:
        found, _, advice = str(problem).partition("; ")
        lines = [wrong("worker", found, advice or "see its log, twistd.log in its folder")]
    return WorkerCheck(
        worker=name,
        connected=connected,
        right=exit_code(lines) == 0,
        lines=[
            CheckLine(check=one.check, state=one.state.value, found=one.found, advice=one.advice)
            for one in lines
        ],
    )


def taken(answer: Any, asked_at: float) -> list[Line]:
    """Return the lines of a worker's answer; its version and clock are judged here.

    Args:
        answer: What it has sent: JSON, or anything.
        asked_at: The time by the master's clock.
    """
    try:
        facts = json.loads(answer) if isinstance(answer, str) and len(answer) <= _MOST else None
    except (ValueError, RecursionError):
        facts = None
    if not isinstance(facts, dict) or not isinstance(facts.get("lines"), list):
        said = facts.get("problem") if isinstance(facts, dict) else None
        found = _plain(said, _LONGEST) or "its answer makes no sense"
        return [wrong("worker", found, "set it up again by a new bundle (slipway worker new)")]
    lines = [_line(one) for one in facts["lines"][:MOST_LINES] if isinstance(one, dict)]
    others = [one for one in lines if one.check not in {"slipway", "clock"}]
    return [_version(facts.get("version")), *others, _clock(facts.get("time"), asked_at)]


def _line(given: dict[str, Any]) -> Line:
    try:
        state = State(str(given.get("state")))
    except ValueError:
        state = State.WRONG
    name = _plain(given.get("check"), _LONGEST_NAME) or "?"
    return Line(
        name, state, _plain(given.get("found"), _LONGEST), _plain(given.get("advice"), _LONGEST)
    )


def _version(theirs: Any) -> Line:
    version = _plain(theirs, _LONGEST_NAME) or "?"
    if version == __version__:
        return good("slipway", f"{version}, as on the master")
    return good("slipway", f"{version}; its stages run the master's {__version__}")


def _clock(theirs: Any, asked_at: float) -> Line:
    time = read_time(theirs)
    if time is None:
        return wrong("clock", "the worker does not say its time", "see its log")
    return clock_line(time - asked_at, whose="the worker's machine")


def _plain(text: Any, longest: int) -> str:
    """Return a worker's text, made safe for a line; nothing if it is none."""
    given = text[:longest] if isinstance(text, str) else ""
    return "".join(sign if sign.isprintable() else " " for sign in given).strip()
