"""What a freeze is made of, hashed: every change that may matter is seen."""

import json
from pathlib import Path

import pytest

from slipway.scripts.python_env.interpreter import Environment
from slipway.scripts.stages.freeze.reuse.fingerprint import (
    digest,
    machine_facts,
    outside_sources,
    read_project,
)

FILES = {"a.py": "1", "data/x.bin": "2", ".hidden": "3", "tests/test_a.py": "4"}


@pytest.fixture
def folder(project):
    return project(FILES)


def test_each_file_counts(folder):
    before = read_project(folder, [])
    assert set(before) == set(FILES)
    for name in FILES:
        (folder / name).write_text("other")
        assert read_project(folder, [])[name] != before[name]


def test_what_may_be_run_and_where_links_lead_counts(folder, tmp_path):
    (folder / "link").symlink_to("a.py")
    before = read_project(folder, [])
    (folder / "a.py").chmod(0o755)
    after = read_project(folder, [])
    assert {name for name in after if after[name] != before[name]} == {"a.py", "link"}
    (folder / "link").unlink()
    (folder / "link").symlink_to(tmp_path / "nosuch")
    assert read_project(folder, [])["link"].startswith("link ")


def test_a_loop_of_links_and_what_is_no_file_are_no_trouble(folder):
    (folder / "loop").symlink_to("loop")
    (folder / "up").symlink_to("..")
    assert {"loop", "up"} <= set(read_project(folder, []))


def test_what_is_no_part_of_the_program(folder):
    before = read_project(folder, [folder / "output"])
    for name in (
        ".git/HEAD",
        ".venv/pyvenv.cfg",
        "__pycache__/a.pyc",
        "env/pyvenv.cfg",
        "output/archive",
    ):
        (folder / name).parent.mkdir()
        (folder / name).write_text("x")
    assert read_project(folder, [folder / "output"]) == before


def test_what_is_behind_a_linked_folder_is_never_as_it_was(folder, tmp_path):
    (tmp_path / "common").mkdir()
    (folder / "common").symlink_to(tmp_path / "common")
    assert read_project(folder, []) != read_project(folder, [])


def test_data_of_a_package_counts_whatever_its_folder_is_called(folder):
    place = folder / "static" / "node_modules"
    place.mkdir(parents=True)
    (place / "x.js").write_text("1")
    assert "static/node_modules/x.js" in read_project(folder, [])


def test_a_python_path_leads_elsewhere(folder, tmp_path):
    given = Environment(tmp_path, Path("python"), folder, env={"PYTHONPATH": "/opt/shared"})
    assert outside_sources(given, [])


@pytest.mark.parametrize(
    ("url", "outside"),
    [
        ({"url": "SOURCE", "dir_info": {"editable": True}}, False),
        ({"url": "file:///elsewhere", "dir_info": {"editable": True}}, True),
        # It was copied when it was installed.
        ({"url": "file:///elsewhere", "dir_info": {}}, False),
        ({"url": "https://example.org/x.whl"}, False),
        ([], True),
    ],
)
def test_packages_that_are_imported_from_elsewhere(folder, tmp_path, url, outside):
    info = tmp_path / "site" / "x-1.dist-info"
    info.mkdir(parents=True)
    text = json.dumps(url).replace("SOURCE", folder.resolve().as_uri())
    (info / "direct_url.json").write_text(text)
    environment = Environment(tmp_path, Path("python"), folder)
    assert outside_sources(environment, [tmp_path / "site"]) is outside


def test_versions_and_our_own_code_count(tmp_path, folder):
    def facts(**versions):
        return digest(machine_facts(Environment(tmp_path, Path("x"), folder, versions=versions)))

    assert facts(flask="3") == facts(flask="3") != facts(flask="3.1")
    ours = machine_facts(Environment(tmp_path, Path("x"), folder))["slipway"]
    assert {"stages/freeze/guest/slipway_freeze/freeze.py", "archives/pack.py"} <= set(ours)
