"""The .tac file that a Buildbot worker starts from."""

from __future__ import annotations

import platform
import re
from dataclasses import dataclass
from pathlib import Path

__all__ = ["FINGERPRINT", "WorkerPlace", "write_tac"]

#: Form of a certificate's fingerprint.
FINGERPRINT = re.compile(r"sha256:[0-9a-f]{64}")

_TEMPLATE = '''"""A Slipway worker. Made by Slipway; made again at each set-up."""

import os
import sys
import sysconfig

from buildbot_worker.bot import Worker
from slipway.workers.clock import ClockWatch
from twisted.application import service
from twisted.internet import reactor
from twisted.python.log import FileLogObserver, ILogObserver
from twisted.python.logfile import LogFile

from slipway.scripts import guard
from slipway.workers import commands
from slipway.workers.connection_watch import watch_connection
from slipway.workers.launcher import handover
from slipway.workers.login import keep_trying
from slipway.workers.master_calls import answer_master
{imported}
# Stages are of this user: none of them may read what this process hands to another's script.
guard.protect()
commands.register()

basedir = os.path.abspath(os.path.dirname(__file__))
{password}

# Stages are started as `slipway stage ...`: this environment's own, or what hands them over.
# On Windows programs lie in Scripts, not beside Python.
here = [os.path.dirname(sys.executable), sysconfig.get_path("scripts")]
paths = [*handover.programs(basedir), *dict.fromkeys(here), os.environ.get("PATH", "")]
os.environ["PATH"] = os.pathsep.join(paths)

application = service.Application('buildbot-worker')
logfile = LogFile.fromFullPath(
    os.path.join(basedir, "twistd.log"), rotateLength=10000000, maxRotatedFiles=10
)
application.setComponent(ILogObserver, FileLogObserver(logfile).emit)
worker = Worker({host!r}, {port!r}, {name!r}, password, basedir, keepalive=600, maxdelay=10)
# What a stage says is sent on after this many seconds; Buildbot's own pause is five.
worker.bot.buffer_timeout = 0.25
worker.bot.WorkerForBuilder = commands.StageBuilder
keep_trying(worker.bf)
answer_master(worker)
{connect}watch_connection(worker, {host!r}, {port!r}, {fingerprint!r})
worker.setServiceParent(application)
ClockWatch(reactor).setServiceParent(application)
'''


_IMPORTED = "from slipway.workers.pinned_tls import connect_by_tls\n"
_CONNECT = "connect_by_tls(worker, {host!r}, {port!r}, {fingerprint!r})\n"
_FROM_FILE = """with open({file!r}, encoding="utf-8") as stream:
    password = stream.readline().strip()"""
_FROM_INPUT = "password = sys.stdin.readline().strip()"


@dataclass(frozen=True)
class WorkerPlace:
    """A worker on this machine and the master it connects to."""

    folder: Path
    """Its base folder; it must not lie inside a git repository that stages could walk up to."""
    name: str
    host: str
    port: int
    password_file: Path | None
    """None: `slipway up` tells it the password on its standard input, so that it is in no file."""
    fingerprint: str = ""
    """The fingerprint of the master's certificate ("sha256:..."); empty: plain TCP."""


def write_tac(place: WorkerPlace) -> Path:
    """Write a worker's buildbot.tac.

    Returns:
        The file.
    """
    info = place.folder / "info"
    info.mkdir(parents=True, exist_ok=True)
    tac = place.folder / "buildbot.tac"
    file = place.password_file
    pinned = bool(place.fingerprint)
    text = _TEMPLATE.format(
        imported=_IMPORTED if pinned else "",
        connect=_CONNECT.format(**vars(place)) if pinned else "",
        password=_FROM_FILE.format(file=str(file.resolve())) if file else _FROM_INPUT,
        host=place.host,
        port=place.port,
        name=place.name,
        fingerprint=place.fingerprint,
    )
    tac.write_text(text, encoding="utf-8")
    for name, what in (("admin", "made by slipway"), ("host", platform.node() or "unknown")):
        (info / name).write_text(f"{what}\n", encoding="utf-8")
    return tac
