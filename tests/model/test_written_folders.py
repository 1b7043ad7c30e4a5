"""Folders that stages write: none lies in another's."""

from __future__ import annotations

import pytest

from slipway.config.reading import ConfigProblems, parse
from slipway.model.written_folders import OWN
from slipway.state_folder import Home

SITE = """
[project.demo]
repository = "source"
[project.demo.stages.pack]
uses = "command"
argv = ["x"]
artefacts = ["x"]
[project.demo.stages.publish]
uses = "publish"
needs = ["pack"]
{folder}
[project.demo.environments.one]
deployer = {{ kind = "folder", path = "{one}" }}
[project.demo.environments.two]
deployer = {{ {two} }}
[project.demo.stages.there]
uses = "deploy"
environment = "one"
needs = ["publish"]
[project.demo.stages.too]
uses = "deploy"
environment = "two"
needs = ["publish"]
[workers.local]
"""


def text(one: str, two: str, folder: str = "") -> str:
    return SITE.format(one=one, two=two, folder=folder)


FOLDER = 'kind = "folder", path = "{}"'
PROGRAM = 'kind = "command", argv = ["x"], cwd = "{}"'


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("deployed/one", FOLDER.format("deployed/two")),
        ("/srv/one", FOLDER.format("/srv/one2")),
        ("releases/other", FOLDER.format("releases/demo2")),
        ("deployed/one", PROGRAM.format("deployed/two")),
        ("deployed/one", 'kind = "command", argv = ["x"]'),
    ],
)
def test_folders_beside_each_other_are_fine(one: str, two: str) -> None:
    assert parse(text(one, two))


@pytest.mark.parametrize(
    ("one", "two", "key", "told"),
    [
        (
            "d",
            FOLDER.format("d"),
            "one",
            '"d" lies in "d", where the environment two of demo writes',
        ),
        ("d/e", FOLDER.format("./d"), "one", '"d/e" lies in "d", where the environment two'),
        ("/srv", FOLDER.format("/srv/x/../y"), "two", '"/srv/y" lies in "/srv", where the'),
        ("releases/demo/x", FOLDER.format("y"), "one", "where publishing of demo writes"),
        ("d", PROGRAM.format("d/e"), "two", '"d/e" lies in "d", where the environment one'),
    ],
)
def test_one_in_another_is_refused(one: str, two: str, key: str, told: str) -> None:
    with pytest.raises(ConfigProblems) as found:
        parse(text(one, two))
    said = str(found.value)
    assert told in said
    assert f"project.demo.environments.{key}.deployer" in said
    assert "name another folder" in said


@pytest.mark.parametrize(
    ("one", "folder", "key"),
    [
        ("store", "", "environments.one.deployer"),
        ("keys/x", "", "environments.one.deployer"),
        ("./a/../workers/local", "", "environments.one.deployer"),
        ("d", 'folder = "mirrors"', "stages.publish"),
        ("d", 'targets = [{ kind = "folder", path = "store" }]', "stages.publish"),
        ("d", 'targets = [{ kind = "folder", path = "x/../keys" }]', "stages.publish"),
    ],
)
def test_the_sites_own_folders_are_refused(one: str, folder: str, key: str) -> None:
    with pytest.raises(ConfigProblems) as found:
        parse(text(one, FOLDER.format("e"), folder))
    assert "which is the site's own in its state folder" in str(found.value)
    assert f"project.demo.{key}" in str(found.value)


def test_a_target_beside_the_projects_of_a_site_is_the_sites_own_if_it_is_called_so() -> None:
    whole = text("d", FOLDER.format("e"), 'targets = [{ kind = "folder", path = "." }]')
    assert parse(whole)
    with pytest.raises(ConfigProblems, match='"store" lies in "store"'):
        parse(whole.replace("project.demo", "project.store"))


def test_all_that_a_site_writes_is_known(tmp_path) -> None:
    home = Home(tmp_path)
    paths = (
        *(home.master, home.store, home.code, home.cache, home.keys, home.release_key),
        *(home.public_keys, home.person_hash("ann"), home.mirror("demo"), home.worker("local")),
    )
    assert {one.relative_to(tmp_path).parts[0] for one in paths} <= OWN


def test_two_projects_have_folders_of_their_own() -> None:
    both = text("d", FOLDER.format("e")).replace("[workers.local]\n", "")
    second = text("x", FOLDER.format("y"), 'folder = "releases/demo"').replace(".demo", ".shop")
    with pytest.raises(ConfigProblems, match='"releases/demo/shop" lies in "releases/demo"'):
        parse(both + second)
