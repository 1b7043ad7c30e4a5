"""The web UI: who may look, who may act, and where it listens."""

from __future__ import annotations

import hmac
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from buildbot.plugins import util
from buildbot.www.auth import CustomAuth
from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.credentials import IUsernamePassword
from twisted.cred.error import UnauthorizedLogin
from twisted.internet import defer
from zope.interface import implementer

from slipway.home import ADMIN
from slipway.model.site import SiteSettings

_VIEWS = ("console_view", "grid_view", "waterfall_view")


def is_admin(user: str, password: str, password_file: Path) -> bool:
    """Tell whether this is the admin; the password lies in a file of mode 0600."""
    try:
        expected = password_file.read_text(encoding="utf-8").strip()
    except OSError:
        return False
    same = hmac.compare_digest(password.encode(), expected.encode())
    return same and user == ADMIN and bool(expected)


class AdminAuth(CustomAuth):
    """Signs the admin in."""

    def __init__(self, password_file: Path, **options: Any) -> None:
        self._file = password_file
        super().__init__(**options)

    def check_credentials(self, user: Any, password: Any) -> bool:
        """Compare with the admin's password; Buildbot gives bytes or text."""
        return is_admin(_text(user), _text(password), self._file)


@implementer(ICredentialsChecker)
class AdminChecker:
    """The same check for the change hook, which has its own door."""

    credentialInterfaces = (IUsernamePassword,)  # noqa: N815  Twisted's name

    def __init__(self, password_file: Path) -> None:
        self._file = password_file

    def requestAvatarId(self, credentials: Any) -> Any:
        """Return the user's name, or refuse."""
        user, password = _text(credentials.username), _text(credentials.password)
        if is_admin(user, password, self._file):
            return defer.succeed(credentials.username)
        return defer.fail(UnauthorizedLogin("the user or the password is wrong"))


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def configuration(site: SiteSettings, password_file: Path) -> dict[str, Any]:
    """Return Buildbot's `www`.

    Args:
        site: Where it listens.
        password_file: Where the admin's password is.
    """
    installed = {point.name for point in entry_points(group="buildbot.www")}
    return {
        "port": f"tcp:{site.web_port}:interface={site.listen}",
        "plugins": {view: True for view in _VIEWS if view in installed},
        "auth": AdminAuth(password_file),
        "authz": util.Authz(
            allowRules=[util.AnyControlEndpointMatcher(role=ADMIN)],
            roleMatchers=[util.RolesFromUsername(roles=[ADMIN], usernames=[ADMIN])],
        ),
        "change_hook_dialects": {"poller": True},
        "change_hook_auth": [AdminChecker(password_file)],
    }
