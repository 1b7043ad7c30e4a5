"""The master makes a release; a worker brings it to targets, and the ledger knows what is there."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from slipway.scripts.releases.verify import verify
from tests.live.conftest import LiveSite
from tests.support.http import get
from tests.support.machine import wait_for
from tests.support.site import command

pytestmark = [pytest.mark.live, pytest.mark.slow]

API = "plugins/slipway/api/"
WRITE = "import pathlib; pathlib.Path('app.txt').write_text(pathlib.Path('notes.txt').read_text())"
PUBLISH = """[project.demo.stages.publish]
uses = "publish"
needs = ["make"]
targets = [
  { kind = "folder", name = "www", path = "www" },
  { kind = "folder", name = "mirror", path = %s },
]
"""


def stages(mirror: Path) -> str:
    made = command("make", WRITE, artefacts='["app.txt"]')
    return made + PUBLISH % json.dumps(str(mirror))


def release(site: LiveSite, run: int = 1) -> dict[str, Any]:
    found: dict[str, Any] = get(f"{site.url}{API}runs/demo/{run}").json()
    (only,) = found["releases"]
    return dict(only)


def states(site: LiveSite) -> dict[str, tuple[str, int]]:
    return {one["target"]: (one["state"], one["public"]) for one in release(site)["publications"]}


def test_a_target_that_failed_gets_what_it_lacks_when_the_stage_is_run_again(
    site: LiveSite,
) -> None:
    mirror = site.folder / "mirror"
    # What no check before can see: the copy is there, and cannot be shown.
    (mirror / "demo" / ".lock").mkdir(parents=True)
    site.write(stages(mirror))
    site.up()
    assert site.wait_for_run(1)["state"] == "failed"
    made = release(site)
    place = Path(made["place"])
    assert place == site.state / "releases" / "demo" / made["version"]
    assert verify(place) == []
    assert place.stat().st_uid == site.state.stat().st_uid
    # The file, its provenance, a page, keys; checksums and manifest, each with a signature.
    assert len(list(place.iterdir())) == 8
    assert states(site) == {"www": ("public", 8), "mirror": ("failed", 0)}
    (failed,) = [one for one in made["publications"] if one["target"] == "mirror"]
    assert "mirror" in failed["error"]
    (mirror / "demo" / ".lock").rmdir()
    with site.client(admin=True) as client:
        again = client.post(f"{API}runs/demo/1/stages/publish/rerun", json={"reason": "mended"})
        assert again.status_code in {200, 201}, again.text
    assert site.wait_for_run(1, "passed")["state"] == "passed"
    assert states(site) == {"www": ("public", 8), "mirror": ("public", 8)}
    for folder in (site.state / "www", mirror):
        there = folder / "demo" / made["version"]
        assert verify(there) == []
        assert (there / "release.json").read_bytes() == (place / "release.json").read_bytes()
        # The mirror is not below the state folder, so the site is named.
        config = str(site.folder / "pipeline.toml")
        said = site.run_slipway("verify", str(there), "--config", config).stdout
        assert f"known from {site.state / 'keys' / 'keys.json'}" in said
        assert f"built by {site.url} from git+file://" in said
        assert "branch main" in said
    assert site.run_slipway("verify", str(place.parent)).returncode == 0
    trail = json.loads(site.run_slipway("audit", "--json").stdout)
    own = [one for one in trail if one["entity"] in {"release", "publication"}]
    assert [one["action"] for one in own if one["entity"] == "release"] == ["insert"]
    ends = [one["new"]["state"] for one in own if one["entity"] == "publication"]
    assert sorted(ends) == sorted([*["running"] * 4, *["public"] * 3, "failed"])


def test_a_worker_that_dies_amid_a_delivery_goes_on_where_it_was(site: LiveSite) -> None:
    program = site.folder / "bring.py"
    example = Path(__file__).parents[3] / "examples" / "publish-program" / "to_folder.py"
    shutil.copy(example, program)
    mirror = site.folder / "mirror"
    site.write(stages(mirror))
    site.up()
    assert site.wait_for_run(1)["state"] == "passed"
    first = release(site)
    # A second run whose worker is ended while it publishes: it is given to the worker again.
    (site.repository / "notes.txt").write_text("x" * 60_000_000)
    site.git("add", "--all")
    site.git("commit", "--quiet", "-m", "More")
    assert site.run_slipway("trigger", "--no-wait").returncode == 0

    def begun() -> bool:
        return any(site.folder.glob("mirror/demo/.*.part")) or any(
            (site.state / "www" / "demo").glob(".*.part")
        )

    wait_for(begun, site.said)
    site.worker().kill()
    assert site.wait_for_run(2, "passed", "failed")["state"] == "passed"
    second = release(site, 2)
    assert {one["state"] for one in second["publications"]} == {"public"}
    for folder in (site.state / "www", mirror):
        assert sorted(path.name for path in (folder / "demo").glob("[0-9]*")) == sorted(
            [first["version"], second["version"]]
        )
        assert verify(folder / "demo" / second["version"]) == []
        assert not list((folder / "demo").glob(".*.part"))


def test_a_target_lets_old_releases_go_that_nobody_needs(site: LiveSite) -> None:
    mirror = site.folder / "mirror"
    keep = 'path = "www", keep = { latest = 1 }'
    site.write(stages(mirror).replace('path = "www"', keep))
    site.up()
    assert site.wait_for_run(1)["state"] == "passed"
    first = release(site)["version"]
    (site.repository / "notes.txt").write_text("more")
    site.git("add", "--all")
    site.git("commit", "--quiet", "-m", "More")
    assert site.run_slipway("trigger", "--no-wait").returncode == 0
    assert site.wait_for_run(2, "passed", "failed")["state"] == "passed"
    second = release(site, 2)["version"]

    def there(folder: Path) -> list[str]:
        return sorted(path.name for path in (folder / "demo").glob("[0-9]*"))

    assert there(site.state / "www") == [second]
    assert there(mirror) == sorted([first, second])
    said = site.run_slipway("logs", "2", "publish").stdout
    assert f"{first} was removed from www, as its keep says" in said


def test_targets_that_refuse_are_told_before_anything_is_done(site: LiveSite) -> None:
    mirror = site.folder / "mirror"
    mirror.write_text("no folder is here")
    site.write(stages(mirror))
    site.up()
    run = site.wait_for_run(1)
    assert run["state"] == "failed"
    assert list(run["stages"]) == ["publish-check"]
    assert run["stages"]["publish-check"]["summary"].startswith("mirror: ")
    mirror.unlink()
    with site.client(admin=True) as client:
        again = client.post(f"{API}runs/demo/1/stages/publish-check/rerun", json={"reason": ""})
        assert again.status_code in {200, 201}, again.text
    run = site.wait_for_run(1, "passed")
    assert list(run["stages"]) == ["publish-check", "make", "publish"]


DEPLOY = """[project.demo.stages.staging]
uses = "deploy"
needs = ["publish"]
environment = "staging"
[project.demo.environments.staging]
deployer = { kind = "command", argv = ["true"] }
"""


def test_where_nothing_has_changed_nothing_is_released(site: LiveSite) -> None:
    made = command("make", "open('app.txt', 'w').write('made')", artefacts='["app.txt"]')
    publish = '[project.demo.stages.publish]\nuses = "publish"\nneeds = ["make"]\n'
    site.write(made + publish + DEPLOY)
    site.up()
    assert site.wait_for_run(1)["state"] == "passed"
    first = release(site)
    # Another commit, which changes nothing of what is released.
    site.commit("A word in the notes")
    assert site.run_slipway("trigger", "--no-wait").returncode == 0
    run = site.wait_for_run(2)
    assert (run["state"], run["releases"]) == ("passed", [])
    stage = run["stages"]["publish"]
    told = f"nothing to release: {first['version']}, of run 1, has the same file"
    assert (stage["state"], stage["summary"]) == ("unchanged", told)
    found = get(f"{site.url}{API}runs/demo/2").json()
    (deployment,) = found["deployments"]
    assert (deployment["version"], deployment["state"]) == (first["version"], "deployed")
    assert len(get(f"{site.url}{API}releases").json()["items"]) == 1


HOSTILE = """import json, os, sys
request = json.loads(sys.stdin.buffer.readline())
print("the token is", os.environ["SHOP_TOKEN"], file=sys.stderr)
if request["verb"] == "look":
    json.dump({"files": {}}, sys.stdout)
