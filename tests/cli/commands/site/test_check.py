"""`slipway check`: what will fail later is told before."""

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from slipway.cli.preflight import checks as outlook
from slipway.cli.preflight.checks import Finding
from slipway.cli.preflight.people import gates, hashes, roles
from slipway.cli.preflight.release_keys import release_keys
from slipway.cli.preflight.source import repositories


def git(folder, *words):
    who = ["-c", "user.name=Ann", "-c", "user.email=ann@example.org"]
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


def commit(folder, **files):
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)
    git(folder, "add", "--all")
    git(folder, "commit", "--allow-empty", "-m", "a change")


@pytest.fixture
def good(place, monkeypatch):
    """A site with nothing to say against it, whose repository has one commit on main."""
    # What the machine lacks is not the subject here.
    monkeypatch.setattr(outlook, "CHECKS", (repositories, gates, roles))
    place.write(unit=("pass", ""))
    git(place.folder / "code", "init", "--initial-branch=main")
    commit(place.folder / "code", file="one")
    return place


def change(place, old, new):
    text = place.config.read_text("utf-8")
    assert old in text
    place.config.write_text(text.replace(old, new), "utf-8")


@pytest.fixture
def warned(good, monkeypatch):
    """A good site with one warning, about a stage of it."""
    place = good

    def look(seen):
        assert seen.site.project["demo"].stages["unit"].uses == "command"
        yield Finding(("project", "demo", "stages", "unit", "argv"), "may fail one day")

    monkeypatch.setattr(outlook, "CHECKS", (look,))
    return place


def test_a_warning_is_told_with_its_line_and_does_not_fail(warned):
    code, out, err = warned.slipway("check")
    assert code == 0
    where = "pipeline.toml:5: project.demo.stages.unit.argv"
    assert err == f"warning: {where}: may fail one day\n"
    assert out.rstrip().endswith("pipeline.toml: good, with 1 warning")


def test_strict_makes_a_warning_fail(warned):
    code, out, err = warned.slipway("check", "--strict")
    assert (code, "may fail one day" in err) == (2, True)
    assert out.rstrip().endswith("good, with 1 warning; --strict allows none")


def test_json_stays_json_beside_a_warning(warned):
    code, out, err = warned.slipway("check", "--json", "--strict")
    assert (code, err.count("\n")) == (2, 1)
    assert json.loads(out)["project"]["demo"]


def test_strict_is_content_where_there_is_none(good):
    code, _, err = good.slipway("check", "--strict")
    assert (code, err) == (0, "")


def test_a_repository_path_where_nothing_lies_is_an_error(place):
    place.write(unit=("pass", ""))
    (place.folder / "code").rmdir()
    code, out, err = place.slipway("check")
    assert (code, out) == (2, "")
    assert err == (
        'pipeline.toml:2: project.demo.repository: "code" is not there; '
        "write a git URL or the path of a git repository\n"
    )


def test_a_folder_that_is_no_repository_is_an_error(place):
    place.write(unit=("pass", ""))
    git(place.folder, "init")
    code, _, err = place.slipway("check")
    assert (code, '"code" is no git repository; make it one' in err) == (2, True)


def test_a_repository_without_commits_is_warned_about(place):
    place.write(unit=("pass", ""))
    git(place.folder / "code", "init")
    code, _, err = place.slipway("check")
    told = "pipeline.toml:2: project.demo.repository: it has no commits; make the first one"
    assert (code, err) == (0, f"warning: {told}\n")


def test_a_branch_that_is_not_there_is_warned_about(good):
    change(good, 'repository = "code"', 'repository = "code"\nbranches = ["main", "nxt", "f/*"]')
    git(good.folder / "code", "branch", "next")
    code, _, err = good.slipway("check")
    assert code == 0
    assert err == (
        "warning: pipeline.toml:3: project.demo.branches: "
        'there is no branch "nxt"; there are main, next\n'
    )


@pytest.mark.slow
def test_a_version_that_nobody_tells_is_warned_about(good):
    text = '[project]\nname = "x"\ndynamic = ["version"]\n'
    commit(good.folder / "code", pyproject__toml=text)
    assert "releases would be 0.0.0+N: pyproject.toml says dynamic" in good.slipway("check")[2]
    git(good.folder / "code", "tag", "v1.0.0")
    assert good.slipway("check", "--strict")[0] == 0


def test_what_a_url_means_is_looked_up_in_the_mirror(good):
    where = f"file://{good.folder}/code"
    change(good, 'repository = "code"', f'repository = "{where}"\nbranches = ["trunk"]')
    assert good.slipway("check", "--strict")[0] == 0
    mirror = good.folder / ".slipway" / "mirrors" / "demo.git"
    git(good.folder, "clone", "--bare", where, str(mirror))
    assert 'there is no branch "trunk"; there are main' in good.slipway("check")[2]


