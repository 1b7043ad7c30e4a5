"""What editors see of a checkout: every import of ours leads to its file, asked from anywhere."""

import json
import shutil
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest

import slipway

ROOT = Path(__file__).parents[1]
LINKS = ROOT / ".venv" / "editable"
TOOL = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]
pytestmark = pytest.mark.skipif(
    not LINKS.is_dir(), reason="this environment was not made by make, or has no links"
)


def modules():
    """Return the name of each module that is shipped; those of migrations are numbers."""
    for package in TOOL["packages"]:
        folder = LINKS.joinpath(*package.split("."))
        for path in folder.glob("[!0-9]*.py"):
            yield package if path.stem == "__init__" else f"{package}.{path.stem}"


@pytest.fixture
def importing(tmp_path):
    """Return a file outside of the checkout that imports all there is."""
    file = tmp_path / "importing.py"
    lines = [f"import {name}" for name in sorted(modules())]
    file.write_text("\n".join(lines) + "\n")
    return file


def run(*words, cwd):
    return subprocess.run(
        [str(word) for word in words],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def test_python_takes_the_same_files():
    assert Path(slipway.__file__) == LINKS / "slipway" / "__init__.py"
    assert len(list(modules())) > 500


def test_each_room_is_where_the_wheel_has_it():
    for package, folder in TOOL["package-dir"].items():
        assert LINKS.joinpath(*package.split("."), "__init__.py").samefile(
            ROOT / folder / "__init__.py"
        )
    seen = {path.name for path in (LINKS / "slipway").iterdir()} - {"__pycache__"}
    rooms = {package.partition(".")[2] for package in TOOL["package-dir"]} - {""}
    own = {path.name for path in (ROOT / "pipeline").iterdir()} - {"__pycache__"}
    assert seen == rooms | own


@pytest.mark.slow
def test_mypy_finds_every_module_from_anywhere(importing):
    words = ("--follow-imports=skip", "--config-file=", "--cache-dir", importing.parent / "cache")
    done = run(sys.executable, "-m", "mypy", *words, importing, cwd=importing.parent)
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_mypy_reads_the_types_behind_an_import(tmp_path):
    file = tmp_path / "typed.py"
    file.write_text("from slipway.git_mirror import Mirror\nreveal_type(Mirror.between)\n")
    words = ("--follow-imports=silent", "--config-file=", "--cache-dir", tmp_path / "cache")
    done = run(sys.executable, "-m", "mypy", *words, file, cwd=tmp_path)
    assert "def (self: slipway.git_mirror.Mirror" in done.stdout, done.stdout


@pytest.mark.slow
def test_pyright_finds_every_module_from_anywhere(importing):
    pyright = shutil.which("pyright") or shutil.which("basedpyright")
    if pyright is None:
        pytest.skip("neither pyright nor basedpyright is on PATH")
    done = run(
        pyright, "--pythonpath", sys.executable, "--outputjson", importing, cwd=importing.parent
    )
    said = [one["message"] for one in json.loads(done.stdout)["generalDiagnostics"]]
    assert not [one for one in said if "could not be resolved" in one]


@pytest.mark.slow
def test_without_the_links_the_finder_does_it():
    program = (
        f"import sys; sys.path.remove({str(LINKS)!r})\n"
        "import slipway.cli.main, slipway.steps, slipway.sessions.session, slipway\n"
        "print(*slipway.__path__)"
    )
    done = run(sys.executable, "-c", program, cwd="/")
    assert (done.stdout.strip(), done.stderr) == (str(ROOT / "pipeline"), "")


# ---- what `make` keeps


@pytest.fixture
def checkout(tmp_path):
    shutil.copy(ROOT / "Makefile", tmp_path)
    for folder in ("pipeline/model", "scripts", "sessions", "steps", "workers", "www"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "__init__.py").touch()
    (tmp_path / "pipeline" / "__init__.py").touch()
    (tmp_path / ".venv" / "lib" / "python3.11" / "site-packages").mkdir(parents=True)
    return tmp_path


def make(folder):
    """Make the links alone: the environment counts as made."""
    done = run("make", "-o", ".venv/.synced", ".venv/.ready", cwd=folder)
    assert done.returncode == 0, done.stderr
    time.sleep(0.05)  # what changes now is newer, also by the clock of the file system
    return folder / ".venv" / "editable" / "slipway"


@pytest.mark.slow
def test_make_links_what_is_new_and_lets_go_what_is_gone(checkout):
    links = make(checkout)
    (pth,) = checkout.glob(".venv/lib/*/site-packages/*.pth")
    assert (pth.parent / pth.read_text().strip()).resolve() == links.parent
    (checkout / "pipeline" / "model" / "deep.py").touch()
    assert (links / "model" / "deep.py").exists(), "at once"
    (checkout / "pipeline" / "newer.py").touch()
    assert (make(checkout) / "newer.py").exists()
    (checkout / "pipeline" / "newer.py").unlink()
    assert not (make(checkout) / "newer.py").is_symlink()


def test_a_checkout_that_was_moved_keeps_its_links(checkout):
    make(checkout)
    moved = checkout.rename(checkout.with_name("moved"))
    assert (moved / ".venv" / "editable" / "slipway" / "www" / "__init__.py").exists()


@pytest.mark.slow
def test_caches_are_not_linked(checkout):
    links = make(checkout)
    assert all(path.is_symlink() for path in links.iterdir())
    (checkout / "pipeline" / "__pycache__").mkdir()
    assert not (make(checkout) / "__pycache__").exists()
