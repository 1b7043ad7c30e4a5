"""A stage that puts links in place of all it may write: whoever is root follows none of them."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from slipway.ledger import retention
from slipway.model.errors import WrongInput
from slipway.scripts.releases import manifest
from slipway.scripts.stages.publish import index as release_index
from tests.attack.worker.test_isolation import isolation, placed
from tests.live.conftest import LiveSite
from tests.support.site import command

__all__ = ["placed"]
LINKING = Path(__file__).with_name("linking.py")
live = pytest.mark.live
linux = pytest.mark.skipif(sys.platform != "linux", reason="workers are isolated on Linux alone")


def kept(site: LiveSite) -> dict[str, tuple[int, int, str]]:
    """Return what the master's own files are."""
    files = [site.state / name for name in ("admin-password", "session-key")]
    files += [site.state, site.state / "people", *(site.state / "people").iterdir()]
    found = {}
    for file in files:
        facts = file.lstat()
        data = file.read_bytes() if file.is_file() else b""
        found[file.name] = (facts.st_mode, facts.st_uid, hashlib.sha256(data).hexdigest())
    return found


def trigger(site: LiveSite) -> None:
    done = site.run_slipway("trigger", "--no-wait")
    assert done.returncode == 0, done.stderr


@live
@linux
def test_links_in_place_of_all_a_worker_may_write(placed: LiveSite) -> None:
    site = placed
    spoil = '[project.demo.stages.spoil]\nuses = "command"\nneeds = ["publish"]\nargv = '
    spoil += json.dumps([sys.executable, "linking.py", str(site.state), "local"])
    site.repository.joinpath("linking.py").write_text(LINKING.read_text())
    site.commit("Something harmless")
    site.write(
        command("make", "open('out.txt', 'w').write('made')", artefacts='["out.txt"]')
        + '[project.demo.stages.publish]\nuses = "publish"\nneeds = ["make"]\n'
        + 'if-unchanged = "release"\n'
        + spoil
        + '\n[project.demo.keep]\nruns = 1\nage = "1s"\nreleases = 1\n'
        + '[people.ann]\nroles = ["developer"]\nmade-password = true\n'
    )
    site.up()
    assert site.wait_for_run(1)["state"] == "passed"
    way = isolation(site)["local"]
    assert way != "none"
    # The stage may not; what somebody else puts there is not believed either.
    assert not list((site.state / "releases" / "demo").glob("four"))
    words = [sys.executable, str(LINKING), str(site.state), "local", "releases"]
    subprocess.run(words, check=True)
    before = kept(site)
    # Whatever becomes of what the worker has spoiled for itself: it ends, and touches nothing else.
    trigger(site)
    site.wait_for_run(2)
    for words in (["prune"], ["backup", "kept", "--all"]):
        done = site.run_slipway(*words)
        assert "Traceback" not in done.stdout + done.stderr, done.stderr
        assert kept(site) == before
    assert site.down(signal.SIGTERM) in {0, 130}
    site.up()
    assert isolation(site)["local"] == way
    trigger(site)
    run = site.wait_for_run(3)
    assert run["stages"]["make"]["state"] == "passed", run
    assert kept(site) == before


# ---- what reads and removes releases


def test_a_release_that_is_a_pipe_or_a_device_is_not_waited_for(tmp_path: Path) -> None:
    for name, make in {
        "pipe": os.mkfifo,
        "zero": lambda path: path.symlink_to("/dev/zero"),
        "deep": lambda path: path.write_text("[" * 100_000),
    }.items():
        (tmp_path / name).mkdir()
        make(tmp_path / name / "release.json")
        with pytest.raises(WrongInput, match=r"cannot be read|no manifest|no such file"):
            manifest.read(tmp_path / name / "release.json")
    assert release_index.releases(tmp_path) == []


def test_a_link_in_place_of_a_release_is_removed_and_what_it_names_stays(tmp_path: Path) -> None:
    project, precious = tmp_path / "demo", tmp_path / "precious"
    for folder in (project, precious):
        folder.mkdir()
    (precious / "file").write_text("x" * 100)
    (project / "1.0").symlink_to(precious)
    assert retention.freed_by(project / "1.0") == 0
    release_index.forget(project, "1.0")
    assert list(project.glob("1.0*")) == []
    assert (precious / "file").exists()


def test_a_lock_that_is_a_link_leads_nowhere(tmp_path: Path) -> None:
    project = tmp_path / "demo"
    (project / "1.0").mkdir(parents=True)
    (tmp_path / "precious").write_text("precious")
    (project / ".lock").symlink_to(tmp_path / "precious")
    with pytest.raises(OSError):  # noqa: PT011  the system's own words
        release_index.forget(project, "1.0")
    assert (tmp_path / "precious").read_text() == "precious"


@pytest.mark.slow
def test_a_release_too_deep_for_recursion_is_removed(tmp_path: Path) -> None:
    project = tmp_path / "demo"
    deep = project / "1.0"
    deep.mkdir(parents=True)
    handle = os.open(deep, os.O_RDONLY)
    for _ in range(2000):
        os.mkdir("d", dir_fd=handle)
        inner = os.open("d", os.O_RDONLY, dir_fd=handle)
        os.close(handle)
        handle = inner
    os.close(handle)
    assert retention.freed_by(deep) == 0
    release_index.forget(project, "1.0")
    assert list(project.glob("*1.0*")) == []
