"""Install or remove a worker as the order on the standard input says; see set_up_worker.py."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from slipway.model.errors import SlipwayError
from slipway.workers.installation.order import Action, Machine, Order

__all__ = ["main"]


def main() -> int:
    """Carry out the order; return the exit code."""
    given = json.load(sys.stdin)
    order = Order(**{**given, "folder": Path(given["folder"]), "do": Action(given["do"])})
    try:
        return _do(_machine(), order)
    except SlipwayError as error:
        print(error, file=sys.stderr)  # noqa: T201  the set-up's own voice
        return error.exit_code


def _do(machine: Machine, order: Order) -> int:
    if order.do is Action.FIND:
        return 0 if machine.is_installed(order) else 1
    if order.do is Action.STOP:
        machine.stop(order)
    elif order.do is Action.REMOVE:
        machine.stop(order)
        machine.remove(order)
    else:
        machine.install(order)
        if order.do is Action.START:
            return _wait(machine, order)
    return 0


def _machine() -> Machine:
    if sys.platform == "win32":
        from slipway.workers.installation.windows import WindowsMachine

        return WindowsMachine()
    from slipway.workers.installation.linux import LinuxMachine

    return LinuxMachine()


def _wait(machine: Machine, order: Order) -> int:
    """Start the worker and wait until it has connected."""
    since = order.log_size()
    machine.start(order)
    problem = order.wait_until_connected(since)
    if problem:
        print(problem, file=sys.stderr)  # noqa: T201
        return 1
    place = f"{order.host}:{order.port}"
    print(f"the worker {order.name} is connected to {place}; its log: {order.log}")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
