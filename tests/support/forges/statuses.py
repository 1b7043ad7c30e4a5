"""Stand-ins for what GitHub, GitLab, Gitea and Forgejo say and do about statuses of commits.

GitHub: github/rest-api-description, "repos/create-commit-status", with the limits that it enforces
(descriptions of 140 characters, contexts of 255, 1000 statuses of one context). GitLab:
doc/api/commits.md, lib/api/commit_statuses.rb, app/services/ci/create_commit_status_service.rb and
app/models/generic_commit_status.rb: an open status of the same name and branch is changed, and only
forwards. Gitea and Forgejo: the Swagger description, "repoCreateStatus" and "repoGetSingleCommit";
a status of a commit that is not there is an error of the server's, as routers/api/v1/repo/status.go
has it.
"""

from urllib.parse import urlsplit

from tests.support.forges import github, gitlab
from tests.support.forges.server import Answer, StandIn

__all__ = ["GITEA_TOKEN", "TOKENS", "GitHubStatuses", "GitLabStatuses", "GiteaStatuses"]

GITEA_TOKEN = "0123456789abcdef0123456789abcdef01234567"
TOKENS = {
    "github": github.TOKEN,
    "gitlab": gitlab.TOKENS["PRIVATE-TOKEN"],
    "gitea": GITEA_TOKEN,
    "forgejo": GITEA_TOKEN,
}
_STRING = {"type": "string"}
#: What GitLab calls the ways to an open state.
_VERBS = {"pending": "enqueue", "running": "run"}


def _schema(required, states, **more):
    return {
        "type": "object",
        "required": required,
        "properties": {
            "state": {"enum": states},
            "target_url": {"type": ["string", "null"]},
            "description": {"type": ["string", "null"]},
            "context": _STRING,
            **more,
        },
        "additionalProperties": False,
    }


_GITHUB = _schema(["state"], ["error", "failure", "pending", "success"])
_GITLAB = _schema(
    ["state"],
    ["pending", "running", "success", "failed", "canceled", "skipped"],
    name=_STRING,
    ref={"type": "string", "maxLength": 255},
    coverage={"type": "number"},
    pipeline_id={"type": "integer"},
)
_GITEA = _schema([], ["pending", "success", "error", "failure", "warning"])


def latest(statuses):
    """Return the state and the text that people see for each name."""
    return {one["context"]: (one["state"], one["description"]) for one in statuses}


class GitHubStatuses(github.GitHub):
    """One repository at GitHub."""

    api = "/api/v3"
    routes = (
        *github.GitHub.routes,
        ("POST", github.GitHub._REPO + r"/statuses/([^/]+)", "create_status", _GITHUB),
    )

    def __init__(self, *given, most=1000, **how):
        super().__init__(*given, **how)
        self.statuses, self.most = [], most

    def create_status(self, asked):
        self.writing(asked)
        sha, given = asked.parts[1], {"context": "default", **asked.data}
        if sha not in self.commits:
            raise Answer(422, {"message": f"No commit found for SHA: {sha}", "status": "422"})
        for field, most in (("description", 140), ("context", 255)):
            if len(given.get(field) or "") > most:
                text = f"{field} is too long (maximum is {most} characters)"
                raise self._invalid(text, field)
        if urlsplit(given.get("target_url") or "http://x/").scheme not in {"http", "https"}:
            raise self._invalid("Target url must be http or https", "target_url")
        same = [
            one for one in self.statuses if (one["sha"], one["context"]) == (sha, given["context"])
        ]
        if len(same) >= self.most:
            raise self._invalid(
                "This SHA and context has reached the maximum number of statuses.", None
            )
        one = {"id": self.new_number(), "sha": sha, **given}
        self.statuses.append(one)
        raise Answer(201, {**one, "creator": {"login": "slipway"}})

    @staticmethod
    def _invalid(text, field):
        entry = {"resource": "Status", "code": "custom", "field": field, "message": text}
        return Answer(422, {"message": "Validation Failed", "errors": [entry], "status": "422"})


