"""What is shipped: every package, its data, its entry points; and what a worker must not load."""

import subprocess
import sys
import tomllib
from importlib.metadata import distribution
from pathlib import Path

import pytest

from slipway.model.kinds.stage import STAGES

ROOT = Path(__file__).parents[1]
ROOMS = ("pipeline", "sessions", "steps", "scripts", "workers", "www")
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
TOOL = PYPROJECT["tool"]["setuptools"]
POINTS = [point for point in distribution("slipway").entry_points if point.group != "x"]


def folder_of(package):
    """Return where a package lies by tool.setuptools.package-dir."""
    mapped = TOOL["package-dir"]
    parts = package.split(".")
    for length in range(len(parts), 0, -1):
        top = ".".join(parts[:length])
        if top in mapped:
            return ROOT.joinpath(mapped[top], *parts[length:])
    return ROOT.joinpath(*parts)


def test_every_folder_with_python_is_shipped_and_nothing_else():
    found = {
        init.parent
        for room in ROOMS
        for init in (ROOT / room).rglob("__init__.py")
        if "node_modules" not in init.parts
    }
    assert {folder_of(package) for package in TOOL["packages"]} == found
    assert len(TOOL["packages"]) == len(set(TOOL["packages"]))


def test_no_module_lies_in_a_folder_that_is_no_package():
    bare = {
        path.parent
        for room in ROOMS
        for path in (ROOT / room).rglob("*.py")
        if "node_modules" not in path.parts and not (path.parent / "__init__.py").exists()
    }
    # The pages' sources; what builds them runs before anything is installed.
    assert bare == {ROOT / "www" / "src"}


def test_package_data_is_there():
    for package, patterns in TOOL["package-data"].items():
        for pattern in patterns:
            assert list(folder_of(package).glob(pattern)), (package, pattern)


@pytest.mark.slow
def test_every_template_style_and_script_of_a_page_is_shipped():
    shipped = {
        path
        for package, patterns in TOOL["package-data"].items()
        for pattern in patterns
        for path in folder_of(package).glob(pattern)
    }
    found = {
        path
        for room in ROOMS
        for pattern in ("*.j2", "*.css", "*.js")
        for path in (ROOT / room).rglob(pattern)
        # The web pages are built of what lies in src.
        if ROOT / "www" / "src" not in path.parents
    }
    assert len(found) > 10
    assert found <= shipped


@pytest.mark.slow
def test_what_runs_in_an_application_s_environment_needs_no_templates():
    program = (
        "import importlib, pkgutil, sys\n"
        "sys.modules |= dict.fromkeys(('jinja2', 'markupsafe', 'slipway.html'))\n"
        "import slipway.sessions as top\n"
        "for one in pkgutil.walk_packages(top.__path__, 'slipway.sessions.'):\n"
        "    try:\n"
        "        importlib.import_module(one.name)\n"
        "    except ModuleNotFoundError as error:\n"
        "        if not error.name.startswith(('PyQt', 'PySide')): raise\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd="/", capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_wheels_hold_the_repository_s_master_cfg():
    shipped = folder_of("slipway.master") / "master.cfg"
    assert shipped.read_bytes() == (ROOT / "master.cfg").read_bytes()


def test_every_entry_point_is_installed_and_loads():
    wanted = {
        (group, name): target
        for group, points in PYPROJECT["project"].get("entry-points", {}).items()
        for name, target in points.items()
    }
    wanted |= {
        ("console_scripts", name): target
        for name, target in PYPROJECT["project"]["scripts"].items()
    }
    assert {(point.group, point.name): point.value for point in POINTS} == wanted


@pytest.mark.parametrize("point", POINTS, ids=lambda point: f"{point.group}:{point.name}")
def test_an_entry_point_loads(point):
    assert callable(point.load()) or point.group in {"buildbot.www", "pytest11"}


def test_every_step_is_a_plugin_by_its_name():
    from slipway.steps import Stage

    assert {point.load() for point in POINTS if point.group == "buildbot.steps"} == {Stage}


def test_nothing_at_the_top_shadows_the_package():
    assert not (ROOT / "slipway").exists()
    assert not (ROOT / "slipway.py").exists()


def test_behave_does_not_walk_up_to_our_steps():
    if list((ROOT / "features").glob("*.feature")):
        assert (ROOT / "features" / "environment.py").is_file()
    assert (ROOT / "features" / "steps").is_dir()


@pytest.mark.slow
@pytest.mark.parametrize(
    "module",
    [
        "slipway.scripts.stage",
        "slipway.cli.main",
        "slipway.config",
        *(
            kind.runner.partition(":")[0] or f"{kind.__module__.rpartition('.')[0]}.run"
            for _, kind in sorted(STAGES.members.items())
        ),
    ],
)
def test_a_worker_needs_no_buildbot(module):
    program = (
        f"import sys, {module}\n"
        "print(*{name.split('.')[0] for name in sys.modules} & {'buildbot', 'twisted'})"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd="/", capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr, done.stdout.strip()) == (0, "", "")


def test_the_version_is_told_once():
    import slipway

    assert slipway.__version__ == PYPROJECT["project"]["version"]
