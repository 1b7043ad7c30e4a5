"""Keys are not given to a worker that cannot keep them from other stages."""

import pytest

from slipway.cli.preflight import isolation as checks
from slipway.cli.preflight.findings import Outlook
from slipway.config import ConfigProblems, parse
from slipway.master.secret_readers import check_kept_apart
from slipway.model.errors import MissingTool
from slipway.state_folder import Home
from slipway.workers.isolation.methods import ON_PURPOSE, VARIABLE, Isolation, as_text
from slipway.workers.isolation.needs import Needs

SITE = """[project.shelf]
repository = "x"
[project.shelf.stages.freeze]
uses = "freeze"
[project.shelf.stages.sign]
uses = "sign"
needs = ["freeze"]
[project.shelf.stages.sign.secrets]
SIGNING_CERTIFICATE = { env = "CHAIN" }
SIGNING_KEY = { env = "KEY" }
[workers.local]
"""


def told(tmp_path, way, why=""):
    needs = Needs(state=tmp_path, folder=tmp_path, reads=(), mirrors=(), hides=())
    return Isolation("local", needs, way, why)


@pytest.mark.parametrize(("way", "why"), [("user", ""), ("namespaces", ""), ("none", ON_PURPOSE)])
def test_a_worker_that_may_have_them(tmp_path, monkeypatch, way, why):
    monkeypatch.setenv(VARIABLE, as_text([told(tmp_path, way, why)]))
    check_kept_apart("local")
    check_kept_apart("elsewhere")


def test_a_worker_that_could_not_be_kept_apart(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, as_text([told(tmp_path, "none", "bubblewrap is not there")]))
    with pytest.raises(MissingTool, match="bubblewrap is not there; so programs of commits could"):
        check_kept_apart("local")


@pytest.mark.parametrize("way", ["user", "none"])
def test_check_tells_it_before(tmp_path, monkeypatch, way):
    site = parse(SITE)
    monkeypatch.setattr(checks, "report", lambda *given: [told(tmp_path, way)])
    found = list(checks.isolation(Outlook(site, tmp_path, Home(tmp_path))))
    errors = [".".join(map(str, one.path)) for one in found if one.error]
    assert errors == (["project.shelf.stages.sign.runs-on"] if way == "none" else [])


def test_a_file_that_puts_both_on_one_worker_is_refused():
    with pytest.raises(ConfigProblems) as raised:
        parse(f'{SITE}password = {{ env = "PASSWORD" }}\n')
    assert str(raised.value).startswith(
        'pipeline.toml:5: project.shelf.stages.sign.runs-on: the worker "local" may be given it'
    )
