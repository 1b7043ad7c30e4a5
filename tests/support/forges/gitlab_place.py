"""A GitLab target in a test: what publishes there, and what readers see."""

from slipway.scripts.stages.publish.targets.gitlab.settings import GitlabTarget
from slipway.scripts.stages.publish.targets.gitlab.target import GitlabRelease
from tests.scripts.stages.publish.test_run import job
from tests.support.forges.gitlab import TOKENS
from tests.support.release_targets import FILES, Place

#: GitLab takes no blanks and accents.
NAMES = {name.replace("Grüße 1", "notes"): data for name, data in FILES.items()}


def gitlab_place(gitlab, folder, *, kind="personal", token=None, **settings):
    """Return the place in which the contract's checks publish."""
    header = {"personal": "PRIVATE-TOKEN"}.get(kind, f"{kind.upper()}-TOKEN")
    token = TOKENS[header] if token is None else token

    def connect(release, report):
        stage = {"uses": "publish", "needs": ["archive"], "env": {"GITLAB_TOKEN": token}}
        made = job(folder, inputs=[], version=release.version, stage=stage)
        values = {"project": "example/almanac", "url": gitlab.url, "token-kind": kind, **settings}
        target = GitlabTarget.model_validate({"kind": "gitlab", **values})
        return GitlabRelease(target, made, report)

    def alter(version, name):
        for one in gitlab.files:
            if (one["version"], one["name"]) == (version, name):
                one["file"].write_bytes(b"altered")

    return Place(
        connect,
        lambda version: gitlab.linked(f"v{version}"),
        folder / "given",
        alter,
        NAMES,
    )
