"""The file a Buildbot worker starts from."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from pathlib import Path

_TEMPLATE = '''"""A Slipway worker. Made by Slipway; made again at each set-up."""

import os
import sys

from buildbot_worker.bot import Worker
from twisted.application import service
from twisted.python.log import FileLogObserver, ILogObserver
from twisted.python.logfile import LogFile

basedir = os.path.abspath(os.path.dirname(__file__))
with open({password_file!r}, encoding="utf-8") as stream:
    password = stream.readline().strip()

# Stages are started as `slipway stage ...`: this environment's own.
os.environ["PATH"] = os.path.dirname(sys.executable) + os.pathsep + os.environ.get("PATH", "")
os.environ.setdefault("UV_CACHE_DIR", os.path.join(basedir, "cache", "uv"))

application = service.Application('buildbot-worker')
logfile = LogFile.fromFullPath(
    os.path.join(basedir, "twistd.log"), rotateLength=10000000, maxRotatedFiles=10
)
application.setComponent(ILogObserver, FileLogObserver(logfile).emit)
worker = Worker({host!r}, {port!r}, {name!r}, password, basedir, keepalive=600, maxdelay=10)
# What a stage says is sent on after this many seconds; Buildbot's own pause is five.
worker.bot.buffer_timeout = 0.25
worker.setServiceParent(application)
'''


@dataclass(frozen=True)
class WorkerPlace:
    """A worker on this machine and the master it connects to."""

    folder: Path
    """Its base folder; it must not lie inside a git repository that stages could walk up to."""
    name: str
    host: str
    port: int
    password_file: Path


def write_tac(place: WorkerPlace) -> Path:
    """Write a worker's buildbot.tac.

    Returns:
        The file.
    """
    info = place.folder / "info"
    info.mkdir(parents=True, exist_ok=True)
    tac = place.folder / "buildbot.tac"
    text = _TEMPLATE.format(
        password_file=str(place.password_file.resolve()),
        host=place.host,
        port=place.port,
        name=place.name,
    )
    tac.write_text(text, encoding="utf-8")
    for file, what in (("admin", "made by slipway"), ("host", platform.node() or "unknown")):
        (info / file).write_text(f"{what}\n", encoding="utf-8")
    return tac
