"""A GitHub target in a test: what publishes there, and what readers see."""

from slipway.scripts.stages.publish.targets.github.settings import GithubTarget
from slipway.scripts.stages.publish.targets.github.target import GithubRelease
from tests.scripts.stages.publish.test_run import job
from tests.support.forges.github import TOKEN
from tests.support.http import get
from tests.support.release_targets import Place


def connecting(github, folder, *, token=TOKEN, **settings):
    """Return what makes the target, as each run of a stage does."""

    def connect(release, report):
        stage = {"uses": "publish", "needs": ["archive"], "env": {"GITHUB_TOKEN": token}}
        made = job(folder, inputs=[], version=release.version, stage=stage)
        values = {"repository": "example/almanac", "url": github.url, **settings}
        target = GithubTarget.model_validate({"kind": "github", **values})
        return GithubRelease(target, made, report)

    return connect


def seen_by_readers(github, version, tag="v{version}"):
    """Return what anybody without a token gets, by the names that the release gave the files."""
    for release in github.published:
        if release["tag_name"] == tag.format(version=version):
            mine = [one for one in github.assets.values() if one["release"] == release["id"]]
            return {one["label"] or one["name"]: fetched(github, one) for one in mine}
    return {}


def fetched(github, one):
    url = github.shown_asset(one)["browser_download_url"]
    return get(url, follow_redirects=True).raise_for_status().content


def github_place(github, folder, **how):
    """Return the place in which the contract's checks publish."""

    def alter(version, name):
        for one in github.assets.values():
            if (one["label"] or one["name"]) == name:
                one["file"].write_bytes(b"altered")
                one["size"] = 7

    return Place(
        connecting(github, folder, **how),
        lambda version: seen_by_readers(github, version),
        folder / "given",
        alter,
    )
