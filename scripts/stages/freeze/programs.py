"""Resolve the programs to freeze, and write the scripts that start them."""

from __future__ import annotations

import configparser
import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from slipway.model.errors import WrongInput
from slipway.scripts.project_files import files
from slipway.scripts.python_env.environment import roots
from slipway.scripts.python_env.requirements import read_pyproject
from slipway.scripts.stages.freeze.stage import FreezeStage

__all__ = [
    "Program",
    "code_name",
    "find_file",
    "own_packages",
    "resolve_programs",
    "write_launchers",
]

_ENTRY = re.compile(r"([A-Za-z_][\w.]*)\s*:\s*([A-Za-z_][\w.]*)\s*(?:\[.*\])?")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
#: Folders beside the executables.
_TAKEN = frozenset({"lib", "share", "slipway-check-imports"})
#: Names that the module `site` puts among the built-in ones; a frozen program starts without it.
_LEAVE = """\
import sys

if not hasattr(__import__("builtins"), "exit"):
    __import__("builtins").exit = __import__("builtins").quit = sys.exit

"""
#: A child of multiprocessing, or its resource tracker, does its work before anything of the program
#: is loaded: cx_Freeze's own support starts it in the middle of the first module that imports
#: multiprocessing, which then lacks its functions, or not at all. By name, so that programs without
#: multiprocessing do not get it.
_CHILDREN = """\
if "--multiprocessing-fork" in sys.argv[1:] or (
    sys.argv[-2:-1] == ["-c"] and sys.argv[-1].startswith("from multiprocessing.")
):
    try:
        freeze_support = __import__("multiprocessing").freeze_support
    except ImportError:
        pass
    else:
        # So that the child runs what defines its functions, in a main module of its own.
        __spec__ = None
        freeze_support()
"""
#: Runs a module of a package as `python -m` does, in the module that multiprocessing and pickle
#: know as the main one.
_MODULE = """
from importlib.util import find_spec

__spec__ = find_spec("{module}")
__package__ = __spec__.parent
__file__ = __spec__.origin
exec(__spec__.loader.get_code("{module}"), globals())
"""
#: Runs a script as the main module. It finds files beside it where those of packages are.
_SCRIPT = """
import os
from importlib.util import find_spec

__file__ = os.path.join(os.path.dirname(sys.executable), "lib", {file!r})
exec(find_spec({module!r}).loader.get_code({module!r}), globals())
"""
_FUNCTION = """
from {module} import {first}

if __name__ == "__main__":
    sys.exit({function}())
"""


@dataclass(frozen=True)
class Program:
    """One executable: a script, a module of a package, or a function."""

    name: str
    gui: bool
    script: Path | None = None
    module: str | None = None
    function: str | None = None

    @property
    def what(self) -> str:
        """What is frozen, as a person would write it."""
        if self.script is not None:
            return self.script.name
        return f"{self.module}:{self.function}" if self.function else f"-m {self.module}"


def resolve_programs(source: Path, stage: FreezeStage, project: str) -> list[Program]:
    """Return the programs that the stage's settings name; the first is the main one.

    Args:
        source: The project's folder.
        stage: Its `script` or `entry`.
        project: The project's name, for what has none of its own.

    Raises:
        WrongInput: A script, a module or an entry is missing, or two have one name.
    """
    if stage.name is not None and stage.name.lower() in _TAKEN:
        msg = f'name: "{stage.name}" is a folder beside the executables; choose another'
        raise WrongInput(msg)
    if stage.script is not None:
        return [_of_script(source, stage, stage.name or project)]
    declared = _declared(source)
    if stage.entry is None:
        entries: Sequence[str] = tuple(declared)
        if not entries:
            msg = (
                "nothing to freeze is named: write script = or entry = into the stage; "
                f"{source} declares no [project.scripts] either"
            )
            raise WrongInput(msg)
    else:
        entries = stage.entry
    single = stage.name if len(entries) == 1 else None
    found = [_of_entry(source, stage, entry, declared, single, project) for entry in entries]
    names = [program.name for program in found]
    # cx_Freeze keeps their scripts under these names; Windows knows no upper case.
    plain = [re.sub(r"[^a-z0-9]", "_", name.lower()) for name in names]
    for name, like in zip(names, plain, strict=True):
        if plain.count(like) > 1:
            msg = (
                f'entry: two executables would be named "{name}", or alike; name others, or '
                "declare them in [project.scripts]"
            )
            raise WrongInput(msg)
    return found


def _of_script(source: Path, stage: FreezeStage, name: str) -> Program:
    script = find_file(source, stage.script or "", "script")
    if script.suffix not in {".py", ".pyw", ""}:
        msg = f"script: {stage.script} is no Python script; its name has to end with .py"
        raise WrongInput(msg)
    if not (script.parent / "__init__.py").exists():
        return Program(name, stage.gui, script=script)
    return Program(name, stage.gui, module=_dotted(script))


def _dotted(script: Path) -> str:
    parts = [script.stem]
    folder = script.parent
    while (folder / "__init__.py").exists():
        parts.insert(0, folder.name)
        folder = folder.parent
    return ".".join(parts)


