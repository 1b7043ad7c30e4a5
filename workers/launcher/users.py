"""Start stages as their tenants' users, beside a worker that has a user of its own.

A worker and its stages must run as different users, and so must stages of different projects:
processes of the same user can signal each other, and read and write the same files. So `enclose`,
while it is still root, leaves this process behind. It listens at a socket in the worker's folder
and accepts orders of the worker's user alone. Each order is executed in a separate process:

- Work in a tenant's folder (create a place, open a file, remove) is done with the rights of that
  tenant's user: a link that a stage put there leads to nothing that the stage could not reach.
- A stage is started as that user. Its parent here stays root, adopts the stage's orphans, and ends
  all of them with the stage; no stage can end this process.

Imports the standard library alone while it is root.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from slipway.scripts import removal
from slipway.scripts.guard import adopt_orphans, die_with_parent
from slipway.workers.launcher import serving
from slipway.workers.launcher.ending import act_for, become, end_all
from slipway.workers.launcher.handover import send
from slipway.workers.launcher.serving import PATIENCE, Order
from slipway.workers.places.place import NoPlace, Place, Places, new_file, open_output_file

__all__ = ["run", "start"]

#: Seconds for the removal of leftovers; the next stage goes on with the rest.
_LONGEST = 3600
_MOST = 200


def start(order: Order) -> None:
    """Fork a launcher that ends with this process.

    Args:
        order: The order of `enclose`: the worker's user, and the tenants' users.
    """
    folder = Path(order["folder"])

    def execute(sock: socket.socket, asked: Order, files: list[int]) -> None:
        tenant = order["tenants"].get(asked.get("tenant"))
        if tenant is None:
            whose = f"{asked.get('tenant')!a} has no user here"
            send(sock, {"problem": f"{whose}; restart `slipway up`"})
        elif asked["do"] == "run":
            run(sock, asked, files, tenant, order)
        else:
            _do(sock, asked, tenant)

    def work(listener: socket.socket, worker: int) -> None:
        serving.serve(listener, worker, order["user"], execute)

    listener = serving.listen(folder, order["user"], order["group"])
    serving.leave_behind(listener, folder, work)


# ---- work in a tenant's folder, as the tenant's user


def _do(sock: socket.socket, asked: Order, tenant: Order) -> None:
    # Not signalable by the tenant: another of its stages could stop this process for good.
    act_for(tenant)
    # Linux clears PR_SET_PDEATHSIG at each change of user.
    die_with_parent()
    # A file that a stage put there must not block this process for ever.
    signal.alarm(_LONGEST if asked["do"] == "clear" else 2 * PATIENCE)
    try:
        answer, opened = _ACTIONS[asked["do"]](asked, Path(tenant["area"]))
    except NoPlace as problem:
        answer, opened = {"problem": str(problem)}, None
    except OSError as problem:
        answer, opened = {"problem": problem.strerror or str(problem)}, None
    send(sock, answer, () if opened is None else (opened,))


def _begin(asked: Order, area: Path) -> tuple[dict[str, Any], int | None]:
    home = area / "home"
    if home.is_symlink() or not home.is_dir():
        removal.remove(home)
        home.mkdir(mode=0o700)
    places, builder = _known(asked, area)
    place = places.begin(builder, str(asked["run"]))
    facts = {
        "folder": str(place.folder),
        "given": place.given.name,
        "problem_before": place.problem,
    }
    return {**facts, "left": [str(one) for one in places.leftovers(builder)]}, None


def _end(asked: Order, area: Path) -> tuple[dict[str, Any], int | None]:
    places, builder = _known(asked, area)
    places.leave(builder)
    return {"left": [str(one) for one in places.leftovers(builder)]}, None


def _known(asked: Order, area: Path) -> tuple[Places, Path]:
    name = str(asked["builder"])
    if not name or name in {".", ".."} or set(name) & set("/\0~"):
        msg = f"{name!a} is no builder's name"
        raise NoPlace(msg)
    places, builder = Places(), area / name
    if "folder" in asked:
        places.remember(builder, _place(asked))
    return places, builder


def _place(asked: Order) -> Place:
    folder = Path(asked["folder"])
    return Place(folder, folder / str(asked["given"]), str(asked.get("before", "")))


def _new(asked: Order, _area: Path) -> tuple[dict[str, Any], int | None]:
    return {}, new_file(_place(asked), str(asked["name"]))


def _open_output(asked: Order, _area: Path) -> tuple[dict[str, Any], int | None]:
    return {}, open_output_file(_place(asked), str(asked["path"]), int(asked["size"]))


def _clear(asked: Order, area: Path) -> tuple[dict[str, Any], int | None]:
    paths = [Path(one) for one in asked["left"] if Path(one).parent == area]
    return {"said": [problem for path in paths for problem in removal.remove(path)][-_MOST:]}, None


_ACTIONS: dict[str, Callable[[Order, Path], tuple[dict[str, Any], int | None]]] = {
    "begin": _begin,
    "end": _end,
    "new": _new,
    "left": _open_output,
    "clear": _clear,
}


# ---- a stage


def run(sock: socket.socket, asked: Order, files: list[int], tenant: Order, order: Order) -> None:
    """Start a stage as its tenant's user; then end its leftover processes and send its exit code.

    Args:
        sock: The connection to the client.
        asked: Its arguments, environment and place.
        files: Its three streams.
        tenant: The stage's tenant; without a `user` it runs as this process's user.
        order: The worker's folder, and all its tenants.
    """
    adopt_orphans()
    wake = serving.awake()
    me = os.getpid()
    child = os.fork()
    if child == 0:
        _become_stage(asked, files, tenant, order, me)
    for one in files:
        os.close(one)
    # Only a deployment may leave processes running: any program can set the marking variable.
    session = child if asked["argv"][:2] == ["stage", "deploy"] else None

    def stop() -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGTERM)

    def end(grace: float) -> None:
        end_all(grace, session, tenant)

    serving.send_code(sock, serving.watch(sock, wake, child, stop, end))


def _become_stage(
    asked: Order, files: list[int], tenant: Order, order: Order, parent: int
) -> NoReturn:
    """Exec a stage's program as its tenant's user."""
    try:
        serving.asleep()
        os.setsid()
        serving.take_streams(files)
        serving.limit_processes()
        if "user" in tenant:
            become(tenant)
        die_with_parent()
        if os.getppid() != parent:
            os._exit(serving.MISSING)
        os.umask(0o022)
        work = Path(asked["folder"]) / "build"
        os.chdir(work)
        program = Path(sys.executable).with_name("slipway")
        environ = serving.surroundings(asked["env"], work, tenant, order)
        os.execve(program, ["slipway", *asked["argv"]], environ)  # noqa: S606  a list, and no shell
    except (OSError, TypeError, ValueError) as error:
        os.write(2, f"the stage cannot be started: {error}\n".encode(errors="replace"))
    finally:
        os._exit(serving.MISSING)
