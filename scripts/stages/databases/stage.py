"""Settings of the stage that builds seed databases."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from slipway.model.kinds.stage import ApplicationStage, Glob

__all__ = ["DatabasesStage"]


class DatabasesStage(ApplicationStage):
    """Build seed databases from the application's own models and fixtures."""

    uses: Literal["databases"]
    metadata: str | None = Field(
        default=None, pattern=r"^[\w.]+:[\w.]+$", examples=["app.models:Base.metadata"]
    )
    """The SQLAlchemy MetaData, as "module:attribute"."""
    alembic: str | None = None
    """An alembic.ini: tables come from `upgrade head` and not from the metadata."""
    fixtures: tuple[Glob, ...] | Glob = ()
    """Fixture files (.csv, .jsonl, .yaml, .sql); a file's stem is its table's name."""
    targets: tuple[Literal["sqlite", "postgresql"], ...] = ("sqlite", "postgresql")
    """The databases to build."""
    name: str | None = Field(default=None, pattern=r"^[a-z][a-z0-9_]*$")
    """The databases' name. None: the project's name."""
    read_only_role: str | None = Field(default=None, pattern=r"^[a-z][a-z0-9_]*$")
    """The PostgreSQL role that may only read. None: the name with "_ro"."""
    server_env: str | None = None
    """Name of the environment variable on the worker that holds the URL of a PostgreSQL server to
    build on. None: a throw-away server is started."""

    @field_validator("fixtures")
    @classmethod
    def _as_tuple(cls, value: tuple[str, ...] | str) -> tuple[str, ...]:
        return (value,) if isinstance(value, str) else value

    @property
    def worker_variables(self) -> frozenset[str]:
        """The variables that the worker passes on: the one with the server's URL."""
        return frozenset((self.server_env,) if self.server_env else ())
