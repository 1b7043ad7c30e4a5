"""What a module offers to others is written in its `__all__`; everything else begins with `_`."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("pipeline", "scripts", "sessions", "steps", "workers", "www")
#: Alembic reads these, Python runs these, or they are built in an environment without Slipway.
NOT_IMPORTED = ("/migrations/", "__main__.py", "www/src/")
#: Its `__all__` registers the ready steps when it is read.
MADE = "sessions/steps/__init__.py"
TYPES = {"TypeVar", "ParamSpec"}


def modules():
    found = (path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
    names = (
        path.relative_to(ROOT).as_posix() for path in found if "node_modules" not in path.parts
    )
    return sorted(
        name for name in names if name != MADE and not any(part in name for part in NOT_IMPORTED)
    )


def assigned(node):
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    for target in targets:
        parts = target.elts if isinstance(target, ast.Tuple) else [target]
        yield from (part.id for part in parts if isinstance(part, ast.Name))


def is_type_variable(node):
    return isinstance(node.value, ast.Call) and getattr(node.value.func, "id", "") in TYPES


def defined(tree):
    """Return the public names that a module defines itself."""
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names = [node.name]
        elif isinstance(node, (ast.Assign, ast.AnnAssign)) and not is_type_variable(node):
            names = list(assigned(node))
        else:
            names = []
        yield from (name for name in names if not name.startswith("_"))


def offered(tree):
    """Return the value of `__all__`; None where there is none."""
    for node in tree.body:
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and "__all__" in assigned(node):
            return (
                ast.literal_eval(node.value) if isinstance(node.value, ast.List | ast.Tuple) else ()
            )
    return None


def complaint(name):
    """Return what a module's `__all__` lacks; empty if it lacks nothing."""
    tree = ast.parse((ROOT / name).read_text("utf-8"))
    names, own = offered(tree), set(defined(tree))
    if names is None:
        return f"{name}: write __all__ = {sorted(own)}" if own else ""
    missing = own - set(names) if names else set()
    return f"{name}: add {sorted(missing)} to __all__, or let them begin with _" if missing else ""


@pytest.mark.slow
def test_modules_say_what_they_offer():
    names = modules()
    assert len(names) > 400
    assert [told for name in names if (told := complaint(name))] == []


def test_the_rule_finds_what_is_missing():
    tree = ast.parse("A = 1\nb: int = 2\n_c = 3\ndef d(): ...\nclass E: ...\nT = TypeVar('T')\n")
    assert list(defined(tree)) == ["A", "b", "d", "E"]
    assert offered(tree) is None
    assert offered(ast.parse("__all__ = ['A']")) == ["A"]
