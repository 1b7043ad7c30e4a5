"""Pause and resume workers."""

from __future__ import annotations

from slipway.www.api.call import Call
from slipway.www.api.http_errors import not_found
from slipway.www.shapes.site import WorkerState

__all__ = ["pause", "resume"]


async def pause(call: Call) -> WorkerState:
    """Answer POST workers/NAME/pause: the worker takes no new work."""
    return await _control(call, "pause", paused=True)


async def resume(call: Call) -> WorkerState:
    """Answer POST workers/NAME/resume."""
    return await _control(call, "unpause", paused=False)


async def _control(call: Call, action: str, *, paused: bool) -> WorkerState:
    name = call.path["name"]
    if name not in call.config.get("workers", {}):
        raise not_found(f'there is no worker "{name}"')
    reason = getattr(call.body, "reason", "") or f"{action}d by {call.person.name}"
    await call.record(action, f"workers/{name}", f"{action} {name}")
    await call.master.data.control(action, {"reason": reason}, ("workers", name))
    return WorkerState(name=name, paused=paused)
