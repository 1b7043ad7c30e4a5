"""Run `alembic upgrade head` on a database, with the application's own Python and Alembic.

`migrate.py --output FILE INI URL`. env.py gets the URL as `sqlalchemy.url` of its configuration,
and in the environment variables SLIPWAY_DATABASE_URL and DATABASE_URL.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
from pathlib import Path
from typing import Any

__all__ = ["main", "one_line", "upgrade"]


def one_line(error: BaseException) -> str:
    """Format an exception as one line."""
    text = " ".join(str(getattr(error, "orig", None) or error).split())
    return f"{type(error).__name__}: {text}"


def upgrade(ini: str, url: str) -> dict[str, Any]:
    """Upgrade the database to head; return Alembic's version and the head revisions."""
    import alembic
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config(ini)
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    os.environ["SLIPWAY_DATABASE_URL"] = os.environ["DATABASE_URL"] = url
    command.upgrade(config, "head")
    heads = list(ScriptDirectory.from_config(config).get_heads())
    return {"alembic": alembic.__version__, "heads": heads}


def main() -> None:
    """Migrate and write the answer to a file, as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--output", required=True)
    parser.add_argument("ini")
    parser.add_argument("url")
    given = parser.parse_args()
    stable_ddl = importlib.import_module("stable_ddl")
    # From here on this file's folder must not hide the application's modules.
    sys.path[0] = str(Path.cwd())
    answer: dict[str, Any]
    try:
        stable_ddl.number_schema_items()
        answer = upgrade(given.ini, given.url)
    except ModuleNotFoundError as error:
        answer = {"error": f'the application\'s environment has no module "{error.name}"'}
    except Exception as error:  # noqa: BLE001  a migration may raise anything
        answer = {"error": one_line(error)}
    Path(given.output).write_text(json.dumps(answer), encoding="utf-8")


if __name__ == "__main__":
    main()
