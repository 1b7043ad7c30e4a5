"""What a local worker is given of this machine, and what of the environment it is told."""

import dataclasses
import importlib
import os
import shutil
import stat
import sys
from pathlib import Path

import pytest

from slipway.model.errors import MissingTool
from slipway.model.site import Site
from slipway.state_folder import Home
from slipway.workers.isolation import bubblewrap, folders, inside
from slipway.workers.isolation.account import Account, account_name
from slipway.workers.isolation.bubblewrap import for_tenant, for_worker
from slipway.workers.isolation.enclose import closed_folders
from slipway.workers.isolation.methods import Isolation, as_text, from_text, isolate, surroundings
from slipway.workers.isolation.needs import needs_of

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="done on Linux alone"),
]


def site(workers=None, **deployer):
    where = {"kind": "folder", "path": "deployed/there"} | deployer
    stages = {
        "check": {"uses": "tests"},
        "publish": {
            "uses": "publish",
            "needs": ["check"],
            "runs-on": ["release"],
            "targets": [{"kind": "folder", "path": "copies"}],
        },
        "there": {
            "uses": "deploy",
            "needs": ["publish"],
            "environment": "there",
            "runs-on": ["release"],
        },
    }
    environments = {"there": {"deployer": where}}
    project = {"repository": "x", "stages": stages, "environments": environments}
    return Site.model_validate(
        {
            "project": {"demo": project},
            "workers": workers or {"tests": {}, "release": {"labels": ["release"]}},
        }
    )


@pytest.fixture
def home(tmp_path):
    made = Home(tmp_path / "state")
    made.root.mkdir(mode=0o700)
    return made


def needs(home, name, **deployer):
    return needs_of(site(**deployer), home, home.root.parent / "pipeline.toml", name)


# ---- what it needs


def test_a_worker_gets_what_its_own_stages_need(home):
    tests = needs(home, "tests")
    assert (tests.mirrors, tests.writes, tests.keys) == ((home.mirror("demo"),), (), ())
    release = needs(home, "release")
    assert release.writes == (home.root / "copies/demo", home.root / "deployed/there")
    # The master makes releases: no worker writes there.
    assert release.releases == tests.releases == (home.root / "releases/demo",)
    assert Path(sys.prefix) in release.reads
    for path in (*tests.reads, *release.reads):
        assert not home.root.is_relative_to(path), "the state folder must not lie in it"


@pytest.mark.parametrize("room", ["", ".sessions", ".scripts", ".workers"])
def test_a_worker_gets_what_links_in_a_checkout_lead_to(home, room):
    code = Path(importlib.import_module(f"slipway{room}").__file__).resolve()
    assert any(code.is_relative_to(path) for path in needs(home, "tests").reads)


def test_a_deployment_by_ssh_gets_its_key_and_no_other_worker_does(home):
    ssh = {"kind": "ssh", "host": "app1", "identity": "keys/id", "known_hosts": "keys/known"}
    keys = (home.root / "keys/id", home.root / "keys/known")
    description = {key.replace("_", "-"): value for key, value in ssh.items()}
    assert needs(home, "release", **description).keys == keys
    assert needs(home, "tests", **description).keys == ()


def test_a_target_over_sftp_gets_its_key_in_the_tenant_that_publishes(home):
    target = {
        "kind": "sftp",
        "host": "files",
        "user": "upload",
        "path": "in",
        "identity": "keys/upload",
        "known-hosts": "keys/known",
    }
    made = site()
    project = made.project["demo"]
    stage = project.stages["publish"]
    stage = type(stage).model_validate(stage.model_dump(by_alias=True) | {"targets": [target]})
    project = project.model_copy(update={"stages": {**project.stages, "publish": stage}})
    made = made.model_copy(update={"project": {"demo": project}})
    found = needs_of(made, home, Path("/etc/pipeline.toml"), "release").tenants
    keys = (home.root / "keys/known", home.root / "keys/upload")
    assert {name: one.keys for name, one in found.items() if one.keys} == {"demo~publish": keys}


@pytest.mark.parametrize("path", [".", "..", "/"])
def test_the_state_folder_itself_is_never_given(home, path):
    assert needs(home, "release", path=path).writes == (home.root / "copies/demo",)


def test_of_paths_in_one_another_the_outer_is_enough(home):
    one = needs(home, "release", path="copies/demo/deep")
    assert one.writes == (home.root / "copies/demo",)


# ---- the folders


