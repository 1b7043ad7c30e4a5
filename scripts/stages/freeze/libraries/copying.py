"""Copy libraries of this Linux machine into a frozen tree, where other machines may lack them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from slipway.model.errors import StageFailed
from slipway.scripts.binaries.binary import Binary, read_binary
from slipway.scripts.process import run as run_program
from slipway.scripts.stages.freeze.libraries.system import is_system, on_this_machine

__all__ = ["copy_libraries"]

_FOLDER = "lib"


def copy_libraries(
    tree: Path,
    binaries: Sequence[Binary],
    names: Sequence[str],
    patchelf: Path,
    log: Callable[[str], None],
) -> list[str]:
    """Copy libraries, with those they need, once; and have their users find them there.

    Args:
        tree: The frozen tree.
        binaries: Its binaries.
        names: The libraries that are missing.
        patchelf: The program that changes where a binary searches.
        log: Receives its output.

    Returns:
        The names of all that were copied.

    Raises:
        StageFailed: patchelf failed.
    """
    inside = {binary.name for binary in binaries}
    users = {tree / one.path: one.imports.needs for one in binaries}
    left, copied = list(names), []
    while left:
        name = left.pop(0)
        source = on_this_machine(name)
        if name in inside or source is None:
            continue
        target = tree / _FOLDER / name
        target.parent.mkdir(exist_ok=True)
        shutil.copyfile(source, target)
        target.chmod(0o755)
        inside.add(name)
        copied.append(name)
        imports = read_binary(target)
        if imports is not None:
            users[target] = imports.needs
            left += [need for need in imports.needs if not is_system(need, imports.machine, None)]
    for user, needs in users.items():
        if set(needs) & set(copied):
            _add_search(user, tree / _FOLDER, patchelf, log)
    return sorted(copied)


def _add_search(user: Path, folder: Path, patchelf: Path, log: Callable[[str], None]) -> None:
    """Have a binary search a folder of the tree, after those it searches already.

    Raises:
        StageFailed: patchelf failed.
    """
    inner = os.path.relpath(folder, user.parent)
    place = "$ORIGIN" if inner == "." else f"$ORIGIN/{inner}"
    done = run_program([patchelf, "--add-rpath", place, user], log=log, what="patchelf")
    if done.code:
        msg = f"patchelf could not change {user.name}: {done.last_output(3) or 'it said nothing'}"
        raise StageFailed(msg)
