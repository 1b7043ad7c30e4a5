"""No file imports a file that imports it, however many lie between: not for its types either."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
#: Where each room of the package `slipway` lies; all folders in pipeline are rooms, too.
ROOMS = ("scripts", "sessions", "steps", "workers", "www", "pipeline")


def modules():
    """Return the file of each module, by its name."""
    found = {}
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            parts = parts[1:] if parts[0] == "pipeline" else parts
            if "node_modules" not in parts:
                found[".".join(("slipway", *parts)).removesuffix(".__init__")] = path
    return found


def imported(tree, known):
    """Return the modules that a file imports, in functions and for its types, too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = {alias.name: f"{node.module}.{alias.name}" for alias in node.names}
            yield from (whole if whole in known else node.module for whole in names.values())


def graph():
    files = modules()
    found = {}
    for name, path in files.items():
        tree = ast.parse(path.read_text("utf-8"))
        found[name] = {one for one in imported(tree, files) if one in files} - {name}
    return found


@pytest.mark.slow
def test_there_is_no_circle():
    found = graph()
    assert len(found) > 500
    assert "slipway.model.errors" in found["slipway.scripts.process"]
    try:
        TopologicalSorter(found).prepare()
    except CycleError as error:
        pytest.fail(f"these import each other: {' -> '.join(error.args[1])}")