def test_a_folder_of_another_user_is_made_anew(home):
    folder = home.worker("tests")
    folder.mkdir(parents=True)
    (folder / "planted").touch()
    user = os.geteuid()
    folders.own(folder, user, os.getegid())
    assert (folder / "planted").exists()
    if user == 0:
        os.chown(folder, 12345, 12345)
        folders.own(folder, user, 0)
        assert not (folder / "planted").exists()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_link_in_place_of_the_workers_folder_leads_nowhere(home, tmp_path):
    (tmp_path / "precious").mkdir()
    folder = home.worker("tests")
    folder.parent.mkdir()
    folder.symlink_to(tmp_path / "precious")
    folders.own(folder, os.geteuid(), os.getegid())
    assert not folder.is_symlink()
    assert (tmp_path / "precious").stat().st_mode & 0o777 != 0o700


@pytest.mark.parametrize("place", ["copies", "releases"])
def test_a_link_in_place_of_what_it_may_write_is_refused(home, tmp_path, place):
    made = needs(home, "release")
    (home.root / place).mkdir()
    (home.root / place / "demo").symlink_to(tmp_path)
    with pytest.raises(Exception, match="is a link"):
        folders.give(made, home, None)


def test_what_another_user_cannot_enter_is_found(tmp_path):
    tmp_path.chmod(0o755)
    inner = tmp_path / "open" / "closed" / "deep"
    inner.mkdir(parents=True)
    inner.parent.chmod(0o700)
    inner.chmod(0o700)
    found = [one for one in closed_folders([inner / "x"], 54321, 54321) if one != inner]
    # Where this test's own folder is closed as well, that is the higher one.
    assert found in ([inner.parent], [next(p for p in inner.parents if p in found)])
    assert closed_folders([inner / "x"], os.geteuid(), os.getegid()) == []


# ---- users


def test_each_site_and_each_worker_has_a_user_of_its_own(tmp_path):
    places = [(tmp_path / "a", "local"), (tmp_path / "b", "local"), (tmp_path / "b", "Big One!")]
    names = [account_name(folder, name) for folder, name in places]
    assert len(set(names)) == 3
    assert names[2].startswith("slipway-big-one-")
    for name in names:
        assert len(name) <= 32
        assert name == name.lower()
    assert account_name(tmp_path, "___").startswith("slipway-")


# ---- namespaces


def shown(words):
    """Return what bubblewrap binds, and what of the state folder is hidden first."""
    binds = {"--bind", "--ro-bind"}
    return {words[at + 2]: words[at + 1] for at, word in enumerate(words) if word in binds}


@pytest.mark.parametrize("tenant", ["", "demo", "demo~publish", "demo~deploy~there"])
def test_namespaces_hold_nothing_of_the_state_folder_but_what_is_named(home, tenant):
    made = needs(home, "tests" if tenant == "demo" else "release")
    folders.give(made, home, None)
    words = for_tenant(made, {}, tenant) if tenant else for_worker(made, {})
    hidden = words.index(str(home.root))
    assert words[hidden - 1] == "--tmpfs"
    inside = {one for one in shown(words) if Path(one).is_relative_to(home.root)}
    theirs = made.tenants[tenant].writes if tenant else ()
    mirrors = made.mirrors if tenant else ()
    own = made.area(tenant) if tenant else made.folder
    rooms = () if tenant else (made.area("demo").parent, *map(made.area, made.tenants))
    assert inside == {str(own), *map(str, (*mirrors, *theirs, *rooms))}
    assert not made.temporary(tenant).is_relative_to(own) or not tenant
    assert "--unshare-pid" in words
    if tenant:
        assert words[-2:] == ["--remount-ro", str(home.root)]


def test_what_is_kept_of_tmp_holds_nothing_that_is_bound(tmp_path):
    folder = tmp_path / "kept"
    folder.mkdir()
    kept = ["--bind", str(folder)]
    one, other = bubblewrap._TEMPORARY
    assert bubblewrap._temporary(folder, [Path("/srv")]) == [*kept, one, *kept, other]
    for name in (one, other):
        words = bubblewrap._temporary(folder, [Path("/srv"), Path(name, "x", "state")])
        assert words[words.index(name) - 1] == "--tmpfs"
        assert words.count("--bind") == 1


