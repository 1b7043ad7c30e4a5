"""Start, rerun and cancel runs and stages; poll."""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy.orm import Session
from twisted.internet import defer
from twisted.python import log

from slipway.master.scheduling.scheduler import Started
from slipway.model.cell import cell_title
from slipway.model.commit import Cause
from slipway.model.errors import WrongInput
from slipway.model.states import OPEN_STAGE
from slipway.www.api.call import Call
from slipway.www.api.http_errors import Refused
from slipway.www.shapes.site import Polled, RunName
from slipway.www.views.lookup import check_cell, find_attempts, find_run

__all__ = ["cancel", "cancel_stage", "poll", "rerun", "rerun_stage", "start_run"]


async def start_run(call: Call) -> RunName:
    """Answer POST runs."""
    body = call.body
    outline = call.outline(body.project)
    branch, revision = body.branch or "", body.revision or None
    cause = Cause("force", call.person.name, body.reason)
    made = await call.scheduler(outline.name).start_run(branch, revision, cause)
    return _started(outline.name, made)


def _started(project: str, made: Started | None) -> RunName:
    if made is None:
        # Only a poll returns None, when its run exists already.
        msg = f"no run of {project} was started"
        raise WrongInput(msg)
    return RunName(project=project, number=made.number)


async def poll(call: Call) -> Polled:
    """Answer POST polls."""
    names = list(dict.fromkeys(call.body.projects)) or list(call.site)
    for name in names:
        call.outline(name)
    asked_at = time.time()
    sources = {one.name: one for one in call.master.change_svc}
    for name in names:
        source = sources.get(f"{name}-poller")
        if source is None:
            raise Refused(503, f"{name} has no poller yet; try again in a few seconds")
        await call.record("poll", f"projects/{name}", f"poll {name}", name)
        polling = defer.maybeDeferred(source.force)
        polling.addErrback(lambda failure: log.err(failure, "while polling as asked"))
    return Polled(projects=names, at=asked_at)


async def rerun(call: Call) -> RunName:
    """Answer POST runs/PROJECT/NUMBER/rerun."""
    name, number = await _run_of(call)
    cause = Cause("rerun", call.person.name, call.body.reason or f"run {number} again")
    return _started(name, await call.scheduler(name).rerun(number, cause))


async def cancel(call: Call) -> RunName:
    """Answer POST runs/PROJECT/NUMBER/cancel."""
    name, number = await _run_of(call)
    await call.scheduler(name).cancel_run(number, call.person.name, call.body.reason)
    return RunName(project=name, number=number)


async def rerun_stage(call: Call) -> RunName:
    """Answer POST runs/PROJECT/NUMBER/stages/STAGE/rerun."""
    name, number = await _run_of(call)
    await call.read(_stage_exists, call.outline(), number, call.path["stage"])
    await call.scheduler(name).rerun_stage(
        number,
        call.path["stage"],
        call.person.name,
        call.body.reason,
        cell=call.body.cell,
        from_here=call.body.from_here,
    )
    return RunName(project=name, number=number)


async def cancel_stage(call: Call) -> RunName:
    """Answer POST runs/PROJECT/NUMBER/stages/STAGE/cancel: Buildbot stops running builds."""
    name, number = await _run_of(call)
    stage, cell = call.path["stage"], call.body.cell
    await call.read(_stage_exists, call.outline(), number, stage, cell)
    requests = await call.read(_open_requests, name, number, stage, cell)
    named = cell_title(stage, cell)
    if not requests:
        msg = f"{named} of run {number} neither waits nor runs"
        raise WrongInput(msg)
    path = f"projects/{name}/runs/{number}/stages/{named}"
    await call.record("cancel", path, f"cancel {named} of run {number}", name)
    reason = f"cancelled by {call.person.name}" + (f": {call.body.reason}" * bool(call.body.reason))
    for one in requests:
        await call.master.data.control("cancel", {"reason": reason}, ("buildrequests", str(one)))
    return RunName(project=name, number=number)


def _open_requests(session: Session, project: str, number: int, stage: str, cell: str) -> list[int]:
    run = find_run(session, project, str(number))
    return [
        one.request_id
        for one in run.stages
        if one.name == stage
        and one.state in OPEN_STAGE
        and one.request_id is not None
        and cell in {"", one.cell}
    ]


def _stage_exists(session: Session, outline: Any, number: int, stage: str, cell: str = "") -> None:
    run = find_run(session, outline.name, str(number))
    check_cell(find_attempts(session, run, outline, stage), cell or None)


async def _run_of(call: Call) -> tuple[str, int]:
    """Return the project and the number of the run that the path names.

    Raises:
        Refused: There is none.
    """
    outline = call.outline()
    number = await call.read(_number_of, outline.name, call.path["number"])
    return outline.name, number


def _number_of(session: Session, project: str, number: str) -> int:
    return find_run(session, project, number).number
