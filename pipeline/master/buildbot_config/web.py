"""Buildbot's `www`: configuration of the web UI."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from importlib.metadata import entry_points
from typing import Any

from slipway.master.access.audited_authorization import RecordedAuthz
from slipway.master.access.auth import make_auth
from slipway.master.access.authorization import Rules
from slipway.master.access.users import Users
from slipway.model.site import Project, SiteSettings

__all__ = ["RecordedRules", "configuration"]

_VIEWS = ("console_view", "grid_view", "waterfall_view")
#: Size of the listen backlog. Twisted's default of 50 overflows while the master is busy; the
#: kernel then drops connections, and clients retry after 1, 3, 7 seconds.
_LINE = 1024


class RecordedRules(RecordedAuthz, Rules):
    """Authorization rules, with an audit trail."""


def configuration(
    site: SiteSettings, users: Users, projects: Mapping[str, Project]
) -> dict[str, Any]:
    """Return Buildbot's `www`.

    Args:
        site: The addresses to listen on.
        users: The people, and how they sign in.
        projects: The projects, whose gates name roles.
    """
    installed = {point.name for point in entry_points(group="buildbot.www")}
    return {
        "port": f"tcp:{site.web_port}:interface={site.listen}:backlog={_LINE}",
        "plugins": {view: True for view in _VIEWS if view in installed},
        "auth": make_auth(users),
        "authz": RecordedRules(users, projects),
        "allowed_origins": sorted(users.origins),
        "cookie_expiration_time": timedelta(hours=users.access.session_hours),
        # The gateway checks the permission before the hook is reached.
        "change_hook_dialects": {"poller": True},
    }
