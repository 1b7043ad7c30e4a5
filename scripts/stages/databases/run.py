"""Build seed databases from the application's own models and fixtures."""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from slipway.model.errors import StageFailed, WrongInput
from slipway.model.protocol.job import Job
from slipway.scripts.atomic_files import write_text
from slipway.scripts.humanize import count_text, size_text
from slipway.scripts.python_env import environment
from slipway.scripts.report import Report
from slipway.scripts.stages.databases import postgresql_dump, postgresql_server, read_only_role
from slipway.scripts.stages.databases.fixtures import reader as fixtures
from slipway.scripts.stages.databases.loader import Loader, check_counts
from slipway.scripts.stages.databases.postgresql import PostgresqlSeed
from slipway.scripts.stages.databases.postgresql_server import Workplace
from slipway.scripts.stages.databases.schema import Application, Schema
from slipway.scripts.stages.databases.sqlite import SqliteSeed
from slipway.scripts.stages.databases.stage import DatabasesStage

__all__ = ["run"]

_TAKEN = frozenset({"postgres", "template0", "template1"})


@dataclass
class _Build:
    """The settings and the results of one build."""

    stage: DatabasesStage
    name: str
    role: str
    source: Path
    work: Path
    """A folder beside the output, so that the output holds complete files only."""
    when: int
    report: Report
    files: list[Path]
    schema: Schema | None = None
    rows: dict[str, int] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    checks: Sequence[read_only_role.Verdict] = ()

    def wants(self, target: str) -> bool:
        return target in self.stage.targets

    @property
    def raw_sqlite(self) -> Path:
        return self.work / "build.db"

    def product(self, ending: str) -> Path:
        return self.work / "product" / f"{self.name}{ending}"


def run(job: Job, report: Report) -> None:
    """Build, verify and leave the seed databases.

    Args:
        job: A job for the stage `databases`; the project is the current folder.
        report: Receives progress, artefacts and the summary.

    Raises:
        WrongInput: A setting or a fixture is wrong.
        StageFailed: The models, the migrations or the grants are wrong.
        MissingTool: PostgreSQL or the application's environment is not available.
    """
    output = Path(job.output)
    work = output.with_name(f"{output.name}.work")
    shutil.rmtree(work, ignore_errors=True)
    build = _prepare(job, report, work)
    build.product("").parent.mkdir(parents=True)
    try:
        _build(build, job)
        files = _leave(build, output)
    except (psycopg.Error, sqlite3.Error) as error:
        reason = " ".join(str(error).split())
        msg = f"a database refused what was asked of it: {reason}; the log says what came before"
        raise StageFailed(msg) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
    _report_summary(build, files)


def _prepare(job: Job, report: Report, work: Path) -> _Build:
    """Validate the settings and return the build.

    Raises:
        WrongInput: A setting is wrong.
    """
    stage = job.stage
    assert isinstance(stage, DatabasesStage)  # noqa: S101  `slipway stage` checks `uses`
    source = Path.cwd()
    if stage.metadata is None and stage.alembic is None:
        msg = (
            f'stage "{job.name}": set metadata (such as "app.models:Base.metadata") or alembic '
            '(such as "alembic.ini"), else nobody knows which tables there are'
        )
        raise WrongInput(msg)
    if stage.alembic is not None and not (source / stage.alembic).is_file():
        msg = f'stage "{job.name}": alembic: there is no file "{stage.alembic}" in {source}'
        raise WrongInput(msg)
    name = stage.name or job.project.replace("-", "_")
    if name in _TAKEN:
        msg = f'stage "{job.name}": name: PostgreSQL has a database "{name}" itself; take another'
        raise WrongInput(msg)
    patterns = (stage.fixtures,) if isinstance(stage.fixtures, str) else stage.fixtures
    return _Build(
        stage=stage,
        name=name,
        role=stage.read_only_role or f"{name}_ro",
        source=source,
        work=work,
        when=job.run.committed_at,
        report=report,
        files=fixtures.find(source, patterns),
    )


def _build(build: _Build, job: Job) -> None:
    tools: list[str] = []
    if build.stage.alembic is not None:
        tools += ["alembic", *(["psycopg[binary]"] if build.wants("postgresql") else [])]
    made = environment.prepare(
        build.source, build.stage, Path(job.cache), build.report, tools, job.run.version
    )
    application = Application(build.source, made, build.work, build.report)
    with contextlib.ExitStack() as stack:
        place = None
        if build.wants("postgresql"):
            build.report.progress("starting PostgreSQL")
            opened = postgresql_server.opened(build.name, build.role, build.stage.server_env)
            place = stack.enter_context(opened)
            build.facts["postgresql"] = place.version
        build.schema = _make_schema(build, application, place)
        build.facts |= build.schema.versions
        _fill(build, build.schema, place)
        if place is not None:
            _dump(build, place)


