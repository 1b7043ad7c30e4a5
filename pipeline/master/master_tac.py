"""Create the files that the Buildbot master starts from (buildbot.tac)."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from slipway.model.errors import MissingTool, WrongInput
from slipway.state_folder import CONFIG, Home, made_secret, make_folder

__all__ = ["UPGRADE_MARK", "prepare_master", "upgrade_mark"]

#: Copy of the repository's master.cfg in the wheel.
_CONFIG = Path(__file__).with_name("master.cfg")
#: File in the master's folder; while it says the same, the database need not be upgraded.
UPGRADE_MARK = "upgraded-by"
_BUILDBOT = "from buildbot.scripts.runner import run; run()"
_TEMPLATE = '''"""A Slipway master. Made by Slipway; made again at each start."""

import os
import sys

# alembic's templates would load Pygments, where it is installed, to colour their error pages: 5 MB.
sys.modules.setdefault("pygments", None)

from buildbot.master import BuildMaster
from slipway.master.scheduling.startup_barrier import Ending
from slipway.workers.clock import ClockWatch
from twisted.application import service
from twisted.internet import reactor
from twisted.python.log import FileLogObserver, ILogObserver
from twisted.python.logfile import LogFile

basedir = os.path.abspath(os.path.dirname(__file__))
configfile = {config!r}

application = service.Application('buildmaster')
logfile = LogFile.fromFullPath(
    os.path.join(basedir, "twistd.log"), rotateLength=10000000, maxRotatedFiles=10
)
application.setComponent(ILogObserver, FileLogObserver(logfile).emit)
master = BuildMaster(basedir, configfile, umask=None)
master.setServiceParent(application)
ClockWatch(reactor).setServiceParent(application)
Ending(reactor).setServiceParent(application)
master.log_rotation.rotateLength = 10000000
master.log_rotation.maxRotatedFiles = 10
'''


def prepare_master(home: Home, site: Path, database: str) -> Path:
    """Create the master's base folder and upgrade its database.

    Args:
        home: The state folder.
        site: The pipeline.toml; a master.cfg beside it is used instead of Slipway's own.
        database: The URL of its database.

    Returns:
        The path of the buildbot.tac.

    Raises:
        WrongInput: The configuration is wrong; lists all errors.
        MissingTool: The database cannot be used.
    """
    own = site.with_name(_CONFIG.name)
    config = own if own.is_file() else _CONFIG
    make_folder(home.master)
    made_secret(home.admin_password)
    made_secret(home.session_key)
    tac = home.master / "buildbot.tac"
    tac.write_text(_TEMPLATE.format(config=str(config.resolve())), encoding="utf-8")
    mark = home.master / UPGRADE_MARK
    wanted = upgrade_mark(site, database)
    if not mark.exists() or mark.read_text(encoding="utf-8") != wanted:
        _upgrade(home.master, site)
        mark.write_text(wanted, encoding="utf-8")
    return tac


def upgrade_mark(site: Path, database: str) -> str:
    """Return the content of the mark: what the database was last upgraded by, and which it is."""
    # A changed URL means another, empty database. Hashed, as it may hold a password.
    which = hashlib.sha256(database.encode()).hexdigest()[:12]
    return f"{version('buildbot')} {which} {site.resolve()}"


def _upgrade(folder: Path, site: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _BUILDBOT, "upgrade-master", "--quiet", str(folder)],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env={**os.environ, CONFIG: str(site)},
        check=False,
    )
    if done.returncode == 0:
        return
    lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    wrong = [line.strip() for line in lines if site.name in line]
    if wrong:
        raise WrongInput("\n".join(wrong))
    # SQLAlchemy's error texts end with a link to its documentation.
    shown = [line.strip() for line in lines if not line.strip().startswith("(Background")]
    # psycopg appends hints in further lines.
    named = [line for line in shown if "Error)" in line] or shown
    why = named[-1].rpartition("Error) ")[2] if named else "it said nothing"
    msg = f"Buildbot could not set up its database: {why}; start it, or mend site.database"
    raise MissingTool(msg)
