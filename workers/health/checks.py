"""All checks of a worker's machine. Add new ones to CHECKS."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from slipway.workers.health import connection, machine, rights, software
from slipway.workers.health.report import Line, wrong
from slipway.workers.health.worker_files import Outlook

__all__ = ["CHECKS", "Check", "check_worker"]

Check = Callable[[Outlook], Iterator[Line]]

#: In the order in which somebody who sets a worker up needs them.
CHECKS: tuple[Check, ...] = (
    software.check_slipway,
    software.check_python,
    software.check_buildbot,
    software.check_git,
    software.check_uv,
    software.check_runtime,
    connection.check_port,
    connection.check_log,
    connection.check_clock,
    connection.check_index,
    machine.check_disk,
    machine.check_encoding,
    machine.check_long_paths,
    machine.check_temp,
    rights.check_folder,
    rights.check_account,
    rights.check_cache,
    rights.check_service,
    rights.check_isolation,
)


def check_worker(outlook: Outlook) -> list[Line]:
    """Do all checks; one that cannot be done is a line, too."""
    return [line for check in CHECKS for line in _lines(check, outlook)]


def _lines(check: Check, outlook: Outlook) -> list[Line]:
    try:
        return list(check(outlook))
    except Exception as error:  # noqa: BLE001  whatever is odd there, the other checks are told
        name = check.__name__.removeprefix("check_").replace("_", " ")
        why = getattr(error, "strerror", None) or f"{type(error).__name__}: {error}"
        return [wrong(name, f"it cannot be checked: {why}"[:250], "see that the folder is whole")]