def _declared(source: Path) -> dict[str, tuple[str, bool]]:
    """Return the project's own entry points, and whether each is windowed, by name.

    They are in pyproject.toml, also as Poetry writes them, or in setup.cfg.
    """
    data = read_pyproject(source)
    table, poetry = data.get("project", {}), data.get("tool", {}).get("poetry", {})
    setup = _setup_cfg(source)
    found: dict[str, tuple[str, bool]] = {}
    for given, gui in (
        (setup.get("console_scripts"), False),
        (setup.get("gui_scripts"), True),
        (poetry.get("scripts"), False),
        (table.get("scripts"), False),
        (table.get("gui-scripts"), True),
    ):
        if isinstance(given, dict):
            texts = {name: one for name, one in given.items() if isinstance(one, str)}
            found |= {name: (value, gui) for name, value in texts.items()}
    return found


def _setup_cfg(source: Path) -> dict[str, dict[str, str]]:
    """Return the entry points of setup.cfg by group."""
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read(source / "setup.cfg", "utf-8")
    except (configparser.Error, UnicodeDecodeError, OSError):
        return {}
    section = "options.entry_points"
    if not parser.has_section(section):
        return {}
    found = {}
    for group, text in parser.items(section):
        pairs = [line.partition("=") for line in text.splitlines() if "=" in line]
        found[group] = {name.strip(): value.strip() for name, _, value in pairs}
    return found


def _of_entry(
    source: Path,
    stage: FreezeStage,
    entry: str,
    declared: dict[str, tuple[str, bool]],
    single: str | None,
    project: str,
) -> Program:
    value, gui = declared.get(entry, (entry, False))
    name = single or (entry if entry in declared else None)
    if name is not None and (_NAME.fullmatch(name) is None or name.lower() in _TAKEN):
        msg = f'entry: "{name}" cannot be the name of an executable; write name = into the stage'
        raise WrongInput(msg)
    if match := _ENTRY.fullmatch(value):
        module, function = match.groups()
        _check_own(source, module, entry)
        fallback = project if stage.entry == (entry,) else module.partition(".")[0]
        return Program(name or fallback, gui or stage.gui, module=module, function=function)
    package = next((root / entry for root in roots(source) if (root / entry).is_dir()), None)
    if entry.isidentifier() and package is not None and (package / "__main__.py").is_file():
        return Program(name or entry, stage.gui, module=f"{entry}.__main__")
    near = difflib.get_close_matches(entry, declared, n=2, cutoff=0.5) or list(declared)
    known = f"; the project declares {', '.join(near)}" if near else ""
    msg = (
        f'entry: "{entry}" is no script of pyproject.toml, no package of the project with a '
        f'__main__.py, and not written as "package.module:function"{known}'
    )
    raise WrongInput(msg)


def _check_own(source: Path, module: str, entry: str) -> None:
    """Refuse a module of the project's own package that is not there.

    Raises:
        WrongInput: The package is the project's, the module is not in it.
    """
    top, *inner = module.split(".")
    for root in roots(source):
        if not (root / top).is_dir():
            continue
        path = root.joinpath(top, *inner)
        if path.is_dir() or any(path.parent.glob(f"{path.name}.*")):
            return
        msg = f'entry: "{entry}": there is no {"/".join((top, *inner))}.py in {root}'
        raise WrongInput(msg)


def own_packages(source: Path) -> list[str]:
    """Return the names of the project's own packages; below src also those without an __init__."""
    return sorted(
        {
            folder.name
            for root in roots(source)
            for folder in root.iterdir()
            if folder.is_dir()
            and folder.name.isidentifier()
            and folder.name not in {"test", "tests"}
            and (
                (folder / "__init__.py").is_file() or (root != source and any(folder.rglob("*.py")))
            )
        }
    )


def write_launchers(
    programs: Sequence[Program], folder: Path, *, frozen: bool = True
) -> dict[str, Path]:
    """Write the scripts that start the programs; return each program's by name.

    Args:
        programs: The programs.
        folder: The folder to write to.
        frozen: True: the scripts to freeze. False: those that start the programs unfrozen.
    """
    folder.mkdir(parents=True, exist_ok=True)
    scripts = {}
    for number, program in enumerate(programs):
        if program.script is not None and not frozen:
            scripts[program.name] = program.script
            continue
        function = program.function or ""
        text = (_SCRIPT if program.script else _FUNCTION if function else _MODULE).format(
            module=program.module or code_name(program),
            function=function,
            first=function.partition(".")[0],
            file=program.script.name if program.script else "",
        )
        # Not the program's own name: it could hide the package that it starts.
        scripts[program.name] = folder / f"start_program_{number}.py"
        scripts[program.name].write_text(_LEAVE + _CHILDREN + text, "utf-8")
    return scripts


def code_name(program: Program) -> str:
    """Return the name of the module that holds a script's code in the frozen program."""
    return f"__script__{re.sub(r'[^A-Za-z0-9]', '_', program.name)}"


def find_file(source: Path, name: str, what: str) -> Path:
    """Return the path of a file of the project.

    Raises:
        WrongInput: It is missing.
    """
    path = source / name
    if path.is_file():
        if source.resolve() not in path.resolve().parents:
            msg = f"{what}: {name} leads out of {source}; only the project's own files are frozen"
            raise WrongInput(msg)
        return path.resolve()
    suffix = PurePosixPath(name).suffix or ".py"
    there = [found.relative_to(source).as_posix() for found in files(source, f"*{suffix}")]
    by_name = [one for one in there if PurePosixPath(one).name == PurePosixPath(name).name]
    near = dict.fromkeys([*difflib.get_close_matches(name, there, n=3, cutoff=0.5), *by_name[:3]])
    meant = f"; did you mean {' or '.join(near)}?" if near else ""
    msg = f"{what}: {name} is no file in {source}{meant}"
    raise WrongInput(msg)