if request["verb"] == "stage":
    sys.exit("the shop refuses " + os.environ["SHOP_TOKEN"])
"""


def test_a_secret_of_a_target_is_nowhere_to_be_read(site: LiveSite) -> None:
    secret = "correct-horse-battery-staple"
    (site.folder / "token").write_text(secret)
    (site.folder / "token").chmod(0o600)
    shop = site.folder / "shop.py"
    shop.write_text(HOSTILE)
    target = f'{{ kind = "command", argv = ["python3", "{shop}"], secrets = ["SHOP_TOKEN"] }}'
    made = command("make", WRITE, artefacts='["app.txt"]', runs_on='["others"]')
    site.write(
        made
        + '[project.demo.stages.publish]\nuses = "publish"\nneeds = ["make"]\n'
        + f'targets = [{target}]\nruns-on = ["linux"]\n'
        + '[project.demo.stages.publish.secrets]\nSHOP_TOKEN = { file = "token" }\n'
    )
    text = (site.folder / "pipeline.toml").read_text()
    others = '[workers.others]\nlabels = ["others"]\nisolated = false\n'
    (site.folder / "pipeline.toml").write_text(text + others)
    site.up()
    run = site.wait_for_run(1)
    assert run["state"] == "failed", run
    assert "the shop refuses" in run["stages"]["publish"]["summary"]
    (one,) = release(site)["publications"]
    assert (one["state"], "the shop refuses" in one["error"]) == ("failed", True)
    for page in ("runs/demo/1", "releases", "runs/demo/1/stages/publish/log"):
        assert secret not in get(f"{site.url}{API}{page}").text
    assert secret not in site.run_slipway("audit", "--json").stdout
    kept = [path for path in site.state.rglob("*") if path.is_file() and path.name != "token"]
    assert [path for path in kept if secret.encode() in path.read_bytes()] == []
