"""Into a folder of this machine: unpacked beside, switched by one rename, put back when bad."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from slipway.scripts.stages.deploy import releases_folder
from slipway.scripts.stages.deploy.remote_session import here

pytestmark = pytest.mark.slow


FOLDER = {"kind": "folder", "path": "place"}
QUICK = {"patience": 1, "interval": 1}


def runs(place):
    return (place / "current" / "version").read_text("utf-8")


def lies(place):
    return sorted(path.name.rpartition("-")[0] for path in (place / "releases").iterdir())


def is_version(place, version):
    return {"argv": ["grep", "-qxF", version, str(place / "current" / "version")], **QUICK}


def test_the_first_deployment_makes_the_folder(deploy, make_release, place, tmp_path):
    release = make_release("1.0+1")
    done = deploy(release, FOLDER, [is_version(place, "1.0+1")])
    assert (done.code, done.error) == (0, "")
    assert runs(place) == "1.0+1"
    name = f"1.0+1-{release['inputs'][0]['sha256'][:12]}"
    assert str((place / "current").readlink()) == f"releases/{name}"
    assert os.access(place / "current" / "bin" / "app", os.X_OK)
    assert not os.access(place / "current" / "version", os.X_OK)
    facts = done.facts
    assert facts["outcome"] == "deployed"
    assert (facts["environment"], facts["version"], facts["previous"]) == ("staging", "1.0+1", None)
    assert facts["health"][0]["tries"] == 1
    assert not Path(tmp_path, "output", "release").exists()


def test_the_next_one_is_beside_it(deploy, make_release, place):
    deploy(make_release("1.0+1"), FOLDER)
    done = deploy(make_release("1.0+2"), FOLDER)
    assert done.facts["previous"] == "1.0+1"
    assert runs(place) == "1.0+2"
    assert lies(place) == ["1.0+1", "1.0+2"]


def test_the_same_again_is_not_unpacked_again(deploy, make_release, place):
    release = make_release("1.0+1")
    deploy(release, FOLDER)
    before = (place / "current" / "version").stat().st_ino
    done = deploy(release, FOLDER)
    assert done.code == 0
    assert (place / "current" / "version").stat().st_ino == before
    assert any("lies there already" in text for text in done.progress)


def test_a_release_that_was_altered_there_is_not_taken_for_the_tested_one(
    deploy, make_release, place
):
    one, two = make_release("1.0+1"), make_release("1.0+2")
    deploy(one, FOLDER)
    (place / "current" / "version").write_text("evil")
    assert deploy(one, FOLDER).code == 0
    assert runs(place) == "1.0+1"
    assert str((place / "current").readlink()).endswith(".2")
    deploy(two, FOLDER)
    shutil.rmtree((place / "current").resolve())
    assert deploy(two, FOLDER).code == 0
    assert runs(place) == "1.0+2"


def test_restart_runs_in_the_folder_and_is_told(deploy, make_release, place):
    show = "import json, os; print(json.dumps([os.getcwd(), dict(os.environ)]))"
    deployer = FOLDER | {"restart": [sys.executable, "-c", show]}
    deploy(make_release("1.0+1"), deployer)
    done = deploy(
        make_release("1.0+2"),
        deployer,
        parameters={"reason": "why; not $(touch x)", "n-n": 3, "on": True, "many": ["a", "b"]},
        secrets={"key": "abc"},
        stage={"env": {"MINE": "1"}},
    )
    cwd, seen = json.loads(done.report.lines[-1])
    assert cwd == str(place)
    expected = {
        "SLIPWAY_PARAM_REASON": "why; not $(touch x)",
        "SLIPWAY_PARAM_N_N": "3",
        "SLIPWAY_PARAM_ON": "true",
        "SLIPWAY_PARAM_MANY": '["a", "b"]',
        "SLIPWAY_PARAM_KEY": "abc",
        "SLIPWAY_VERSION": "1.0+2",
        "SLIPWAY_REVISION": f"{2:040x}",
        "SLIPWAY_ENVIRONMENT": "staging",
        "SLIPWAY_PROJECT": "app",
        "SLIPWAY_ROLLBACK": "0",
        "SLIPWAY_PERSON": "ann",
        "SLIPWAY_CURRENT": str(place / "current"),
        "SLIPWAY_RELEASE": os.path.realpath(place / "current"),
        "MINE": "1",
    }
    assert {name: seen.get(name) for name in expected} == expected


def test_an_unhealthy_release_is_taken_back(deploy, make_release, place):
    told = FOLDER | {"restart": [sys.executable, "-c", TELL]}
    deploy(make_release("1.0+1"), told)
    done = deploy(make_release("1.0+2"), told, [is_version(place, "1.0+1")])
    assert done.code == 1
    assert runs(place) == "1.0+1"
    assert done.facts["outcome"] == "rolled-back"
    assert done.facts["previous"] == "1.0+1"
    assert done.error.startswith("staging: 1.0+2 was not deployed: grep")
    assert done.error.endswith("1.0+1 was put back and is healthy")
    assert done.report.lines[0] == "1.0+2 after  back 0"
    assert done.report.lines[-1] == "1.0+1 after 1.0+2 back 1"


TELL = (
    "import os; e = os.environ; print(e['SLIPWAY_VERSION'], 'after', "
    "e['SLIPWAY_PREVIOUS_VERSION'], 'back', e['SLIPWAY_ROLLBACK'])"
)


def test_a_restart_that_fails_is_taken_back(deploy, make_release, place):
    code = "import os, sys; print('no'); sys.exit(os.environ['SLIPWAY_VERSION'] == '1.0+2')"
    deployer = FOLDER | {"restart": [sys.executable, "-c", code]}
    deploy(make_release("1.0+1"), deployer)
    done = deploy(make_release("1.0+2"), deployer)
    assert (done.code, runs(place)) == (1, "1.0+1")
    assert "ended with exit code 1; its last lines: no" in done.error
    assert done.error.endswith("1.0+1 was put back")


@pytest.mark.parametrize("argv", [["nosuchprogram"], ["current/version"]])
def test_a_restart_that_cannot_start_is_taken_back(deploy, make_release, place, argv):
    deploy(make_release("1.0+1"), FOLDER)
    done = deploy(make_release("1.0+2"), FOLDER | {"restart": argv})
    assert (done.code, runs(place)) == (1, "1.0+1")
    assert f"{argv[0]} cannot be started" in done.error


def test_a_restart_that_hangs_is_ended(deploy, make_release, place):
    deploy(make_release("1.0+1"), FOLDER)
    sleep = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
    code = f"import os\nif os.environ['SLIPWAY_ROLLBACK'] == '0':\n  {sleep}"
    done = deploy(
        make_release("1.0+2"), FOLDER | {"restart": [sys.executable, "-c", code], "timeout": 1}
    )
    assert "did not end within 1 seconds and was stopped" in done.error
    assert done.facts["outcome"] == "rolled-back"
    with pytest.raises(ProcessLookupError):
        os.kill(int(done.report.lines[0]), 0)


def test_a_bad_first_deployment_leaves_no_link(deploy, make_release, place):
    deployer = FOLDER | {"stop": [sys.executable, "-c", TELL]}
    done = deploy(make_release("1.0+1"), deployer, [{"argv": ["false"], **QUICK}])
    assert done.code == 1
    assert not os.path.lexists(place / "current")
    assert done.facts["outcome"] == "failed"
    assert done.error.endswith("nothing ran there before, so the link current was removed again")
    assert done.report.lines[-1].startswith("1.0+1 after")
    assert deploy(make_release("1.0+2"), FOLDER).code == 0
    assert runs(place) == "1.0+2"


def test_what_was_put_back_may_be_ill_too(deploy, make_release, place):
    deploy(make_release("1.0+1"), FOLDER)
    done = deploy(make_release("1.0+2"), FOLDER, [{"argv": ["false"], **QUICK}])
    assert done.facts["outcome"] == "failed"
    assert "1.0+1 was put back, but is not healthy either: false ended with" in done.error
    assert done.error.endswith("Look after staging now")
    assert runs(place) == "1.0+1"


def test_the_same_release_gone_bad_stays(deploy, make_release, place):
    release = make_release("1.0+1")
    deploy(release, FOLDER)
    done = deploy(release, FOLDER, [{"argv": ["false"], **QUICK}])
    assert (done.code, done.facts["outcome"]) == (1, "failed")
    assert "no other release to go back to" in done.error
    assert runs(place) == "1.0+1"


def test_old_releases_go_but_never_what_is_needed(deploy, make_release, place):
    deployer = FOLDER | {"keep": 1}
    releases = [make_release(f"1.0+{number}") for number in range(1, 5)]
    for release in releases[:3]:
        deploy(release, deployer)
    assert lies(place) == ["1.0+2", "1.0+3"]
    deploy(releases[3], deployer, [is_version(place, "1.0+3")])
    assert lies(place) == ["1.0+2", "1.0+3", "1.0+4"]
    assert runs(place) == "1.0+3"
    deploy(releases[0], deployer)
    assert lies(place) == ["1.0+1", "1.0+3"]


def test_a_rollback_by_hand_is_a_deployment_of_an_older_release(deploy, make_release, place):
    old, new = make_release("1.0+1"), make_release("1.0+2")
    told = FOLDER | {"restart": [sys.executable, "-c", TELL]}
    deploy(old, told)
    deploy(new, told)
    done = deploy(old, told, rollback=True)
    assert (done.code, runs(place)) == (0, "1.0+1")
    assert done.report.lines[-1].endswith("back 1")


def zipped(path, names):
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, name)


def with_archive(release, path):
    import hashlib

    data = path.read_bytes()
    one = release["inputs"][0] | {"name": path.name, "path": str(path), "size": len(data)}
    return release | {"inputs": [one | {"sha256": hashlib.sha256(data).hexdigest()}]}


def test_a_zip_without_a_top_folder(deploy, make_release, place, tmp_path):
    zipped(tmp_path / "app.zip", ["version", "other"])
    assert deploy(with_archive(make_release("1.0+1"), tmp_path / "app.zip"), FOLDER).code == 0
    assert runs(place) == "version"


@pytest.mark.parametrize("name", ["../evil", "/tmp/evil", "a/../../evil"])  # noqa: S108
def test_an_archive_that_leads_out_is_refused(deploy, make_release, place, tmp_path, name):
    deploy(make_release("1.0+1"), FOLDER)
    zipped(tmp_path / "app.zip", ["version", name])
    done = deploy(with_archive(make_release("1.0+2"), tmp_path / "app.zip"), FOLDER)
    assert done.code == 1
    assert "leads out of the folder" in done.error
    assert done.error.endswith("nothing has changed there")
    assert (runs(place), lies(place)) == ("1.0+1", ["1.0+1"])
    assert not list(tmp_path.rglob("evil"))


def test_an_archive_cut_short_is_refused(deploy, make_release, place):
    deploy(make_release("1.0+1"), FOLDER)
    release = make_release("1.0+2")
    path = Path(release["inputs"][0]["path"])
    path.write_bytes(path.read_bytes()[:-20])
    done = deploy(with_archive(release, path), FOLDER)
    assert (done.code, runs(place)) == (1, "1.0+1")
    assert "damaged or cut short" in done.error


def test_an_altered_artefact_is_refused_before_anything(deploy, make_release, place):
    release = make_release("1.0+1")
    path = Path(release["inputs"][0]["path"])
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    done = deploy(release, FOLDER)
    assert done.code == 1
    assert "was altered or truncated" in done.error
    assert not place.exists()


def test_which_archive_must_be_clear(deploy, make_release, place):
    one, two = make_release("1.0+1"), make_release("1.0+2")
    both = one | {"inputs": [*one["inputs"], *two["inputs"]]}
    done = deploy(both, FOLDER)
    assert done.code == 2
    assert "the release has 2 archives and one is needed" in done.error
    assert deploy(both, FOLDER | {"artefact": "*+2.tar.zst"}).code == 0
    assert runs(place) == "1.0+2"
    done = deploy(both, FOLDER | {"artefact": "*.zip"})
    assert done.code == 2
    assert 'artefact = "*.zip" matches nothing of the release' in done.error


def test_a_folder_that_is_not_ours(deploy, make_release, place):
    (place / "current").mkdir(parents=True)
    done = deploy(make_release("1.0+1"), FOLDER)
    assert done.code == 2
    assert "is no link of Slipway's; move it away; nothing has changed there" in done.error


def test_a_path_that_cannot_be_one(deploy, make_release, place):
    place.parent.mkdir()
    place.write_text("a file")
    done = deploy(make_release("1.0+1"), FOLDER)
    assert done.code == 3
    assert place.read_text() == "a file"


def test_two_at_once(deploy, make_release, place, monkeypatch):
    deploy(make_release("1.0+1"), FOLDER)
    monkeypatch.setattr(releases_folder, "PATIENCE", 0.3)
    other = here(print)
    try:
        other.ask("open", path=str(place), owner="deployment 40 by bob", patience=0)
        done = deploy(make_release("1.0+2"), FOLDER)
    finally:
        other.close()
    assert done.code == 3
    assert "another deployment is at work" in done.error
    assert "deployment 40 by bob" in done.error
    assert runs(place) == "1.0+1"
    assert deploy(make_release("1.0+2"), FOLDER).code == 0


def test_the_list_lost(deploy, make_release, place):
    deploy(make_release("1.0+1"), FOLDER)
    (place / ".slipway" / "state.json").write_text("{")
    done = deploy(make_release("1.0+2"), FOLDER, [is_version(place, "1.0+1")])
    assert (done.facts["outcome"], runs(place)) == ("rolled-back", "1.0+1")


def test_parameters_that_no_program_can_be_told(deploy, make_release, place):
    for more, why in (
        ({"parameters": {"a-b": 1, "a_b": 2}}, "are both SLIPWAY_PARAM_A_B"),
        ({"parameters": {"a": "x\0y"}}, "holds a NUL"),
        ({"secrets": {"a=b": "x"}}, "cannot be an environment variable"),
    ):
        done = deploy(make_release("1.0+1"), FOLDER, **more)
        assert done.code == 2
        assert why in done.error
        assert not place.exists()


def test_a_full_disk(deploy, make_release, place, tmp_path):
    disk = tmp_path / "state"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", disk], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("a small file system can be mounted by root alone")
    try:
        deploy(make_release("1.0+1"), FOLDER)
        large = {"large": "".join(map(str, range(900_000)))}
        done = deploy(make_release("1.0+2", large), FOLDER)
        assert done.code == 3
        assert "bytes free, the release needs" in done.error
        many = {f"f{number}": "x" for number in range(900)}
        (disk / "fill").write_bytes(b"x" * 500_000)
        done = deploy(make_release("1.0+3", many), FOLDER)
        assert done.code == 3, done.error
        assert done.error.endswith("nothing has changed there")
        assert (runs(place), lies(place)) == ("1.0+1", ["1.0+1"])
    finally:
        subprocess.run(["umount", disk], check=True)