class GitLabStatuses(gitlab.GitLab):
    """One project at GitLab."""

    api = "/api/v4"
    routes = (
        *gitlab.GitLab.routes,
        ("POST", gitlab.GitLab._PROJECT + r"/statuses/([^/]+)", "create_status", _GITLAB),
    )

    def __init__(self, *given, **how):
        super().__init__(*given, **how)
        self.statuses, self.scope, self.most_jobs = [], "api", 500

    def create_status(self, asked):
        self.known(asked, "private")
        if self.scope != "api":
            text = "The request requires higher privileges than provided by the access token."
            raise Answer(403, {"error": "insufficient_scope", "error_description": text})
        self.writing(asked, "private")
        sha, given = asked.parts[1], asked.data
        if sha not in self.commits:
            raise Answer(404, {"message": "404 Commit Not Found"})
        if len(given.get("target_url") or "") > 255:
            raise Answer(
                400, {"message": {"target_url": ["is too long (maximum is 255 characters)"]}}
            )
        name = given.get("name") or given.get("context") or "default"
        if len(name) > 255 or len(given.get("description") or "") > 255:
            self.problems.append(f"a status with long texts: {given}")
        key = {"sha": sha, "context": name, "ref": given.get("ref") or "main"}
        state = given["state"]
        for one in self.statuses:
            if key.items() <= one.items() and one["state"] in _VERBS:
                self._go_on(one, state)
                break
        else:
            if len(self.statuses) >= self.most_jobs:
                raise Answer(422, {"message": "The number of jobs has exceeded the limit"})
            one = {"id": self.new_number(), **key, "description": None, "target_url": None}
            self.statuses.append(one)
        one["state"] = state
        one.update({k: given[k] for k in ("description", "target_url") if k in given})
        raise Answer(201, {**one, "status": state, "name": name})

    def _go_on(self, one, state):
        """Refuse what its state machine does not do."""
        verb = _VERBS.get(state)
        if verb is not None and (state, one["state"]) != ("running", "pending"):
            text = f"Cannot transition status via :{verb} from :{one['state']}"
            more = f'(Reason(s): Status cannot transition via "{verb}")'
            raise Answer(400, {"message": f"{text} {more}"})


class GiteaStatuses(StandIn):
    """One repository at Gitea or Forgejo."""

    api = "/api/v1"
    _REPO = r"/api/v1/repos/([^/]+/[^/]+)"
    routes = (
        ("GET", _REPO, "repository", None),
        ("GET", _REPO + r"/git/commits/([^/]+)", "commit", None),
        ("POST", _REPO + r"/statuses/([^/]+)", "create_status", _GITEA),
    )

    def __init__(self, *given, name="example/almanac", **how):
        super().__init__(*given, **how)
        self.name, self.commits, self.statuses = name, {github.REVISION}, []
        self.may_push, self.scope = True, "write:repository"
        self.url = f"{self.here}{self.api}"

    def known(self, asked):
        if asked.headers.get("authorization") != f"token {GITEA_TOKEN}":
            raise Answer(401, {"message": "invalid username, password or token"})
        if asked.parts[0].lower() != self.name.lower():
            raise Answer(404, {"errors": None, "message": "The target couldn't be found."})

    def repository(self, asked):
        self.known(asked)
        rights = {"admin": False, "push": self.may_push, "pull": True}
        raise Answer(200, {"id": 1, "full_name": self.name, "permissions": rights})

    def commit(self, asked):
        self.known(asked)
        if asked.parts[1] not in self.commits:
            raise Answer(404, {"errors": None, "message": "The target couldn't be found."})
        raise Answer(200, {"sha": asked.parts[1]})

    def create_status(self, asked):
        self.known(asked)
        if self.scope != "write:repository":
            text = "token does not have at least one of required scope(s): [write:repository]"
            raise Answer(403, {"message": text})
        if not self.may_push:
            raise Answer(403, {"message": "user should have a permission to write to a repo"})
        sha = asked.parts[1]
        if sha not in self.commits:
            raise Answer(500, {"message": "", "url": f"{self.here}/api/swagger"})
        given = {"context": "default", "description": "", "target_url": "", **asked.data}
        one = {"id": self.new_number(), "sha": sha, **given}
        self.statuses.append(one)
        raise Answer(201, {**one, "status": one["state"]})
