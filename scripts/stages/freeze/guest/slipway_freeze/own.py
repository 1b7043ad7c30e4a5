"""What is known of the project's own modules, so that they can be frozen again by themselves."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from functools import cache
from importlib.machinery import SourceFileLoader
from importlib.util import MAGIC_NUMBER, find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import CodeType
from typing import Any

from .places import target_of
from .steady import steady_bytes

__all__ = ["imports", "own_modules", "refreeze"]

_CONSTANTS = "BUILD_CONSTANTS"
_TIMES = ("BUILD_TIMESTAMP", "SOURCE_TIMESTAMP")


def imports(code: CodeType) -> list[str]:
    """Return what a module imports, as cx_Freeze sees it, each as JSON."""
    return sorted({json.dumps(one) for one in _imports(code, _scanner())})


@cache
def _scanner() -> Any:
    """Return cx_Freeze's scan_code, without loading all of cx_Freeze."""
    package = find_spec("cx_Freeze")
    if package is None or package.origin is None:
        msg = "cx_Freeze is not in the environment"
        raise ImportError(msg)
    file = Path(package.origin).parent / "_bytecode.py"
    spec = spec_from_file_location("slipway_bytecode", file)
    if spec is None or spec.loader is None:
        msg = f"{file} cannot be loaded"
        raise ImportError(msg)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.scan_code


def _imports(code: CodeType, scan: Any) -> Iterator[list[Any]]:
    for kind, given in scan(code):
        if "import" in kind:
            name, level, names = given
            yield [kind, name, level, list(names or ())]
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _imports(constant, scan)


def own_modules(freezer: Any, settings: dict[str, Any], site: list[str]) -> dict[str, Any] | None:
    """Return what `refreeze` needs of the project's own modules; None: it could not be trusted.

    Args:
        freezer: It has frozen.
        settings: The guest's settings.
        site: Where the packages of the environment are.
    """
    source = Path(settings["source"])
    elsewhere = [*map(Path, site), Path(settings["work"])]
    found = {}
    for module in freezer.finder.modules:
        file = module.file
        if module.code is None or file is None or source not in file.parents:
            continue
        if any(folder in file.parents for folder in elsewhere):
            continue
        target = target_of(module)
        in_archive = target.startswith("lib/library.zip/")
        # A hook may have done anything; in the archive a module of a package is changed.
        if module.hook or module.root.hook or (in_archive and module.parent is not None):
            return None
        root = module.root
        found[module.name] = {
            "file": os.fspath(file),
            "target": target,
            "root": None if root.file is None else os.fspath(root.file),
            "root_is_package": bool(root.path),
            "imports": imports(module.code),
        }
    constants = freezer.constants_module.values
    if not all(isinstance(value, (str, type(None))) for value in constants.values()):
        return None
    return {"modules": found, "constants": dict(constants)}


def refreeze(settings: dict[str, Any]) -> dict[str, Any]:
    """Compile modules as `freeze` would; return what they import.

    Args:
        settings: `modules`: name, file, target and root of each; `constants`; `date`; `folder`:
            where the modules are written, under their targets.
    """
    written = {}
    for name, one in settings["modules"].items():
        loader = SourceFileLoader(name, one["file"])
        data = loader.get_data(one["file"])
        code = loader.source_to_code(data, one["file"])
        written[name] = imports(code)
        _write(settings, one, code, len(data))
    constants = settings["constants"] | dict.fromkeys(_TIMES, settings["date"])
    # As cx_Freeze's ConstantsModule.create writes it.
    text = "\n".join(f"{name} = {constants[name]!r}" for name in sorted(constants))
    file = Path(settings["folder"], f"{_CONSTANTS}.py")
    code = compile(text, str(file), "exec", dont_inherit=True)
    place = {
        "target": f"lib/library.zip/{_CONSTANTS}.pyc",
        "root": str(file),
        "root_is_package": False,
    }
    _write(settings, place, code, len(text.encode()))
    return {"imports": written}


def _write(settings: dict[str, Any], one: dict[str, Any], code: CodeType, size: int) -> None:
    """Write a module with the header that cx_Freeze's Freezer._write_modules gives it."""
    root = None if one["root"] is None else Path(one["root"])
    if root is not None:
        base = root.parent.parent if one["root_is_package"] else root.parent
        code = _moved(code, base)
    header = MAGIC_NUMBER + bytes(8) + (size & 0xFFFF_FFFF).to_bytes(4, "little")
    target = Path(settings["folder"], "files", one["target"])
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(header + steady_bytes(code))


def _moved(code: CodeType, base: Path) -> CodeType:
    """Return the code with paths relative to a folder, as cx_Freeze's `replace_paths` does."""
    file = Path(code.co_filename)
    inner = file.relative_to(base) if base in file.parents else file
    constants = tuple(
        _moved(one, base) if isinstance(one, CodeType) else one for one in code.co_consts
    )
    return code.replace(co_consts=constants, co_filename=os.fspath(inner))
