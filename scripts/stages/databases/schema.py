"""Read the application's tables with its own SQLAlchemy, and migrate with its own Alembic."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from slipway.model.errors import StageFailed, WrongInput
from slipway.scripts import process
from slipway.scripts.python_env.interpreter import Environment
from slipway.scripts.report import Report
from slipway.scripts.stages.databases.tables import Table, read_tables

__all__ = ["Application", "Schema"]

_GUESTS = Path(__file__).parent / "guest"


@dataclass(frozen=True)
class Schema:
    """The tables, and the statements that create them."""

    tables: Mapping[str, Table]
    ddl: Mapping[str, Sequence[str]] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Application:
    """The application, accessed through guests in its own Python."""

    source: Path
    environment: Environment
    work: Path
    report: Report

    def read_models(self, place: str, dialects: Sequence[str], postgresql: str = "") -> Schema:
        """Read the tables from the models.

        Args:
            place: The MetaData, as "module:attribute".
            dialects: The databases to write statements for.
            postgresql: The version of the PostgreSQL server they will run on.

        Raises:
            WrongInput: There is no MetaData, or it has no tables.
        """
        words = ["--metadata", place, "--dialects", ",".join(dialects), "--postgresql", postgresql]
        answer = self._run_guest("schema.py", *words)
        if "error" in answer:
            msg = f'metadata "{place}": {answer["error"]}'
            raise WrongInput(msg)
        return _schema(answer, f'metadata "{place}"')

    def read_database(self, url: str) -> Schema:
        """Read the tables from a migrated database.

        Raises:
            StageFailed: It cannot be read, or is empty.
        """
        answer = self._run_guest("schema.py", "--url", url)
        if "error" in answer:
            msg = f"the migrated database cannot be read: {answer['error']}"
            raise StageFailed(msg)
        if not answer["tables"]:
            msg = (
                "the migrations left the database they were given empty; env.py must take its URL "
                "from sqlalchemy.url of the configuration or from the environment variable "
                "SLIPWAY_DATABASE_URL"
            )
            raise StageFailed(msg)
        return _schema(answer, "the migrated database")

    def migrate(self, ini: str, url: str) -> Mapping[str, Any]:
        """Upgrade a database to the newest migration.

        Raises:
            StageFailed: A migration failed.
        """
        answer = self._run_guest("migrate.py", ini, url)
        if "error" in answer:
            dialect = url.partition(":")[0].partition("+")[0]
            msg = f"{ini}: upgrade head on {dialect} failed: {answer['error']}"
            raise StageFailed(msg)
        return answer

    def _run_guest(self, guest: str, *arguments: str) -> Mapping[str, Any]:
        """Run a guest and return its answer; its output is logged.

        Raises:
            StageFailed: It ended without an answer.
        """
        output = self.work / "answer.json"
        output.unlink(missing_ok=True)
        done = process.run(
            [self.environment.python, _GUESTS / guest, "--output", output, *arguments],
            cwd=self.source,
            env=self.environment.variables({"PYTHONHASHSEED": "0"}),
            log=self.report.log,
            what=guest,
        )
        if not output.is_file():
            lines = done.tail.splitlines()
            why = lines[-1] if lines else "it said nothing"
            msg = f"the application's Python ended with {done.code} while it was asked: {why}"
            raise StageFailed(msg)
        answer: Mapping[str, Any] = json.loads(output.read_text("utf-8"))
        return answer


def _schema(answer: Mapping[str, Any], place: str) -> Schema:
    tables = read_tables(answer["tables"])
    if not tables:
        msg = f"{place} has no tables; import the modules that define them where it is made"
        raise WrongInput(msg)
    return Schema(tables, answer["ddl"], {"sqlalchemy": str(answer["sqlalchemy"])})
