"""Authorization of Buildbot's own control actions: the buttons of its UI and its REST API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from buildbot.plugins import util
from buildbot.schedulers.forcesched import CollectedValidationError
from buildbot.util import unicode2bytes
from buildbot.www.authz import Forbidden
from twisted.internet import defer

from slipway.master.access.request import Known
from slipway.master.access.users import Users
from slipway.master.buildbot_config.force import ForceRun, ForceStage
from slipway.model.access import Person, gate_refusal, may, may_open, refusal
from slipway.model.site import Project, builder_name

__all__ = ["Rules"]

_ACTIONS = {
    ("BuildEndpoint", "stop"): "stage.cancel",
    ("BuildEndpoint", "rebuild"): "build.rebuild",
    ("BuildRequestEndpoint", "cancel"): "stage.cancel",
}
_READING = frozenset({"get", "head", "options"})


class Rules(util.Authz):
    """Buildbot's `authz`, with the permissions of `slipway.model.access`."""

    def __init__(self, users: Users, projects: Mapping[str, Project]) -> None:
        super().__init__()
        self._users = users
        self._gates = {
            builder_name(project, name): tuple(getattr(stage, "allowed", ()))
            for project, one in projects.items()
            for name, stage in one.stages.items()
            if stage.manual
        }

    def person(self, user_info: Mapping[str, Any]) -> Person:
        """Return the person behind Buildbot's user_info."""
        if isinstance(user_info, Known):
            return user_info.person
        return self._users.of_session(user_info)

    def assertUserAllowed(self, ep: Any, action: Any, options: Any, userDetails: Any) -> Any:
        """Refuse an action without permission; the gateway has checked reading already.

        Raises:
            Forbidden: With the reason.
        """
        return defer.ensureDeferred(self._check(ep, str(action), options, userDetails))

    async def _check(self, ep: Any, action: str, options: Any, user_info: Any) -> None:
        # Compare in lower case: Buildbot accepts "Rebuild" for "rebuild".
        wanted = action.lower()
        if wanted in _READING:
            return
        person = self.person(user_info)
        endpoint, values = self.master.data.getEndpoint(tuple(ep))
        kind = type(endpoint).__name__
        if (kind, wanted) == ("ForceSchedulerEndpoint", "force"):
            scheduler = await endpoint.findForceScheduler(values["schedulername"])
            await self._check_force(person, scheduler, options)
            return
        asked = _ACTIONS.get((kind, wanted), "engine.control")
        if not may(person, asked):
            raise Forbidden(unicode2bytes(refusal(person, asked)))

    async def _check_force(self, person: Person, scheduler: Any, options: Any) -> None:
        asked = "run.start" if isinstance(scheduler, ForceRun) else "stage.start"
        if not isinstance(scheduler, (ForceRun, ForceStage)):
            asked = "engine.control"
        gates = [] if asked != "stage.start" else await self._gates_in(scheduler, options)
        for allowed in gates:
            if not may_open(person, allowed):
                raise Forbidden(unicode2bytes(gate_refusal(person, allowed)))
        if not gates and not may(person, asked):
            raise Forbidden(unicode2bytes(refusal(person, asked)))

    async def _gates_in(self, scheduler: Any, options: Any) -> list[tuple[str, ...]]:
        """Return the allowed roles of each gate that a force scheduler would open."""
        try:
            builders = await scheduler.computeBuilderNames(
                options.get("builderNames"), options.get("builderid")
            )
        except CollectedValidationError:
            # The scheduler refuses it in the same way, with a better message.
            return []
        return [self._gates[name] for name in builders if name in self._gates]
