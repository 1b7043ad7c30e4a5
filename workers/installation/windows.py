"""Install a worker on Windows: a local user, long paths, and a service of its own.

Buildbot's own service (`buildbot_worker_windows_service`) is one for each machine, does not start a
worker again that has ended, opens the firewall for Python though workers connect outwards, and
cannot be installed without --username (TypeError in ConfigureLogOnAsAServicePolicy, Buildbot 4.3).
"""

# mypy: disable-error-code="import-untyped,import-not-found,attr-defined,unused-ignore"

from __future__ import annotations

import contextlib
import re
import secrets
import time
from collections.abc import Iterator
from typing import Any

import win32api
import win32con
import win32net
import win32netcon
import win32security
import win32service
import win32serviceutil

from slipway.model.errors import MissingTool
from slipway.workers.installation.files import write_own_files
from slipway.workers.installation.order import Order, short_name
from slipway.workers.installation.system_command import run_command

__all__ = ["WindowsMachine"]

_CLASS = "slipway.workers.installation.windows_service.WorkerService"
_PATIENCE = 60
_OWN = "own"
#: Windows limits names of local users to 20 characters.
_LONGEST = 20
_LONG_PATHS = r"SYSTEM\CurrentControlSet\Control\FileSystem"
#: What git must do on Windows: no line ends changed, and paths beyond 260 characters.
_GIT = {"core.autocrlf": "false", "core.longpaths": "true"}
#: Well-known SIDs: their names are translated on Windows in other languages.
_ADMINISTRATORS, _SYSTEM, _USERS = "*S-1-5-32-544", "*S-1-5-18", "*S-1-5-32-545"
#: The name of the folder of all workers, on a disk: set_up_worker.py's default.
_TOP = "slipway"


class WindowsMachine:
    """A Windows machine."""

    def install(self, order: Order) -> None:
        """Make the user, the files and the service."""
        name = _service(order.name)
        self.stop(order)
        user = _user(order.name) if order.account == _OWN else ""
        password = _make_user(user) if user else None
        # Before anything is written: on C: all users may read and change what is in a new folder.
        _protect(order, user)
        order.write_password()
        # The service was ended, and its job has ended all that stages had started.
        write_own_files(order.place)
        _allow_long_paths()
        for key, value in _GIT.items():
            run_command("git", "config", "--system", key, value)
        with _reported("the service"):
            # Deleted and made again it would be lost while services.msc is open (error 1072).
            there = _state(name) is not None
            do = win32serviceutil.ChangeServiceConfig if there else win32serviceutil.InstallService
            do(
                _CLASS,
                name,
                displayName=f"Slipway worker {order.name}",
                startType=win32service.SERVICE_AUTO_START,
                userName=f".\\{user}" if user else None,
                password=password,
                description="Runs stages of Slipway's pipelines on this machine.",
            )
            win32serviceutil.SetServiceCustomOption(name, "folder", str(order.work))
        _restart_after_crash(name)

    def start(self, order: Order) -> None:
        """Start the service."""
        with _reported("the service's start"):
            win32serviceutil.StartService(_service(order.name))

    def is_installed(self, order: Order) -> bool:
        """Return True if the service is there."""
        return _state(_service(order.name)) is not None

    def stop(self, order: Order) -> None:
        """Stop the service."""
        if self.is_installed(order):
            _stop(_service(order.name))

    def remove(self, order: Order) -> None:
        """Remove the service and the user."""
        if self.is_installed(order):
            with _reported("the service"):
                win32serviceutil.RemoveService(_service(order.name))
        with contextlib.suppress(win32net.error):
            win32net.NetUserDel(None, _user(order.name))


def _service(name: str) -> str:
    return f"SlipwayWorker-{name}"


def _user(name: str) -> str:
    return short_name(f"slipway-{re.sub('[^A-Za-z0-9_-]', '-', name)}", name, _LONGEST)


def _make_user(user: str) -> str:
    """Make a local user, or give an existing one a new password; return the password."""
    password = f"{secrets.token_urlsafe(24)}aA1!"
    facts = {
        "name": user,
        "password": password,
        "priv": win32netcon.USER_PRIV_USER,
        "comment": "Runs stages of Slipway's pipelines",
        "flags": win32netcon.UF_SCRIPT | win32netcon.UF_DONT_EXPIRE_PASSWD,
    }
    with _reported(f"the user {user}"):
        try:
            win32net.NetUserAdd(None, 1, facts)
        except win32net.error as error:
            if error.winerror != win32netcon.NERR_UserExists:
                raise
            win32net.NetUserSetInfo(None, user, 1003, {"password": password})
    _allow_service_logon(user)
    return password


