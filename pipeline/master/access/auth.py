"""Choose how people sign in to a site."""

from __future__ import annotations

from buildbot.www.auth import AuthBase

from slipway.master.access.login import HeaderAuth, PeopleAuth
from slipway.master.access.users import Users
from slipway.model.people import OAUTH

__all__ = ["make_auth"]


def make_auth(users: Users) -> AuthBase:
    """Return Buildbot's `auth` for a site."""
    if users.access.provider in OAUTH:
        # Imported late: it loads `requests`, which other sites do not need.
        from slipway.master.access.oauth import make_provider

        return make_provider(users)
    return HeaderAuth(users) if users.access.provider == "proxy-header" else PeopleAuth(users)
