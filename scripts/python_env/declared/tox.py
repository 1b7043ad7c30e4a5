"""Read what tox installs before it runs the tests: `deps` and `extras` of [testenv]."""

from __future__ import annotations

import configparser
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from slipway.scripts.python_env.declared.model import Declared, Role, table, texts
from slipway.scripts.python_env.declared.setuptools_files import read_sections

__all__ = ["read"]

#: A condition before a line: "py311,py312: name". Windows paths and URLs have no such form.
_CONDITION = re.compile(r"^[A-Za-z0-9_.,!{}-]+:\s+")
_REFERENCE = re.compile(r"\{\[([^\]]+)\]([A-Za-z_]+)\}")
_DEEPEST = 5


def read(source: Path, data: Mapping[str, Any]) -> list[Declared]:
    """Return what tox.ini, [testenv] in setup.cfg or [tool.tox] say of the plain environment."""
    legacy = table(data, "tool", "tox").get("legacy_tox_ini")
    for where, sections in (
        ("tox.ini", read_sections(source / "tox.ini")),
        ("legacy_tox_ini in pyproject.toml", _parsed(legacy)),
    ):
        if found := _of_sections(source, sections, f"[testenv] in {where}"):
            return found
    base = table(data, "tool", "tox", "env_run_base")
    where = "[tool.tox.env_run_base] in pyproject.toml"
    return _made(source, texts(base.get("deps")), texts(base.get("extras")), where)


def _parsed(text: object) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(text if isinstance(text, str) else "")
    except configparser.Error:
        return configparser.RawConfigParser()
    return parser


def _of_sections(
    source: Path, sections: configparser.RawConfigParser, where: str
) -> list[Declared]:
    deps = _value(sections, "testenv", "deps").splitlines()
    extras = re.split(r"[\s,]+", _value(sections, "testenv", "extras"))
    return _made(source, tuple(deps), tuple(extras), where)


def _value(sections: configparser.RawConfigParser, section: str, key: str, deep: int = 0) -> str:
    """Return a value with references to other sections replaced."""
    text = sections.get(section, key, fallback="")
    if deep > _DEEPEST:
        return ""
    return _REFERENCE.sub(lambda match: _value(sections, match[1], match[2], deep + 1), text)


def _made(
    source: Path, deps: tuple[str, ...], extras: tuple[str, ...], where: str
) -> list[Declared]:
    found, wanted = [], []
    for line in deps:
        text = line.partition(" #")[0].strip().replace("{toxinidir}", str(source))
        text = text.replace("{tox_root}", str(source))
        if not text or text.startswith("#") or _CONDITION.match(text) or "{" in text:
            continue
        if match := re.match(r"(?:-r|--requirement)[\s=]*(.+)$", text):
            if (path := source / match[1].strip()).is_file():
                found.append(
                    Declared(f"{path.name}, named by {where}", Role.TESTS, file=path, weak=True)
                )
        elif not text.startswith(("-", ".")):
            wanted.append(text)
    if wanted:
        found.append(Declared(f"deps of {where}", Role.TESTS, tuple(wanted), weak=True))
    found += [
        Declared(f"extra {extra}, named by {where}", Role.TESTS, extra=extra, weak=True)
        for extra in extras
        if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", extra)
    ]
    return found
