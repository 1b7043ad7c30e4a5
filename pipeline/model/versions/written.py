"""Read the version that a build backend would use from a project's files, as text.

The master calls this at the start of a run. It never runs a backend or imports the project: that
would execute a committer's code with the master's rights. So nothing is evaluated, and no regular
expression of the project is used.
"""

from __future__ import annotations

import configparser
import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import Any

__all__ = ["Read", "named_by_backend", "table"]

Read = Callable[[str], str | None]

_ASSIGNED = r"""^{name}(?:[ \t]*:[ \t]*\w+)?[ \t]*=[ \t]*['"]v?([^'"\n]{{1,100}})['"]"""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_IN_CALL = re.compile(r"""\bversion[ \t]*=[ \t]*['"]([^'"\n]{1,100})['"]""")
_NAMED_IN_CALL = re.compile(
    r"""\bversion[ \t]*=[ \t]*([A-Za-z_][A-Za-z0-9_.]{0,100})[ \t]*[,)\n]"""
)


def table(data: dict[str, Any], *names: str) -> dict[str, Any]:
    """Return a nested table of TOML data; empty if it does not exist."""
    for name in names:
        found = data.get(name)
        if not isinstance(found, dict):
            return {}
        data = found
    return data


def named_by_backend(data: dict[str, Any], read: Read) -> str | None:
    """Return the version that the build backend would use, from pyproject.toml or older files.

    Args:
        data: The content of pyproject.toml.
        read: Returns the text of a file of the project; None if it does not exist.
    """
    backends = (_setuptools, _hatch, _pdm, _poetry, _maturin, _flit, _setup_cfg, _setup_py)
    for backend in (*backends, _pkg_info):
        found = backend(data, read)
        if found:
            return found.strip()
    return None


def _setuptools(data: dict[str, Any], read: Read) -> str | None:
    dynamic = table(data, "tool", "setuptools", "dynamic", "version")
    if isinstance(dynamic.get("attr"), str):
        roots = table(data, "tool", "setuptools", "package-dir").get("")
        return _attribute(dynamic["attr"], read, roots if isinstance(roots, str) else "src")
    return _whole(dynamic.get("file"), read)


def _hatch(data: dict[str, Any], read: Read) -> str | None:
    path = table(data, "tool", "hatch", "version").get("path")
    return _assigned(path, ("__version__", "VERSION", "version"), read)


def _pdm(data: dict[str, Any], read: Read) -> str | None:
    settings = table(data, "tool", "pdm", "version")
    return _assigned(settings.get("path"), ("__version__",), read) if settings.get("path") else None


def _poetry(data: dict[str, Any], _read: Read) -> str | None:
    written = table(data, "tool", "poetry").get("version")
    # Placeholders that poetry-dynamic-versioning replaces by the tag's version.
    return written if isinstance(written, str) and written not in {"0", "0.0.0"} else None


def _maturin(data: dict[str, Any], read: Read) -> str | None:
    if "maturin" not in str(table(data, "build-system").get("build-backend")):
        return None
    try:
        cargo = tomllib.loads(read("Cargo.toml") or "")
    except (tomllib.TOMLDecodeError, RecursionError):
        return None
    written = table(cargo, "package").get("version") or table(cargo, "workspace", "package").get(
        "version"
    )
    return written if isinstance(written, str) else None


def _flit(data: dict[str, Any], read: Read) -> str | None:
    if "flit" not in str(table(data, "build-system").get("build-backend")):
        return None
    name = (
        table(data, "tool", "flit", "module").get("name")
        or table(data, "tool", "flit", "metadata").get("module")
        or table(data, "project").get("name")
    )
    if not isinstance(name, str):
        return None
    return _attribute(f"{name.replace('-', '_')}.__version__", read, "src")


def _setup_cfg(_data: dict[str, Any], read: Read) -> str | None:
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(read("setup.cfg") or "")
    except configparser.Error:
        return None
    written = parser.get("metadata", "version", fallback="").strip()
    kind, _, rest = written.partition(":")
    if kind == "attr":
        roots = re.search(
            r"^\s*=\s*(\S+)", parser.get("options", "package_dir", fallback=""), re.MULTILINE
        )
        return _attribute(rest.strip(), read, roots[1] if roots else "src")
    return _whole(rest.strip(), read) if kind == "file" else written


def _setup_py(_data: dict[str, Any], read: Read) -> str | None:
    text = read("setup.py") or ""
    if found := _IN_CALL.search(text):
        return found[1]
    named = _NAMED_IN_CALL.search(text)
    if named is None:
        return None
    # An attribute of a module, or a name that setup.py itself sets, or has from a file it reads.
    if "." in named[1]:
        return _attribute(named[1], read, "src")
    return _assigned("setup.py", (named[1],), read)


def _pkg_info(_data: dict[str, Any], read: Read) -> str | None:
    """Return the version of a source distribution, where backends that ask git find it, too."""
    found = re.search(r"^Version: (\S{1,100})$", read("PKG-INFO") or "", re.MULTILINE)
    return found[1] if found else None


def _attribute(dotted: str, read: Read, root: str) -> str | None:
    """Return the literal assigned to an attribute of a module, such as app.__version__."""
    module, _, name = dotted.rpartition(".")
    parts = module.split(".")
    if not all(_NAME.fullmatch(part) for part in [*parts, name]):
        return None
    for path in _files(parts, root):
        found = _assigned(path, (name,), read)
        if found:
            return found
    return None


def _files(parts: list[str], root: str) -> Iterator[str]:
    inside = "/".join(parts)
    for folder in dict.fromkeys(("", f"{root.strip('/')}/")):
        yield f"{folder}{inside}/__init__.py"
        yield f"{folder}{inside}.py"


def _assigned(path: object, names: tuple[str, ...], read: Read) -> str | None:
    text = _text(path, read)
    for name in names:
        found = re.search(_ASSIGNED.format(name=re.escape(name)), text, re.MULTILINE)
        if found:
            return found[1]
    return None


def _whole(paths: object, read: Read) -> str | None:
    """Return the content of a single file that holds only the version."""
    listed = paths if isinstance(paths, list) else [paths]
    texts = [_text(path, read).strip() for path in listed]
    return texts[0] if len(texts) == 1 else None


def _text(path: object, read: Read) -> str:
    if not isinstance(path, str) or path.startswith("/") or ".." in PurePosixPath(path).parts:
        return ""
    return read(path) or ""
