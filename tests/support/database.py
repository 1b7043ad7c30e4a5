"""A database that Buildbot has set up, copied for each site."""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from pathlib import Path

from slipway.master.master_tac import UPGRADE_MARK, prepare_master, upgrade_mark
from slipway.state_folder import Home, make_folder

#: As `pipeline.toml` has it.
DEFAULT = "sqlite:///state.sqlite"
_NAME = "state.sqlite"
_SITE = f"""[site]
title = "Template"
database = "{DEFAULT}"

[project.demo]
repository = "source"

[project.demo.stages.none]
uses = "command"
argv = ["true"]

[workers.local]
"""


def copy_to(home: Home, config: Path) -> None:
    """Give a site that has never been started a database, as its first start would make it."""
    make_folder(home.master)
    shutil.copyfile(_template(), home.root / _NAME)
    mark = upgrade_mark(config, f"sqlite:///{home.root / _NAME}")
    (home.master / UPGRADE_MARK).write_text(mark, encoding="utf-8")


@functools.cache
def _template() -> Path:
    """Set a database up, as `slipway up` does; once in this process."""
    folder = Path(tempfile.mkdtemp(prefix="slipway-template-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    config, home = folder / "pipeline.toml", Home(folder / ".slipway")
    config.write_text(_SITE, encoding="utf-8")
    prepare_master(home, config, f"sqlite:///{home.root / _NAME}")
    return home.root / _NAME
