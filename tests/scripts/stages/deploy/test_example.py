"""The example's own archive, deployed with the example's own settings, and really serving."""

import hashlib
import json
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from slipway.config import parse
from slipway.scripts.process_tree import DEPLOYED
from tests.support.machine import lease_ports
from tests.support.processes import alive

ROOT = Path(__file__).parents[4]
SITE = """
[project.almanac]
repository = "almanac"

[project.almanac.environments.staging]
url = "http://127.0.0.1:PORT/"
description = "Where a release is looked at before it goes on"
deployer.kind = "folder"
deployer.path = "deployed/staging"
deployer.restart = ["python3", "current/almanac/deploy/restart.py", "--port", "PORT"]
deployer.stop = ["python3", "current/almanac/deploy/restart.py", "--port", "PORT", "--stop"]

[[project.almanac.environments.staging.health]]
url = "http://127.0.0.1:PORT/health"
contains = '"status":"ok"'

[[project.almanac.environments.staging.health]]
url = "http://127.0.0.1:PORT/people"
contains = "Almanac"

[project.almanac.stages.freeze]
uses = "freeze"
script = "almanac/__main__.py"
packages = ["almanac"]
include-files = ["deploy/restart.py:deploy/restart.py"]
smoke = ["--version"]

[project.almanac.stages.databases]
uses = "databases"
metadata = "almanac.models:Base.metadata"
fixtures = ["seed/*"]
targets = ["sqlite"]

[project.almanac.stages.archive]
uses = "archive"
needs = ["freeze", "databases"]

[project.almanac.stages.publish]
uses = "publish"
needs = ["archive"]

[project.almanac.stages.staging]
uses = "deploy"
needs = ["publish"]
manual = true
environment = "staging"

[workers.local]
"""


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """Build the example as a developer would, up to its archive."""
    folder = tmp_path_factory.mktemp("example")
    unwanted = shutil.ignore_patterns(".venv", "__pycache__", "build", "dist", "*.egg-info")
    shutil.copytree(ROOT / "examples" / "almanac", folder / "almanac", ignore=unwanted)
    (folder / "pipeline.toml").write_text(SITE.replace("PORT", "8021"), "utf-8")
    argv = [sys.executable, "-m", "slipway.cli", "run", "archive", "--source", "almanac"]
    done = subprocess.run(
        argv,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    (made,) = folder.glob(".slipway/local/almanac/output/archive/*.tar.zst")
    return made


def get(url):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=5) as answer:
        return answer.read().decode()


def serving(place):
    return int((place / "data" / "lock").read_text())


@pytest.fixture
def site(tmp_path):
    port = lease_ports(1)[0]
    made = parse(SITE.replace("PORT", str(port)))
    place = tmp_path / "state" / "deployed" / "staging"
    yield made.project["almanac"].environments["staging"], f"http://127.0.0.1:{port}", place
    stop = ROOT / "examples" / "almanac" / "deploy" / "restart.py"
    if place.exists():
        argv = [sys.executable, stop, "--port", str(port), "--stop"]
        subprocess.run(argv, cwd=place, check=True)


@pytest.mark.slow
def test_the_example_is_deployed_and_serves(archive, site, make_job, make_release, tmp_path):
    environment, url, place = site
    release = make_release("1.4.0+1")
    release["inputs"] = [release["inputs"][0] | described(archive)]

    def deploy(number, **changes):
        version = {"version": f"1.4.0+{number}", "run": number}
        settings = environment.model_dump(by_alias=True, mode="json", exclude_unset=True) | changes
        job = make_job(release | version, settings["deployer"], settings["health"])
        file = tmp_path / "job.json"
        file.write_text(job.model_dump_json(by_alias=True, exclude_unset=True), "utf-8")
        argv = [sys.executable, "-m", "slipway.cli", "stage", "deploy", "--settings", str(file)]
        return subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False)

    first = deploy(1)
    assert first.returncode == 0, first.stdout + first.stderr
    assert "1.4.0+1 is deployed to deployed/staging and healthy after" in first.stdout
    # The stage has ended, and all it had started but this.
    assert json.loads(get(f"{url}/health"))["status"] == "ok"
    assert "Almanac" in get(f"{url}/people")
    old = serving(place)
    environ = Path(f"/proc/{old}/environ").read_bytes()
    assert f"{DEPLOYED}=app/staging".encode() in environ
    assert b"SLIPWAY_VERSION" not in environ

    assert deploy(2).returncode == 0
    second = serving(place)
    assert second != old
    assert not alive(old)
    assert "1.4.0+2-" in str(Path(f"/proc/{second}/exe").readlink())

    bad = [{"url": f"{url}/health", "contains": "no such text", "patience": 1}]
    third = deploy(3, health=bad)
    assert third.returncode == 1
    assert "1.4.0+2 was put back" in third.stdout
    assert "1.4.0+2-" in str(Path(f"/proc/{serving(place)}/exe").readlink())
    assert json.loads(get(f"{url}/health"))["status"] == "ok"


def described(archive):
    data = archive.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    return {"name": archive.name, "path": str(archive), "sha256": digest, "size": len(data)}