def test_a_password_in_a_url_is_warned_about(good):
    change(good, '"code"', '"https://ann:hunter2@example.org/code.git"')
    code, _, err = good.slipway("check")
    assert (code, "the URL holds a password, and pages and logs show it" in err) == (0, True)
    assert "hunter2" not in err


PEOPLE = """
[people.ann]
roles = ["developer"]
made-password = true
[people.bob]
roles = ["releaser", "quality"]
made-password = true
"""


@pytest.mark.parametrize(
    ("keys", "code", "told"),
    [
        ("", 0, ""),
        ("allowed = ['releaser']", 0, ""),
        ("allowed = ['quality']", 0, ""),
        ("allowed = ['developer', 'quality']", 0, ""),
        (
            "allowed = ['releasers']",
            2,
            (
                'allowed: nobody has the role "releasers"; there are admin, developer, quality, '
                'releaser, viewer. Did you mean "releaser"?'
            ),
        ),
        ("allowed = ['admin']", 0, "allowed: nobody but admin has the role admin"),
        ("approvals = 2", 0, ""),
        (
            "approvals = 3",
            2,
            (
                "approvals: approvals = 3 takes 3 people, and another who asks, "
                "and only admin, ann, bob may: it can never open"
            ),
        ),
        ("approvals = 3\nrequester-counts = true", 0, ""),
        ("approvals = 2\nallowed = ['releaser']", 2, "only admin, bob may: it can never open"),
    ],
)
def test_gates_that_nobody_can_open(good, keys, code, told):
    change(good, "[workers.local]", f"{PEOPLE}[workers.local]")
    change(good, "uses = 'command'", f"uses = 'command'\nmanual = true\n{keys}")
    found, _, err = good.slipway("check")
    lines = [line for line in err.splitlines() if "no gate asks" not in line]
    assert found == code, err
    assert told in err
    assert len(lines) == (1 if told else 0)


def test_without_people_the_admin_is_enough(good):
    keys = "uses = 'command'\nmanual = true\nallowed = ['releaser']"
    change(good, "uses = 'command'", keys)
    assert good.slipway("check", "--strict")[0] == 0


def test_a_role_that_nothing_asks_for_is_warned_about(good):
    change(good, "[workers.local]", PEOPLE.replace("developer", "devloper") + "[workers.local]")
    err = good.slipway("check")[2].splitlines()
    assert len(err) == 2
    assert 'people.ann.roles: no gate asks for the role "devloper"' in err[0]
    assert err[0].endswith('Did you mean "developer"?')


@pytest.mark.skipif(os.name != "posix", reason="modes of POSIX")
def test_a_hash_that_every_user_may_read_is_warned_about(good, monkeypatch):
    monkeypatch.setattr(outlook, "CHECKS", (hashes,))
    known = '[people.ann]\nroles = ["developer"]\npassword = "$argon2id$v=19$m=19456,t=2,p=1$'
    known += '0JCZUfyTGoktVP0+RFjrMQ$hPkSIJgitdc4Gruysm6hravM+8iEXfrKbU81RJXi8Q8"\n'
    change(good, "[workers.local]", f"{known}[workers.local]")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        shutil.copytree(good.folder, folder / "site")
        (folder / "site").chmod(0o755)
        monkeypatch.chdir(folder / "site")
        config = folder / "site" / "pipeline.toml"
        config.chmod(0o644)
        err = good.slipway("check")[2]
        assert "people.ann.password: every user of this machine may read pipeline.toml" in err
        assert "chmod 600" in err
        config.chmod(0o600)
        assert good.slipway("check")[2] == ""
        config.chmod(0o644)
        (folder / "site").chmod(0o700)
        assert good.slipway("check")[2] == ""


def test_a_key_that_signs_no_release_is_told(good, monkeypatch):
    monkeypatch.setattr(outlook, "CHECKS", (release_keys,))
    good.write(unit=("pass", "artefacts = ['file']"))
    publish = "[project.demo.stages.publish]\nuses = 'publish'\nneeds = ['unit']\n"
    good.config.write_text(f"{good.config.read_text('utf-8')}{publish}", "utf-8")
    assert good.slipway("check", "--strict")[0] == 0
    assert good.slipway("key", "new", "--days", "9")[0] == 0
    code, out, err = good.slipway("check", "--strict")
    assert code == 2
    assert "ends on 20" in out + err
    assert "no release could be signed" in out + err
    change(good, "[project.demo]", '[site]\nrelease-key = { env = "NOT_SET" }\n[project.demo]')
    code, out, err = good.slipway("check", "--strict")
    assert (code, "NOT_SET is not set" in out + err) == (2, True)