def test_the_key_of_a_deployment_is_its_tenants_alone(home):
    description = {
        "kind": "ssh",
        "host": "app1",
        "identity": "keys/id",
        "known-hosts": "keys/known",
    }
    made = needs(home, "release", **description)
    folders.give(made, home, None)
    for key in made.keys:
        key.parent.mkdir(exist_ok=True)
        key.touch()
    found = {
        name: str(home.root / "keys/id") in for_tenant(made, {}, name) for name in made.tenants
    }
    assert found == {"demo": False, "demo~publish": False, "demo~deploy": True}
    assert str(home.root / "keys/id") not in for_worker(made, {})


def test_a_secret_beside_what_is_shown_is_hidden(home):
    made = needs_of(site(), home, Path("/etc/hostname"), "tests")
    for words in (for_worker(made, {}), for_tenant(made, {}, "demo")):
        at = words.index("/etc/hostname")
        assert words[at - 2 : at] == ["--ro-bind", "/dev/null"]


# ---- the environment


def isolation(home, way):
    found = isolate(site(), home, home.root.parent / "pipeline.toml", "tests", trying=True)
    return type(found)(found.worker, found.needs, way)


def test_a_worker_is_told_what_programs_need_and_no_secret(home):
    description = {
        "PATH": "/usr/bin",
        "LC_ALL": "C.UTF-8",
        "UV_DEFAULT_INDEX": "https://example.org/simple",
        "https_proxy": "http://proxy",
        "SSL_CERT_FILE": "/etc/ssl/x",
        "UV_CACHE_DIR": "/root/cache",
        "AWS_SECRET_ACCESS_KEY": "hunter2",
        "SLIPWAY_TOKEN": "slw_hunter2",
        "UV_PUBLISH_TOKEN": "hunter2",
        "SSH_AUTH_SOCK": "/run/agent",
        "DBUS_SESSION_BUS_ADDRESS": "unix:path=/run/bus",
        "HOME": "/root",
    }
    env = surroundings(description, isolation(home, "namespaces"))
    assert env["HOME"] == str(home.worker("tests") / "home")
    gone = {"UV_CACHE_DIR", "AWS_SECRET_ACCESS_KEY", "SSH_AUTH_SOCK", "DBUS_SESSION_BUS_ADDRESS"}
    gone |= {"SLIPWAY_TOKEN", "UV_PUBLISH_TOKEN"}
    assert not gone & set(env)
    assert set(description) - gone <= set(env)
    assert surroundings(description, isolation(home, "none")) == description


def test_the_variable_that_a_stage_names_is_handed_on(home):
    made = site()
    stage = {"uses": "databases", "server-env": "SEEDS_URL", "metadata": "a:b", "needs": []}
    text = made.model_dump(by_alias=True, exclude_unset=True)
    text["project"]["demo"]["stages"]["seeds"] = stage | {"runs-on": ["release"]}
    changed = Site.model_validate(text)
    config = home.root.parent / "pipeline.toml"
    assert needs_of(changed, home, config, "release").variables == {"SEEDS_URL"}
    assert needs_of(changed, home, config, "tests").variables == frozenset()
    found = isolation(home, "namespaces")
    description = {"SEEDS_URL": "postgresql://x", "OTHER_URL": "y"}
    needs = needs_of(changed, home, config, "release")
    env = surroundings(description, dataclasses.replace(found, needs=needs))
    assert ("SEEDS_URL" in env, "OTHER_URL" in env) == (True, False)


def test_the_master_is_told_in_words(home):
    made = isolation(home, "none")
    assert from_text(as_text([made]))["tests"]["way"] == "none"
    assert "is not isolated" in from_text(as_text([made]))["tests"]["reason"]
    assert from_text(None) == {}


@pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not on this machine")
def test_a_site_of_many_projects_is_started_in_namespaces(home):
    """All arguments and variables of a program take 2 MiB at most, bubblewrap's are 9,000."""
    text = site().model_dump(by_alias=True, exclude_unset=True)
    text["workers"] = {"local": {"labels": ["release"]}}
    (project,) = text["project"].values()
    text["project"] = {}
    for number in range(500):
        where = {"kind": "folder", "path": f"deployed/{number}"}
        text["project"][f"p-{number}"] = {**project, "environments": {"there": {"deployer": where}}}
    made = needs_of(Site.model_validate(text), home, home.root.parent / "pipeline.toml", "local")
    folders.give(made, home, None)
    words = Isolation("local", made, "namespaces").command({"tries": []}, {"PATH": "/usr/bin"})
    assert len(made.tenants) == 1500
    assert sum(map(len, words)) < 1 << 20
    assert len(for_worker(made, {})) < 9000


