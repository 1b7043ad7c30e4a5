"""The example of a target of one's own holds to the contract, in 40 lines."""

import ast
import importlib.util
import sys
import zipfile
from pathlib import Path

import pytest

from tests.scripts.stages.publish.test_run import job
from tests.support.release_targets import CHECKS, Place, check_alteration_is_found

EXAMPLE = Path(__file__).parents[5] / "examples/plugin/slipway_example/zip_target.py"


@pytest.fixture(scope="module")
def example():
    name = "slipway_example_zip_target"
    spec = importlib.util.spec_from_file_location(name, EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    # pydantic looks the annotations up there.
    sys.modules[name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[name]


@pytest.fixture
def place(tmp_path, example):
    home = tmp_path / "zips" / "almanac"
    settings = example.ZipTarget(kind="zip", path=str(tmp_path / "zips"))

    def connect(release, report):
        return example.ZipCopy(settings, job(tmp_path / "job", version=release.version), report)

    def readers_see(version: str) -> dict[str, bytes]:
        if not (home / f"{version}.zip").exists():
            return {}
        with zipfile.ZipFile(home / f"{version}.zip") as made:
            return {name: made.read(name) for name in made.namelist()}

    def alter(version: str, name: str) -> None:
        (home / f".{version}" / name).write_bytes(b"altered")

    return Place(connect, readers_see, tmp_path / "releases", alter)


@pytest.mark.parametrize(
    "check", [*CHECKS, check_alteration_is_found], ids=lambda one: one.__name__
)
def test_it_holds_to_the_contract(place, check):
    check(place)


def test_it_has_40_lines():
    classes = {one.name: one for one in ast.parse(EXAMPLE.read_text()).body if hasattr(one, "name")}
    lines = EXAMPLE.read_text().splitlines()
    copy = classes["ZipCopy"]
    assert len([line for line in lines[copy.lineno - 1 : copy.end_lineno] if line.strip()]) <= 40
