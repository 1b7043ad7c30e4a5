"""The plan: repositories, secrets, and errors in the words of `slipway check`."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from buildbot.config.errors import ConfigErrors

from slipway.master.buildbot_config.master_config import Plan, repository_of
from slipway.model.site import Project

ROOT = Path(__file__).parents[3]
STAGES = {"tests": {"uses": "tests"}}
SITE = """\
[project.almanac]
repository = "code"
[project.almanac.stages.tests]
uses = "tests"
[workers.win1]
password = { file = "secret" }
"""


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/almanac.git",
        "ssh://git@example.org/almanac.git",
        "file:///srv/almanac",
        "git@example.org:group/almanac.git",
        "example.org:almanac",
    ],
)
def test_a_url_stays_as_it_is(tmp_path, url):
    assert repository_of(Project(repository=url, stages=STAGES), tmp_path) == url


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("almanac", "{base}/almanac"),
        ("../almanac", "{up}/almanac"),
        ("./a:b", "{base}/a:b"),
        ("folder/a:b", "{base}/folder/a:b"),
        ("/srv/almanac.git", "/srv/almanac.git"),
        ("~/almanac", "{home}/almanac"),
    ],
)
def test_a_path_becomes_absolute(tmp_path, monkeypatch, written, meant):
    monkeypatch.setenv("HOME", "/home/ann")
    found = repository_of(Project(repository=written, stages=STAGES), tmp_path)
    assert found == meant.format(base=tmp_path, up=tmp_path.parent, home="/home/ann")


def plan(folder, text=SITE):
    (folder / "pipeline.toml").write_text(text, "utf-8")
    return Plan.read(folder / "pipeline.toml")


def test_a_worker_gets_the_password_from_where_it_is(tmp_path):
    (tmp_path / "secret").write_text("hush\nrest\n")
    (tmp_path / "secret").chmod(0o600)
    (worker,) = plan(tmp_path).workers()
    assert worker.password == "hush"


@pytest.mark.parametrize(
    ("mode", "text", "told"),
    [(0o644, "hush\n", "others may read"), (0o600, "\n", "is empty"), (None, "", "cannot be read")],
)
def test_a_bad_secret_file_is_told(tmp_path, mode, text, told):
    if mode is not None:
        (tmp_path / "secret").write_text(text)
        (tmp_path / "secret").chmod(mode)
    with pytest.raises(ConfigErrors) as caught:
        plan(tmp_path).workers()
    (sentence,) = caught.value.errors
    assert sentence.startswith("workers.win1.password: ")
    assert told in sentence
    assert "hush" not in sentence


def test_a_secret_that_is_not_exported_is_told(tmp_path, monkeypatch):
    monkeypatch.delenv("WIN1", raising=False)
    made = plan(tmp_path, SITE.replace('file = "secret"', 'env = "WIN1"'))
    with pytest.raises(ConfigErrors, match="environment variable WIN1 is not set; export it"):
        made.workers()
    monkeypatch.setenv("WIN1", "hush")
    assert made.workers()[0].password == "hush"


def test_a_local_worker_has_a_password_nobody_can_guess(tmp_path, monkeypatch):
    monkeypatch.delenv("SLIPWAY_STATE", raising=False)
    made = plan(tmp_path, SITE.replace('password = { file = "secret" }', ""))
    first, second = made.workers()[0].password, made.workers()[0].password
    assert len(first) >= 32
    assert first != second
    assert not (tmp_path / ".slipway").exists()
    kept = tmp_path / ".slipway" / "worker-win1-password"
    kept.parent.mkdir()
    kept.write_text("made\n")
    assert made.workers()[0].password == "made"


@pytest.mark.parametrize(
    ("database", "url"),
    [
        ("sqlite:///state.sqlite", "sqlite:///{state}/state.sqlite"),
        ("sqlite:////var/x.sqlite", "sqlite:////var/x.sqlite"),
        ("postgresql://u@h/d", "postgresql+psycopg://u@h/d"),
        ("postgresql+psycopg://u@h/d", "postgresql+psycopg://u@h/d"),
    ],
)
def test_the_database(tmp_path, monkeypatch, database, url):
    monkeypatch.setenv("SLIPWAY_STATE", str(tmp_path / "elsewhere"))
    made = plan(tmp_path, f'[site]\ndatabase = "{database}"\n{SITE}')
    assert made.database["db_url"] == url.format(state=tmp_path / "elsewhere")


def run(folder, *words):
    return subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_checkconfig_tells_what_slipway_check_tells(tmp_path):
    shutil.copy(ROOT / "master.cfg", tmp_path)
    text = (ROOT / "pipeline.toml").read_text("utf-8")
    bad = text.replace("title =", "titel =").replace('["archive", ', '["archiv", ')
    (tmp_path / "pipeline.toml").write_text(bad, "utf-8")
    buildbot = "from buildbot.scripts.runner import run; run()"
    theirs = run(tmp_path, "-c", buildbot, "checkconfig", "master.cfg")
    ours = run(tmp_path, "-m", "slipway.cli", "check")
    assert (theirs.returncode, ours.returncode) == (1, 2)
    told = [line for line in ours.stderr.splitlines() if line.strip()]
    assert len(told) == 2
    said = (theirs.stdout + theirs.stderr).splitlines()
    assert [line.strip() for line in said if "pipeline.toml:" in line] == told
    assert "Traceback" not in theirs.stdout + theirs.stderr


@pytest.mark.parametrize("schedule", ["15m", "0 */12 * * *"])
def test_buildbot_takes_each_schedule(tmp_path, schedule):
    text = SITE.replace('repository = "code"\n', f'repository = "code"\npoll = "{schedule}"\n')
    (poller,) = plan(tmp_path, text).pollers()
    assert poller.name == "almanac-poller"


def test_another_file_of_the_site_may_be_named(tmp_path, monkeypatch):
    other = tmp_path / "other.toml"
    other.write_text("[site]\ntitle = 'Other'\n" + SITE, "utf-8")
    monkeypatch.setenv("SLIPWAY_CONFIG", str(other))
    assert plan(tmp_path).title == "Other"
