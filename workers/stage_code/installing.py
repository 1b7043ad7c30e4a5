"""Install the master's code on a worker: `python -I -m slipway.workers.stage_code.installing`.

A process of its own, so that the worker goes on meanwhile and can end it. It gets an order as JSON
on its standard input, and its last line of output is the answer, as JSON.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from filelock import FileLock

import slipway
from slipway.model.errors import MissingTool, SlipwayError, StageFailed, Stopped, WrongInput
from slipway.scripts import guard
from slipway.scripts.atomic_files import write_text
from slipway.scripts.opened_files import read_plain
from slipway.scripts.python_env.environment import python_in
from slipway.scripts.python_env.uv import explain, try_uv
from slipway.workers.stage_code.form import MOST, Content, check_key, read_code
from slipway.workers.stage_code.pieces import pieces_here
from slipway.workers.stage_code.seal import seal_folder, write_seal
from slipway.workers.stage_code.shelf import Shelf
from slipway.workers.stage_code.versions import installed_extras

__all__ = ["install", "main", "own_code"]

_OWN = "slipway"


def main() -> int:
    """Carry out the order on the standard input, and answer."""
    if sys.platform == "linux":
        guard.die_with_parent()
    signal.signal(signal.SIGTERM, _stopped)
    order = json.load(sys.stdin)
    try:
        found: Mapping[str, Any] = own_code() if order["do"] == "own" else install(order)
    except SlipwayError as error:
        found = {"problem": str(error)}
    except OSError as error:
        place = f" ({error.filename})" if error.filename else ""
        found = {"problem": f"{error.strerror or error}{place}"}
    print(json.dumps(found), flush=True)  # noqa: T201  the answer
    return 0


def _stopped(number: int, _frame: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    msg = f"it was stopped from outside ({signal.Signals(number).name})"
    raise Stopped(msg)


def own_code() -> dict[str, Any]:
    """Return the version of this installation, and the hashes of what it is made of."""
    return {"version": slipway.__version__, "records": sorted(pieces_here().records)}


def install(order: Mapping[str, Any]) -> dict[str, str]:
    """Make an environment of the code in a file, unless it is there by now.

    Args:
        order: The `folder` of the shelf, the `file` that came and its `key`, and the hashes of the
            seals that are `known`, by the names of the folders; without them all are believed.

    Returns:
        The `name` of the environment's folder, and the hash of its `seal` if it is new.

    Raises:
        MissingTool: It cannot be made on this machine.
        WrongInput: The file is not what the master has named.
    """
    shelf, key = Shelf(Path(order["folder"]), order.get("known")), check_key(order["key"])
    content = _read(Path(order["file"]), key)
    # Another worker process may still be at it, whose end nobody has seen.
    with FileLock(shelf.folder / "lock"):
        found = {"name": shelf.find(key)}
        if not found["name"]:
            shelf.clear_half_made()
            found = _make(shelf, key, content)
        shelf.prune(found["name"])
    return found


def _read(file: Path, key: str) -> Content:
    try:
        data = read_plain(file.parent, file.name, MOST)
    except ValueError:
        msg = f"the master's code is larger than {MOST} bytes"
        raise WrongInput(msg) from None
    return read_code(data, key)


def _make(shelf: Shelf, key: str, content: Content) -> dict[str, str]:
    """Make the environment; what says that it is whole is written last.

    Raises:
        MissingTool: It cannot be made.
    """
    # Short: Windows programs know paths of 260 characters. New: what is half made has another name.
    folder = shelf.folder / f"{key[:10]}-{secrets.token_hex(3)}"
    wheels = folder / "wheels"
    wheels.mkdir(parents=True)
    for name, data in content.wheels.items():
        (wheels / name).write_bytes(data)
    versions = wheels / "versions.txt"
    versions.write_text("".join(f"{one}\n" for one in content.versions), "utf-8")
    environment = folder / "env"
    first = ["venv", "--no-project", "--python", shelf.python, str(environment)]
    words = ["pip", "install", "--compile-bytecode", "--constraint", str(versions)]
    words += [*_wanted(wheels, content), *content.requirements]
    words += ["--python", str(python_in(environment))]
    with tempfile.TemporaryDirectory(dir=folder, prefix="uv", ignore_cleanup_errors=True) as aside:
        for one in (first, words):
            _call_uv(shelf, environment, Path(aside), *one)
    digest = write_seal(folder, seal_folder(folder))
    write_text(folder / shelf.MARK, json.dumps(shelf.mark(key)))
    return {"name": folder.name, "seal": digest}


def _wanted(wheels: Path, content: Content) -> list[str]:
    """Return the requirements of the wheels, Slipway's with this machine's extras."""
    extras = ",".join(installed_extras(_OWN))
    wanted = []
    for name in content.wheels:
        project = name.partition("-")[0]
        more = f"[{extras}]" if extras and project == _OWN else ""
        # As a URL: no character of the path means anything.
        wanted.append(f"{project}{more} @ {(wheels / name).as_uri()}")
    return wanted


def _call_uv(shelf: Shelf, environment: Path, aside: Path, *words: str) -> None:
    """Run uv with nothing that a stage may have left for it: no cache, and no settings.

    Raises:
        MissingTool: It failed.
    """
    extra = {
        # New each time: uv does not look again at what it has unpacked once.
        "UV_CACHE_DIR": str(aside / "cache"),
        "UV_LINK_MODE": "copy",
        # No uv.toml of the worker's user; that of the machine (/etc/uv) goes on to count.
        "APPDATA" if os.name == "nt" else "XDG_CONFIG_HOME": str(aside / "settings"),
    }
    try:
        # In the worker's folders there may be settings of uv, too; in the root a stage has no way.
        done = try_uv(words, cwd=Path(shelf.folder.anchor), folder=environment, extra=extra)
    except StageFailed as error:
        raise MissingTool(str(error)) from None
    if done.code:
        raise MissingTool(str(explain(done.tail, shelf.python, "the environment")))


if __name__ == "__main__":
    sys.exit(main())
