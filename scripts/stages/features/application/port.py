"""Reserve a free port, and find the owner of a port after the start."""

from __future__ import annotations

import contextlib
import enum
import ipaddress
import re
import socket
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import psutil

from slipway.model.errors import StageFailed, WrongInput

__all__ = ["Lease", "Owner", "find_owner", "is_taken", "listening", "reports_taken_port"]

_TRIES = 20
#: Messages of programs that cannot bind. In other languages, trying the port finds it.
_PORT_TAKEN = re.compile(
    r"EADDRINUSE|address (?:is )?already in use|port (?:\S+ )?is (?:already )?(?:in use|taken)|"
    r"only one usage of each socket address|WinError 10048|\berrno 98\b|\berrno 48\b",
    re.IGNORECASE,
)


class Lease:
    """A port that is reserved as long as this object lives."""

    def __init__(self, host: str, port: int = 0) -> None:
        """Reserve a port.

        Args:
            host: An address or name of this machine.
            port: A specific port. 0: any free one.

        Raises:
            OSError: The specific port is taken.
            StageFailed: No port is free.
            WrongInput: The host is not an address of this machine.
        """
        self._socket = _listen(host, port)
        self.port: int = self._socket.getsockname()[1]

    def release(self) -> None:
        """Release the port, for the application to bind."""
        self._socket.close()


def _listen(host: str, port: int) -> socket.socket:
    for _ in range(_TRIES):
        lease = _bind(host, port)
        try:
            # bind() is not enough: Linux may give the port to another socket with SO_REUSEADDR.
            lease.listen(1)
        except OSError:
            lease.close()
            if port:
                raise
        else:
            return lease
    raise StageFailed(f"no port of {host} is free: {_TRIES} were tried")


def _bind(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM
        )[0]
    except OSError as error:
        raise WrongInput(_no_host(host, error)) from error
    lease = socket.socket(family, kind, protocol)
    try:
        if sys.platform == "win32":
            # On Windows SO_REUSEADDR would let two programs listen on one port.
            lease.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            # Otherwise connections of an earlier server in TIME_WAIT make a free port look taken.
            lease.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        lease.bind(address)
    except OSError as error:
        lease.close()
        if port:
            raise
        raise WrongInput(_no_host(host, error)) from error
    return lease


def _no_host(host: str, error: OSError) -> str:
    return (
        f'application: host "{host}" is no address of this machine ({error.strerror}); '
        f'leave it out, or say "127.0.0.1"'
    )


def is_taken(host: str, port: int) -> bool:
    """Return True if a process listens on a port."""
    try:
        Lease(host, port).release()
    except OSError:
        return True
    return False


def reports_taken_port(log: str) -> bool:
    """Return True if a program's output says that it cannot bind its port."""
    return _PORT_TAKEN.search(log) is not None


class Owner(enum.Enum):
    """The owner of a port."""

    OURS = "ours"
    OTHER = "other"
    SHARED = "shared"
    """Ours and another process, as SO_REUSEPORT allows: either may answer."""
    NOBODY = "nobody"
    UNKNOWN = "unknown"


def find_owner(host: str, port: int, ours: Iterable[psutil.Process]) -> tuple[Owner, int | None]:
    """Find the owner of a port.

    Args:
        host: The address that is requested.
        port: The port.
        ours: The application's processes.

    Returns:
        The owner, and the id of the other process for OTHER and SHARED. OURS only if no other
        process listens there too; UNKNOWN if the system does not tell, as with another user's
        process.
    """
    mine = list(ours)
    known = {one.pid for one in mine}
    try:
        pids = [
            found.pid
            for found in psutil.net_connections("tcp")
            if found.status == psutil.CONN_LISTEN and _answers(host, port, found.laddr)
        ]
    except psutil.Error:
        # macOS lists all connections only to root, but those of one's own processes to anybody.
        pids = [None] if not _listens_itself(host, port, mine) else [mine[0].pid]
    others = [pid for pid in pids if pid is not None and pid not in known]
    if others:
        shared = any(pid in known for pid in pids)
        return (Owner.SHARED if shared else Owner.OTHER), others[0]
    if None in pids:
        return Owner.UNKNOWN, None
    return (Owner.OURS if pids else Owner.NOBODY), None


def _listens_itself(host: str, port: int, mine: Iterable[psutil.Process]) -> bool:
    return any(_answers(host, port, address) for address in listening(mine))


def listening(ours: Iterable[psutil.Process]) -> list[tuple[str, int]]:
    """Return the addresses and ports that processes listen on."""
    found = []
    for process in ours:
        with contextlib.suppress(psutil.Error):
            found += [
                (one.laddr.ip, one.laddr.port)
                for one in process.net_connections("tcp")
                if one.status == psutil.CONN_LISTEN
            ]
    return sorted(set(found))


def _answers(host: str, port: int, address: Sequence[Any]) -> bool:
    """Return True if a listener on an address receives connections to host and port."""
    if not address or address[1] != port:
        return False
    try:
        asked, listens = ipaddress.ip_address(host), ipaddress.ip_address(address[0])
    except ValueError:
        return True
    if isinstance(listens, ipaddress.IPv6Address) and listens.ipv4_mapped:
        return listens.ipv4_mapped == asked
    return listens.is_unspecified or listens == asked
