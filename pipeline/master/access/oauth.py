"""Login with an account at GitHub, GitLab, Google or Bitbucket, by Buildbot's own classes."""

from __future__ import annotations

from typing import Any

from buildbot.www.auth import AuthBase
from buildbot.www.oauth2 import BitbucketAuth, GitHubAuth, GitLabAuth, GoogleAuth
from twisted.web.error import Error

from slipway.master.access.login import Marks
from slipway.master.access.oauth_callback import Returning
from slipway.master.access.users import Users

__all__ = ["Bitbucket", "GitHub", "GitLab", "Google", "make_provider"]


class GitHub(Returning, GitHubAuth):
    """GitHub login; the name is the login."""


class GitLab(Returning, GitLabAuth):
    """GitLab login; the name is the username."""


class Bitbucket(Returning, BitbucketAuth):
    """Bitbucket login; the name is the username."""


class Google(Returning, GoogleAuth):
    """Google login; the name is the whole address.

    Buildbot's own class uses only the part before the @, which is not unique across domains.
    """

    def getUserInfoFromOAuthClient(self, c: Any) -> dict[str, Any]:
        """Return the person's facts.

        Raises:
            Error: Google has not verified the address.
        """
        profile = self.get(c, "/userinfo")
        if not profile.get("verified_email"):
            raise Error(403, b"Google has not verified this address")
        address = str(profile["email"])
        return {"full_name": profile.get("name", address), "username": address, "email": address}


def make_provider(users: Users) -> AuthBase:
    """Return Buildbot's `auth` for the site's provider."""
    access, secret = users.access, users.client_secret
    marks = Marks(users)
    if access.provider == "gitlab":
        return GitLab(users, access.server, access.client_id, secret, userInfoProvider=marks)
    if access.provider == "github":
        return GitHub(
            users, access.client_id, secret, serverURL=access.server, userInfoProvider=marks
        )
    kind = Google if access.provider == "google" else Bitbucket
    return kind(users, access.client_id, secret, userInfoProvider=marks)
