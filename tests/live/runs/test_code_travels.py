"""A worker of another version runs the master's code: for real, with environments made by uv."""

from __future__ import annotations

import json
import re
import signal
import socket

import psutil
import pytest

from tests.plugins.conftest import Installed
from tests.support.far import expect_far, far_worker
from tests.support.older import OLD, installed, older_wheel
from tests.support.site import command

pytestmark = [pytest.mark.live, pytest.mark.slow]

#: A program that tells which `slipway` it finds first on PATH: that of the code that started it.
TELL = "import shutil; print('found', shutil.which('slipway'))"
LINT = '[project.demo.stages.lint]\nuses = "lint"\nruns-on = ["far"]\n'


@pytest.fixture(scope="module")
def old_python(tmp_path_factory):
    folder = tmp_path_factory.mktemp("old")
    return installed(folder / "venv", older_wheel(folder))


@pytest.fixture
def far_site(site):
    """A site with two stages at once that the far worker alone may run."""
    site.write("".join(command(name, TELL, runs_on='["far"]') for name in ("one", "two")))
    expect_far(site)
    return site


def log_of(site, number, stage):
    done = site.run_slipway("logs", str(number), stage)
    assert done.returncode == 0, done.stderr
    return done.stdout


def environments(folder):
    return sorted(one.name for one in (folder / "code").glob("*-*"))


def master_log(site):
    return (site.state / "master" / "twistd.log").read_text()


def test_a_worker_of_another_version_works_and_says_so_once(far_site, old_python, tmp_path):
    site = far_site
    # A plugin that the worker does not have travels, too.
    plugin = Installed(tmp_path / "plugin")
    plugin.folder.mkdir()
    plugin.lint()
    site.env["PYTHONPATH"] = str(plugin.folder)
    file = site.folder / "pipeline.toml"
    file.write_text(file.read_text().replace("[workers.local]", f"{LINT}[workers.local]"))
    site.up()
    with far_worker(site, python=old_python) as folder:
        assert site.wait_for_run(1)["state"] == "passed", site.said()
        # Three stages came at once, and one environment was made.
        (made,) = environments(folder)
        ready = folder / "code" / made / "ready.json"
        assert json.loads(ready.read_text())["key"].startswith(made[:10])
        logs = [log_of(site, 1, stage) for stage in ("one", "two", "lint")]
        said = re.compile(f"the worker far was set up with other code .*Slipway {OLD} there")
        assert sum(len(said.findall(log)) for log in logs) == 1
        assert len(said.findall(master_log(site))) == 1
        program = str(folder / "code" / made / "env" / "bin")
        assert all(f"found {program}" in log for log in logs[:2]), logs
        assert "nothing to say" in logs[2]
        assert not list((folder / "code").glob("coming*"))

        # Later stages find it, and get nothing.
        before = ready.stat()
        sent = master_log(site).count("gets the code of Slipway")
        number = site.start_run("two", "passed")
        assert site.wait_for_run(number)["state"] == "passed"
        assert environments(folder) == [made]
        assert ready.stat().st_ino == before.st_ino
        assert master_log(site).count("gets the code of Slipway") == sent
        assert len(said.findall(master_log(site))) == 1


def test_a_worker_of_the_same_code_gets_nothing(far_site):
    site = far_site
    site.up()
    with far_worker(site) as folder:
        assert site.wait_for_run(1)["state"] == "passed", site.said()
        assert not (folder / "code").exists()
    assert "gets the code" not in master_log(site)
    assert "other code" not in log_of(site, 1, "one") + log_of(site, 1, "two")


def test_a_worker_without_an_index_says_so(far_site, old_python, tmp_path):
    site = far_site
    site.up()
    env = {
        "UV_DEFAULT_INDEX": "http://127.0.0.1:9/simple",
        "UV_CACHE_DIR": str(tmp_path / "cache"),
        "UV_HTTP_RETRIES": "0",
    }
    with far_worker(site, python=old_python, env=env) as folder:
        run = site.wait_for_run(1)
        assert run["state"] == "failed"
        told = run["stages"]["one"]["summary"]
        assert told.startswith("the worker far could not install the master's code (Slipway ")
        assert "the package index cannot be reached" in told
        assert run["stages"]["one"]["exit_code"] == 3
        assert not list((folder / "code").glob("*/ready.json"))


def test_a_worker_that_dies_while_it_installs_does_so_again(far_site, old_python, tmp_path):
    site = far_site
    site.up()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(120)
        env = {
            "UV_DEFAULT_INDEX": f"http://127.0.0.1:{silent.getsockname()[1]}/simple",
            "UV_CACHE_DIR": str(tmp_path / "cache"),
        }
        with far_worker(site, python=old_python, env=env) as folder:
            asked, _ = silent.accept()
            with asked:
                tac = str(folder / "buildbot.tac")
                [worker] = [one for one in site.processes() if tac in one.cmdline()]
                worker.send_signal(signal.SIGKILL)
                psutil.wait_procs([worker], 30)
    half = environments(folder)
    assert half
    with far_worker(site, python=old_python):
        assert site.wait_for_run(1)["state"] == "passed", site.said()
    (made,) = environments(folder)
    assert made not in half
