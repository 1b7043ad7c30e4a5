"""The web UI: what Buildbot is told of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from importlib.metadata import entry_points
from typing import Any

from slipway.master.access.audited_authorization import RecordedAuthz
from slipway.master.access.authorization import Rules
from slipway.master.access.login import make_auth
from slipway.master.access.users import Crowd
from slipway.model.site import Project, SiteSettings

_VIEWS = ("console_view", "grid_view", "waterfall_view")
#: So many connections wait to be taken up. Twisted's own 50 are full in a moment while the master
#: is busy; what comes then is dropped by the kernel, and knocks again after 1, 3, 7 seconds.
_LINE = 1024


class RecordedRules(RecordedAuthz, Rules):
    """Who may do what, and a memory of what was asked."""


def configuration(
    site: SiteSettings, crowd: Crowd, projects: Mapping[str, Project]
) -> dict[str, Any]:
    """Return Buildbot's `www`.

    Args:
        site: Where it listens.
        crowd: The people, and how they sign in.
        projects: Whose gates name roles.
    """
    installed = {point.name for point in entry_points(group="buildbot.www")}
    return {
        "port": f"tcp:{site.web_port}:interface={site.listen}:backlog={_LINE}",
        "plugins": {view: True for view in _VIEWS if view in installed},
        "auth": make_auth(crowd),
        "authz": RecordedRules(crowd, projects),
        "allowed_origins": sorted(crowd.origins),
        "cookie_expiration_time": timedelta(hours=crowd.access.session_hours),
        # The door asks for the role before the hook is reached.
        "change_hook_dialects": {"poller": True},
    }
