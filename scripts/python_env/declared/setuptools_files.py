"""Read what setup.cfg and setup.py say, without running either."""

from __future__ import annotations

import ast
import configparser
from pathlib import Path

from slipway.scripts.python_env.declared.model import Declared, Role, role_of

__all__ = ["is_described", "read", "read_sections"]


def read_sections(path: Path) -> configparser.RawConfigParser:
    """Return the sections of an ini file; none if it is missing or not readable as one."""
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read(path, "utf-8")
    except (configparser.Error, UnicodeDecodeError):
        return configparser.RawConfigParser()
    return parser


def is_described(source: Path) -> bool:
    """Return True if setup.cfg describes a package."""
    return read_sections(source / "setup.cfg").has_option("metadata", "name")


def read(source: Path) -> list[Declared]:
    """Return the extras, and what is required for tests; what is always needed comes by itself."""
    found = []
    sections = read_sections(source / "setup.cfg")
    if sections.has_option("options", "tests_require"):
        wanted = _lines(sections.get("options", "tests_require"))
        found.append(Declared("tests_require in setup.cfg", Role.TESTS, wanted))
    if sections.has_section("options.extras_require"):
        for extra, text in sections.items("options.extras_require"):
            role = role_of(extra, _lines(text))
            found.append(Declared(f"extra {extra} in setup.cfg", role, _lines(text), extra=extra))
    return found + _in_setup_py(source / "setup.py")


def _lines(text: str) -> tuple[str, ...]:
    lines = (line.partition(" #")[0].strip() for line in text.replace(";;", ";").splitlines())
    return tuple(line for line in lines if line and not line.startswith(("#", "file:")))


def _in_setup_py(path: Path) -> list[Declared]:
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError):
        return []
    known = {
        target.id: node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    found = []
    for node in ast.walk(tree):
        for word in node.keywords if isinstance(node, ast.Call) else ():
            value = _known(word.value, known)
            if word.arg == "tests_require" and (wanted := _strings(value, known)):
                found.append(Declared("tests_require in setup.py", Role.TESTS, wanted))
            if word.arg == "extras_require" and isinstance(value, ast.Dict):
                found += _extras(value, known)
    return found


def _known(value: ast.expr, known: dict[str, ast.expr]) -> ast.expr:
    return known.get(value.id, value) if isinstance(value, ast.Name) else value


def _extras(value: ast.Dict, known: dict[str, ast.expr]) -> list[Declared]:
    found = []
    for key, listed in zip(value.keys, value.values, strict=True):
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            extra, _, marker = key.value.partition(":")
            wanted = _strings(_known(listed, known), known)
            if extra and not marker:
                role = role_of(extra, wanted)
                found.append(Declared(f"extra {extra} in setup.py", role, wanted, extra=extra))
    return found


def _strings(value: ast.expr, known: dict[str, ast.expr]) -> tuple[str, ...]:
    if not isinstance(value, ast.List | ast.Tuple | ast.Set):
        return ()
    parts = (_known(one, known) for one in value.elts)
    return tuple(
        one.value for one in parts if isinstance(one, ast.Constant) and isinstance(one.value, str)
    )