def _allow_service_logon(user: str) -> None:
    """Grant the right to log on as a service; Windows gives it to nobody by itself."""
    with _reported(f"the right of {user} to log on as a service"):
        account, _, _ = win32security.LookupAccountName(None, user)
        policy = win32security.LsaOpenPolicy(None, win32security.POLICY_ALL_ACCESS)
        try:
            win32security.LsaAddAccountRights(policy, account, ["SeServiceLogonRight"])
        finally:
            win32security.LsaClose(policy)


def _protect(order: Order, user: str) -> None:
    """Let administrators and the worker's user alone into the folder.

    Somebody else may have made it before, and be its owner: that is undone first.
    """
    full = [word for who in (_ADMINISTRATORS, _SYSTEM) for word in ("/grant:r", f"{who}:(OI)(CI)F")]
    top = order.folder.parent
    order.work.mkdir(parents=True, exist_ok=True)
    # The folder of all workers is ours, too; any other parent is not.
    ours = [top] if top == top.parent / _TOP else []
    for folder in (*ours, order.folder):
        for words in (("/setowner", _ADMINISTRATORS), ("/reset",), ("/inheritance:r", *full)):
            run_command("icacls", str(folder), *words)
    for folder in ours:
        run_command("icacls", str(folder), "/grant:r", f"{_USERS}:RX")
    if user:
        run_command("icacls", str(order.folder), "/grant:r", f"{user}:(OI)(CI)RX")
        run_command("icacls", str(order.work), "/grant", f"{user}:(OI)(CI)M")


def _allow_long_paths() -> None:
    """Allow paths beyond 260 characters, which Windows 10 can have since version 1607."""
    with _reported("long paths"):
        key = win32api.RegCreateKey(win32con.HKEY_LOCAL_MACHINE, _LONG_PATHS)
        try:
            win32api.RegSetValueEx(key, "LongPathsEnabled", 0, win32con.REG_DWORD, 1)
        finally:
            win32api.RegCloseKey(key)


def _restart_after_crash(name: str) -> None:
    """Have Windows start the service again if the service itself crashes."""
    actions = [(win32service.SC_ACTION_RESTART, 5000)] * 3
    wanted = {"ResetPeriod": 86400, "RebootMsg": "", "Command": "", "Actions": actions}
    manager = win32service.OpenSCManager(None, None, win32service.SC_MANAGER_ALL_ACCESS)
    try:
        service = win32service.OpenService(manager, name, win32service.SERVICE_ALL_ACCESS)
        try:
            kind = win32service.SERVICE_CONFIG_FAILURE_ACTIONS
            win32service.ChangeServiceConfig2(service, kind, wanted)
        finally:
            win32service.CloseServiceHandle(service)
    finally:
        win32service.CloseServiceHandle(manager)


def _state(name: str) -> int | None:
    """Return a service's state; None if there is no such service."""
    try:
        return int(win32serviceutil.QueryServiceStatus(name)[1])
    except win32service.error:
        return None


def _stop(name: str) -> None:
    """Stop a service and wait until it has ended.

    Raises:
        MissingTool: It does not end.
    """
    with contextlib.suppress(win32service.error):
        win32serviceutil.StopService(name)
    deadline = time.monotonic() + _PATIENCE
    while _state(name) not in {None, win32service.SERVICE_STOPPED}:
        if time.monotonic() > deadline:
            msg = f"the service {name} does not stop; end it in services.msc, then run this again"
            raise MissingTool(msg)
        time.sleep(0.2)


@contextlib.contextmanager
def _reported(what: str) -> Iterator[None]:
    """Turn an error of Windows into a sentence."""
    try:
        yield
    except (win32net.error, win32security.error, win32service.error, win32api.error) as error:
        problem: Any = error
        msg = (
            f"{what} cannot be set up: {problem.strerror} ({problem.funcname}, {problem.winerror})"
        )
        raise MissingTool(msg) from None
