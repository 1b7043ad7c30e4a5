"""Look into test files, without running them, for what kinds of tests they hold."""

from __future__ import annotations

import ast
import fnmatch
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from slipway.scripts.project_files import files

__all__ = ["ALSO", "PATTERNS", "TestFile", "look_at_all", "look_into"]

#: Patterns of test files, for any runner.
PATTERNS = ("test*.py", "*_test.py")
#: Names that people give test files, though no runner reads them by itself.
ALSO = ("*_tests.py", "*Test.py", "*Tests.py")
#: Larger ones are not read; real ones have at most some 100,000 bytes.
_LARGEST = 4_000_000
_MOST = 5_000
#: Functions that pytest takes for tests, and people too.
_TEST = re.compile(r"test(_|[A-Z])")
_CASES = ("TestCase", "SimpleTestCase", "TransactionTestCase", "LiveServerTestCase")


@dataclass(frozen=True)
class TestFile:
    """What a test file holds."""

    __test__ = False  # pytest would collect the class by its name

    path: Path
    cases: bool = False
    """Test methods of unittest's classes, which any runner finds."""
    functions: str = ""
    """A test that unittest does not find: a function, or a method of a plain class."""
    pytest: bool = False
    """It imports pytest."""
    fixtures: bool = False
    """Its functions ask for fixtures, or are given parameters."""
    plain: tuple[str, ...] = ()
    """Classes with test methods that no runner takes by their names or bases."""
    django: bool = False
    """It imports Django, or its REST framework."""
    bases: frozenset[str] = frozenset()
    """Names of the bases of all its classes: a class that is one has its tests run in others."""

    def is_named(self, *patterns: str) -> bool:
        """Return True if its name fits one of the patterns."""
        return any(fnmatch.fnmatch(self.path.name, pattern) for pattern in patterns)


def look_into(source: Path, patterns: tuple[str, ...] = PATTERNS) -> list[TestFile]:
    """Return the project's test files with tests in them."""
    return [one for one in look_at_all(source, patterns) if one.cases or one.functions]


def look_at_all(source: Path, patterns: tuple[str, ...]) -> list[TestFile]:
    """Return the project's test files with classes or tests in them."""
    found = []
    for path in sorted(set(files(source, *patterns)))[:_MOST]:
        one = _look(path)
        if one is not None and (one.cases or one.functions or one.plain or one.bases):
            found.append(one)
    return found


def _look(path: Path) -> TestFile | None:
    try:
        if path.stat().st_size > _LARGEST:
            return None
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        # The runner that reads it will say what is wrong with it.
        return None
    body = list(_statements(tree.body))
    classes = {node.name: node for node in body if isinstance(node, ast.ClassDef)}
    cases, loose, plain = False, "", []
    for node in classes.values():
        methods = [one.name for one in _functions(node.body) if one.name.startswith("test")]
        if not methods:
            continue
        if _is_case(node, classes) or _has_foreign_base(node, classes):
            cases = True
        elif not node.name.startswith("Test") or _has_init(node):
            plain.append(node.name)
        if not _is_case(node, classes) and node.name.startswith("Test") and not _has_init(node):
            loose = loose or f"{node.name}.{methods[0]}"
    # Names such as `tests` or `testing_helper` are helpers more often than tests.
    named = [one for one in _functions(body) if _TEST.match(one.name)]
    loose = loose or (named[0].name if named else "")
    fixtures = any(one.args.args and not one.args.defaults for one in named)
    bases = frozenset(_name(base) for node in classes.values() for base in node.bases)
    imported = _imports(tree)
    django = bool(imported & {"django", "rest_framework"})
    pytest = "pytest" in imported
    return TestFile(path, cases, loose, pytest, fixtures, tuple(plain), django, bases)


def _name(base: ast.expr) -> str:
    return str(getattr(base, "id", "") or getattr(base, "attr", ""))


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements of a module, those below `if`, `try` and `with` too."""
    for one in body:
        yield one
        if isinstance(one, ast.If | ast.Try | ast.With):
            inner = [*one.body, *getattr(one, "orelse", ()), *getattr(one, "finalbody", ())]
            for handler in getattr(one, "handlers", ()):
                inner += handler.body
            yield from _statements(inner)


def _has_foreign_base(node: ast.ClassDef, classes: dict[str, ast.ClassDef]) -> bool:
    """Return True if a base is of another file: it may well be one of unittest's."""
    names = map(_name, node.bases)
    return any(name not in classes and name not in ("object", "Protocol", "ABC") for name in names)


def _functions(body: Iterable[ast.stmt]) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (one for one in body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef))


def _is_case(node: ast.ClassDef, classes: dict[str, ast.ClassDef], deep: int = 0) -> bool:
    """Return True if a class is seen to derive from unittest's, also by others of its file.

    Of a base from elsewhere nobody can tell: pytest finds its tests in either case.
    """
    for base in node.bases:
        name = base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "")
        if name in classes and name != node.name and deep < len(classes):
            if _is_case(classes[name], classes, deep + 1):
                return True
        elif name.endswith(_CASES) or "TestCase" in name:
            return True
    return False


def _has_init(node: ast.ClassDef) -> bool:
    return any(one.name == "__init__" for one in _functions(node.body))


def _imports(tree: ast.Module) -> set[str]:
    """Return the names of the top-level packages that a file imports."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {one.name.partition(".")[0] for one in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add((node.module or "").partition(".")[0])
    return found