def test_whoever_takes_the_worker_over_cannot_replace_what_rooms_are_made_of(home):
    made = needs(home, "release")
    folders.give(made, home, None)
    words = for_worker(made, {})
    above = made.area("demo").parent
    description = [str(one) for one in (made.folder, above, made.area("demo~publish"))]
    places = [words.index(one) for one in description]
    assert places == sorted(places)
    assert [words[place - 1] for place in places] == ["--bind", "--ro-bind", "--bind"]
    assert words[-2:] == ["--tmpfs", str(made.temporary().parent)]


def test_trying_changes_nothing(home):
    before = sorted(home.root.rglob("*"))
    found = isolate(site(), home, home.root.parent / "pipeline.toml", "release", trying=True)
    assert found.way in {"user", "namespaces", "none"}
    assert sorted(home.root.rglob("*")) == before


def test_who_asks_for_none_gets_none(home):
    workers = {"local": {"isolated": False, "labels": ["release"]}}
    found = isolate(site(workers), home, home.root.parent / "pipeline.toml", "local", trying=True)
    assert found.way == "none"
    assert "isolated = false" in found.description


def test_what_was_kept_apart_is_never_the_masters_user_again(home, monkeypatch):
    """Its stages may have brought it about that it cannot be."""
    config = home.root.parent / "pipeline.toml"
    monkeypatch.setenv("PATH", str(home.root))
    monkeypatch.setattr(os, "geteuid", lambda: 54321)
    assert isolate(site(), home, config, "tests").way == "none"
    home.isolated("tests").touch()
    with pytest.raises(MissingTool, match=r"not isolated: bubblewrap .*isolated = false"):
        isolate(site(), home, config, "tests")
    assert isolate(site(), home, config, "tests", trying=True).way == "none"
    asked = {"tests": {"isolated": False, "labels": ["release"]}}
    assert isolate(site(asked), home, config, "tests").way == "none"


@pytest.mark.parametrize("what", ["link", "closed", "pipe", "file"])
def test_what_a_stage_left_for_tmp_is_in_nobodys_way(home, tmp_path, what):
    made = needs(home, "tests")
    folders.give(made, home, None)
    place = made.folder / "tmp"
    shutil.rmtree(place)
    if what == "link":
        place.symlink_to(tmp_path)
    elif what == "closed":
        (place / "deep").mkdir(parents=True)
        place.chmod(0)
    elif what == "pipe":
        os.mkfifo(place)
    else:
        place.touch()
    folders.give(made, home, None)
    assert place.is_dir()
    assert not place.is_symlink()
    assert sorted(one.name for one in place.iterdir()) == [".worker", "demo"]


@pytest.mark.skipif(os.geteuid() != 0, reason="this is not root")
def test_a_second_name_of_anothers_file_is_not_handed_over(home, tmp_path):
    made = needs(home, "release")
    folder = home.root / "copies" / "demo"
    folder.mkdir(parents=True)
    (tmp_path / "precious").touch()
    (folder / "mine").touch()
    for path in (folder, folder / "mine"):
        os.chown(path, 54321, 54321)
    (folder / "second").hardlink_to(tmp_path / "precious")
    folders.give(made, home, Account("x", 54322, 54322))
    owners = [path.stat().st_uid for path in (folder, folder / "mine", tmp_path / "precious")]
    assert owners == [54322, 54322, 0]


def test_a_worker_starts_whatever_its_stages_have_left(tmp_path):
    folder, precious = tmp_path / "worker", tmp_path / "precious"
    for one in (folder, precious):
        one.mkdir()
    for name in ("info", "buildbot.tac", "home"):
        (folder / name).symlink_to(precious)
    os.mkfifo(folder / "twistd.log")
    inside.tidy(folder)
    assert [one.name for one in folder.iterdir()] == ["home"]
    (folder / "home" / "kept").touch()
    (folder / "twistd.log").touch()
    inside.tidy(folder)
    assert (folder / "home" / "kept").exists()
    assert (folder / "twistd.log").exists()
    assert list(precious.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="this is not root")
def test_releases_that_were_a_tenants_are_the_masters_now(home):
    made = needs(home, "tests")
    release = home.root / "releases" / "demo" / "1.0+1"
    release.mkdir(parents=True)
    (release / "release.json").touch()
    for path in (release.parent, release, release / "release.json"):
        os.chown(path, 54321, 54321)
    folders.give(made, home, Account("x", 54322, 54322))
    owners = {path.stat().st_uid for path in (release.parent, release, release / "release.json")}
    assert owners == {0}
