"""An error in pipeline.toml: what runs goes on, and can be looked at and steered."""

import stat

import pytest

from tests.live.conftest import LiveSite
from tests.support.http import get
from tests.support.site import command

pytestmark = pytest.mark.live

STAGES = command("tests", "print(1)") + command("gate", "print(2)", "tests", manual="true")


@pytest.fixture(scope="module")
def standing(shared_site: LiveSite):
    shared_site.write(STAGES)
    shared_site.up()
    shared_site.wait_for_run(1, "waiting")
    return shared_site


@pytest.fixture
def running(standing: LiveSite):
    """A site that runs, whose file somebody is amid changing."""
    (standing.folder / "pipeline.toml").write_text("[project.demo\nrepository = ")
    yield standing
    standing.write(STAGES)


def test_commands_go_on(running: LiveSite):
    told = "warning: pipeline.toml:1: not TOML: "
    for words in (
        ("runs",),
        ("poll",),
        ("releases",),
        ("environments",),
        ("audit",),
        ("gate", "list"),
        ("gate", "show", "1"),
        ("trigger", "--reason", "to try it"),
        ("token", "list"),
    ):
        done = running.run_slipway(*words)
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        assert done.stderr.startswith(told), words
        assert done.stderr.splitlines()[0].endswith("; read as the master has it"), words
    running.wait_for_run(2, "waiting")
    unknown = running.run_slipway("runs", "--project", "demmo")
    assert (unknown.returncode, "demmo" in unknown.stderr) == (2, True)


def test_what_needs_the_file_says_what_is_wrong(running: LiveSite):
    for words in (("check",), ("up",), ("run",)):
        done = running.run_slipway(*words)
        assert done.returncode == 2, words
        assert done.stderr.startswith("pipeline.toml:1: not TOML: "), words
    assert get(running.url).status_code == 200


def test_the_copy_is_its_owners_and_follows_the_file(standing: LiveSite):
    site = standing
    kept = site.state / "pipeline.toml"
    assert kept.read_text() == (site.folder / "pipeline.toml").read_text()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    site.down()
    site.write(STAGES + command("more", "print(3)"))
    site.up()
    assert kept.read_text() == (site.folder / "pipeline.toml").read_text()
