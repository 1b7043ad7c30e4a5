"""Block, unblock and promote releases."""

from __future__ import annotations

from slipway.master.releases.decisions import ReleaseDecisions
from slipway.www.api.call import Call
from slipway.www.api.http_errors import Refused
from slipway.www.shapes.runs import Release
from slipway.www.views.releases import show_release

__all__ = ["block", "promote", "unblock"]


async def block(call: Call) -> Release:
    """Answer POST releases/ID/block."""
    await show_release(call)
    if not call.body.reason.strip():
        refusal = "say why it is blocked"
        raise Refused(400, refusal, {"reason": refusal})
    await ReleaseDecisions(call.ledger).block(_id(call), call.person, call.body.reason)
    return await show_release(call)


async def unblock(call: Call) -> Release:
    """Answer DELETE releases/ID/block; start what was approved meanwhile."""
    project = (await show_release(call)).project
    await ReleaseDecisions(call.ledger).unblock(_id(call), call.person)
    if project in call.ledger.projects:
        await call.scheduler(project).gates.due.process_due()
    return await show_release(call)


async def promote(call: Call) -> Release:
    """Answer POST releases/ID/promote."""
    await show_release(call)
    body = call.body
    decisions = ReleaseDecisions(call.ledger)
    await decisions.promote(_id(call), call.person, body.channel, body.reason)
    return await show_release(call)


def _id(call: Call) -> int:
    return int(call.path["id"])
