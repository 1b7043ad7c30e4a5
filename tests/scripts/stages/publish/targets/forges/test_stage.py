"""A publish stage with forges among its targets, as a worker does it."""

import builtins
import sys

import pytest

from slipway.model.errors import MissingTool, StageFailed
from slipway.model.kinds.release_target import TARGETS
from slipway.scripts.stages.publish import run as publish
from tests.scripts.stages.publish.test_run import Recorder, given, job
from tests.support.dav_servers import certificate
from tests.support.distributions import wheel
from tests.support.forges import github, gitlab, pypi

WHEEL = "almanac-1.4.0-py3-none-any.whl"


@pytest.fixture
def index(tmp_path):
    with pypi.PyPI(tmp_path / "pypi").running() as server:
        yield server


@pytest.fixture
def made(tmp_path, github, gitlab, index):
    return publishing(tmp_path, github, gitlab, index)


def publishing(tmp_path, github, gitlab, index, **more):
    targets = [
        {"kind": "github", "repository": "example/almanac", "url": github.url, **more},
        {"kind": "gitlab", "project": "example/almanac", "url": gitlab.url, **more},
        {"kind": "pypi", "url": index.url, "index": index.index, **more},
    ]
    return job(
        tmp_path,
        inputs=[given(tmp_path / "in", WHEEL, wheel()), given(tmp_path / "in", "a.zip", b"zip")],
        stage={"uses": "publish", "needs": ["archive"], "targets": targets, "env": secrets()},
    )


def secrets():
    return {
        "GITHUB_TOKEN": github.TOKEN,
        "GITLAB_TOKEN": gitlab.TOKENS["PRIVATE-TOKEN"],
        "PYPI_TOKEN": pypi.TOKEN,
    }


def test_all_three_get_it_side_by_side(made, github, gitlab, index):
    publish.run(made, Recorder())
    assert len(github.published) == 1
    assert set(gitlab.linked("v1.4.0+7")) == set(github.files(github.published[0]))
    assert set(index.files) == {WHEEL}


def test_what_is_public_is_read_back_by_the_authority_that_is_named(tmp_path):
    tls = certificate(tmp_path)
    with (
        github.GitHub(tmp_path / "github", tls=tls).running() as hub,
        gitlab.GitLab(tmp_path / "gitlab", tls=tls).running() as lab,
        pypi.PyPI(tmp_path / "pypi", tls=tls).running() as index,
    ):
        publish.run(publishing(tmp_path, hub, lab, index, authorities=str(tls[0])), Recorder())
        assert hub.count("GET", "/releases/download/") > 0
        assert set(lab.linked("v1.4.0+7")) == set(hub.files(hub.published[0]))


def test_one_that_refuses_keeps_all_from_being_written(made, github, gitlab, index):
    gitlab.level = 20
    with pytest.raises(StageFailed, match="the token's owner may not release there"):
        publish.run(made, Recorder())
    assert (github.releases, gitlab.files, index.files) == ({}, [], {})


def test_what_is_not_installed_is_told(monkeypatch):
    def without(name, *arguments):
        if name.partition(".")[0] == "httpx":
            msg = "No module named 'httpx'"
            raise ModuleNotFoundError(msg, name="httpx")
        return real(name, *arguments)

    real = builtins.__import__
    for name in [one for one in sys.modules if ".publish.targets." in one or one == "httpx"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(builtins, "__import__", without)
    for kind in ("github", "gitlab", "pypi"):
        with pytest.raises(MissingTool, match="needs httpx, which is not here: uv pip install"):
            TARGETS.members[kind].load_runner()