def _make_schema(build: _Build, application: Application, place: Workplace | None) -> Schema:
    """Determine the tables from the models or the migrated database, after running migrations.

    Raises:
        StageFailed: A migration failed.
        WrongInput: The models cannot be used for a target.
    """
    stage, schema = build.stage, None
    if stage.metadata is not None:
        build.report.progress(f"reading {stage.metadata}")
        dialects = () if stage.alembic else stage.targets
        version = place.version if place else ""
        schema = application.read_models(stage.metadata, dialects, version)
    if stage.alembic is not None:
        urls = [f"sqlite:///{build.raw_sqlite.as_posix()}"] if build.wants("sqlite") else []
        urls += [place.server.url(place.built)] if place else []
        for url in urls:
            build.report.progress(f"{stage.alembic}: upgrade head on {url.partition(':')[0]}")
            build.facts["alembic"] = application.migrate(stage.alembic, url)["alembic"]
        # PostgreSQL's types carry more information than SQLite's.
        found = application.read_database(urls[-1])
        schema = schema or found
    assert schema is not None  # noqa: S101  _prepare requires one of them
    inner = sorted({table.schema for table in schema.tables.values() if table.schema})
    if inner and build.wants("sqlite"):
        msg = (
            f'SQLite has no schemas, but the models use "{inner[0]}"; '
            'set targets = ["postgresql"] or take the schema out of the models'
        )
        raise WrongInput(msg)
    return schema


def _fill(build: _Build, schema: Schema, place: Workplace | None) -> None:
    rows, scripts = fixtures.match(build.files, build.source, schema.tables)
    with contextlib.ExitStack() as stack:
        sqlite = postgresql = None
        if build.wants("sqlite"):
            sqlite = SqliteSeed(build.raw_sqlite, schema.ddl.get("sqlite", ()))
            stack.callback(sqlite.close)
        if place is not None:
            parameters = place.server.parameters(place.built)
            ddl = schema.ddl.get("postgresql", ())
            postgresql = PostgresqlSeed(parameters, ddl, list(schema.tables.values()))
            stack.callback(postgresql.close)
        Loader(sqlite, postgresql, build.report).load(rows, scripts, schema.tables)
        counts: list[Mapping[str, int]] = []
        if postgresql is not None:
            counts.append(postgresql.finish())
        if sqlite is not None:
            counts.append(sqlite.count())
            sqlite.finish(build.product(".sqlite"))
        if not any(script.dialect for script in scripts) and len(counts) > 1:
            check_counts(counts[1], counts[0])
        build.rows = dict(counts[0])
    build.facts["sqlite"] = sqlite3.sqlite_version


def _dump(build: _Build, place: Workplace) -> None:
    """Dump, restore and compare, then test the read-only role in the restored database."""
    log = build.report.log
    build.product("-roles.sql").write_bytes(
        read_only_role.roles_sql(build.role, build.name).encode()
    )
    place.make_role(build.role, build.name, place.built)
    with place.connect(place.built) as db:
        read_only_role.grant(db, build.role)
    build.report.progress("dumping and restoring")
    target = build.product(".dump")
    postgresql_dump.dump(place.server, place.built, target, build.when, log)
    place.make_role(build.role, build.name, place.restored)
    postgresql_dump.restore(place.server, target, place.restored, log)
    postgresql_dump.compare(place.server, place.built, place.restored)
    build.report.progress(f"trying what {build.role} may do")
    owner = place.connect(place.restored)
    reader = place.connect_as(build.role, place.restored)
    with owner, reader:
        build.checks = read_only_role.check(owner, reader, build.role)


def _leave(build: _Build, output: Path) -> list[Path]:
    """Move the finished files into the output folder."""
    report = {
        "name": build.name,
        "tables": build.rows,
        "versions": build.facts,
        "read-only role": build.role if build.checks else None,
        "read-only checks": read_only_role.as_json(build.checks),
    }
    write_text(build.product("").with_name("databases.json"), json.dumps(report, indent=1) + "\n")
    output.mkdir(parents=True, exist_ok=True)
    made = sorted(build.product("").parent.iterdir())
    return [path.rename(output / path.name) for path in made]


def _report_summary(build: _Build, files: Sequence[Path]) -> None:
    sizes = {}
    for path in files:
        to_read = path.name == "databases.json"
        event = build.report.artefact(path, role="report" if to_read else "product")
        sizes[path.name] = event.size
    total = sum(build.rows.values())
    parts = []
    if build.wants("sqlite"):
        parts.append(f"SQLite {size_text(sizes[f'{build.name}.sqlite'])}")
    if build.wants("postgresql"):
        parts.append(f"PostgreSQL dump {size_text(sizes[f'{build.name}.dump'])}")
        parts.append(f"read-only role {build.role} checked")
    tables = count_text(len(build.rows), "table")
    text = f"{tables}, {total:,} {'row' if total == 1 else 'rows'}; {', '.join(parts)}"
    build.report.summary(text, rows=total, tables=len(build.rows), bytes=sizes, **build.facts)
