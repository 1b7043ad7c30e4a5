r"""Our loaders beside `sqlite3 .import` and `psql \copy`, on the same CSV file, in the same run.

    .venv/bin/python bench/databases.py [--rows 1000000] [--repeat 3]

CPU is user and system time of client and server together; ours is counted from the open database
to the committed rows (the stage's Python runs anyway), theirs from start to end of the program.
`.import` and `\copy` check less: the first writes dates that SQLAlchemy does not find again.
Aims, on 1,000,000 rows of 8 columns: SQLite at most 2.0 times `.import`'s CPU, PostgreSQL at most
1.3 times `\copy`'s, at most 150 MB of memory.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import psutil
import psycopg
from rich.console import Console
from rich.table import Table as Shown

from slipway.model.errors import MissingTool
from slipway.scripts.postgresql import cluster
from slipway.scripts.report import Report
from slipway.scripts.stages.databases.fixtures.reader import Fixture
from slipway.scripts.stages.databases.loader import Loader
from slipway.scripts.stages.databases.postgresql import PostgresqlSeed
from slipway.scripts.stages.databases.sqlite import SqliteSeed
from slipway.scripts.stages.databases.tables import Column, Table

AIMS = {"SQLite, ours": 2.0, "PostgreSQL, ours": 1.3}
MEMORY = 150
COLUMNS = {
    "id": ("integer", "INTEGER NOT NULL PRIMARY KEY", "SERIAL NOT NULL PRIMARY KEY"),
    "name": ("string", "VARCHAR(80) NOT NULL", "VARCHAR(80) NOT NULL"),
    "city": ("string", "VARCHAR(80)", "VARCHAR(80)"),
    "amount": ("integer", "INTEGER", "INTEGER"),
    "score": ("float", "FLOAT", "FLOAT"),
    "visits": ("integer", "INTEGER", "INTEGER"),
    "created": ("datetime", "DATETIME", "TIMESTAMP WITHOUT TIME ZONE"),
    "active": ("boolean", "BOOLEAN", "BOOLEAN"),
}
TABLE = Table("t", None, tuple(Column(name, kind[0]) for name, kind in COLUMNS.items()))


@dataclass(frozen=True)
class Cost:
    """The cost of one load."""

    cpu: float
    wall: float
    memory: float


class Silent(Report):
    """A report nobody reads."""

    def emit(self, event: object) -> None:
        """Drop an event."""


def ddl(dialect: int) -> str:
    """Return the table for a dialect: 1 is SQLite, 2 is PostgreSQL."""
    return f"CREATE TABLE t ({', '.join(f'{n} {kind[dialect]}' for n, kind in COLUMNS.items())})"


def write_rows(path: Path, rows: int) -> None:
    """Write the CSV file, the same one each time."""
    chance = random.Random(1)
    words = ["alpha", "beta", "gamma", "delta", "omega", "sigma"]
    start = datetime(2020, 1, 1)  # noqa: DTZ001  the column has no zone
    with path.open("w", encoding="utf-8", newline="") as stream:
        stream.write(",".join(COLUMNS) + "\n")
        for number in range(1, rows + 1):
            when = start + timedelta(seconds=chance.randrange(10**8))
            stream.write(
                f"{number},{chance.choice(words)} {chance.choice(words)} {number},"
                f"{chance.choice(words)}burg,{chance.randrange(10**6)},"
                f"{chance.uniform(0, 1000):.6f},{chance.randrange(1000)},{when},"
                f"{chance.choice(('true', 'false'))}\n"
            )


def load(source: Path, sqlite: Path | None, parameters: dict[str, object] | None) -> None:
    """Load as the stage does, and print what it took: this runs in a process of its own."""
    seed = SqliteSeed(sqlite, [ddl(1)]) if sqlite else None
    other = PostgresqlSeed(parameters, [ddl(2)], [TABLE]) if parameters else None
    cpu, wall = time.process_time(), time.perf_counter()
    Loader(seed, other, Silent()).load([Fixture(source, "t.csv", TABLE)], [], {"t": TABLE})
    cost = {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}
    for database in (seed, other):
        if database is not None:
            database.close()
    print(json.dumps(cost | {"memory": peak_memory()}))


def peak_memory() -> float:
    """Return the most memory this process has had, in MB."""
    status = Path("/proc/self/status")
    if status.exists():
        # Linux' ru_maxrss begins with what the parent had when it forked.
        (line,) = (one for one in status.read_text().splitlines() if one.startswith("VmHWM"))
        return int(line.split()[1]) / 1e3
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def server_cpu(pid: int) -> float:
    """Return what a server has taken so far, with its processes that have ended."""
    total = 0.0
    for process in (main := psutil.Process(pid), *main.children()):
        taken = process.cpu_times()
        total += taken.user + taken.system
        if process.pid == pid:
            total += taken.children_user + taken.children_system
    return total


def measure(argv: list[str], server: int | None, text: str | None = None) -> Cost:
    """Run a program to its end."""
    before = server_cpu(server) if server else 0.0
    wall = time.perf_counter()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=output)
        process.stdin.write((text or "").encode())  # type: ignore[union-attr]
        process.stdin.close()  # type: ignore[union-attr]
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - wall
        if process.returncode:
            sys.exit(f"{argv[0]} failed: {process.returncode}")
        output.seek(0)
        printed = output.read().decode()
    time.sleep(0.3)  # until the server has reaped its process
    taken = (server_cpu(server) if server else 0.0) - before
    if printed.startswith("{"):
        ours = json.loads(printed)
        return Cost(ours["cpu"] + taken, ours["wall"], ours["memory"])
    return Cost(used.ru_utime + used.ru_stime + taken, wall, 0)


def contenders(
    source: Path, folder: Path, server: cluster.Server, pid: int
) -> dict[str, Callable[[], Cost]]:
    """Return what is measured, each with a fresh database."""
    us = [sys.executable, __file__, "--child", str(source)]

    def fresh() -> Path:
        path = folder / "bench.db"
        path.unlink(missing_ok=True)
        return path

    def fresh_server() -> str:
        with psycopg.connect(**server.parameters("postgres"), autocommit=True) as db:
            db.execute("DROP DATABASE IF EXISTS bench")
            db.execute("CREATE DATABASE bench")
            db.execute("CHECKPOINT")
        return json.dumps(server.parameters("bench"))

    def sqlite_shell() -> Cost:
        path = fresh()
        sqlite3.connect(path).execute(ddl(1))
        argv = ["sqlite3", str(path), ".mode csv", f".import --skip 1 {source} t"]
        return measure(argv, None)

    def psql() -> Cost:
        given = json.loads(fresh_server())
        with psycopg.connect(**given) as db:
            db.execute(ddl(2).encode())
        argv = [server.programs.path("psql"), "-X", "-q", "-h", given["host"], "-U", given["user"]]
        argv += ["-p", str(given["port"]), "-d", "bench"]
        return measure(argv, pid, f"\\copy t FROM '{source}' WITH (FORMAT csv, HEADER)\n")

    return {
        "sqlite3 .import": sqlite_shell,
        "SQLite, ours": lambda: measure([*us, "--sqlite", str(fresh())], None),
        "psql \\copy": psql,
        "PostgreSQL, ours": lambda: measure([*us, "--postgresql", fresh_server()], pid),
        "both, ours": lambda: measure(
            [*us, "--sqlite", str(fresh()), "--postgresql", fresh_server()], pid
        ),
    }


def median(costs: list[Cost]) -> Cost:
    """Return the median of each figure."""
    return Cost(
        *(statistics.median(getattr(cost, name) for cost in costs) for name in vars(costs[0]))
    )


def compare(rows: int, repeat: int) -> dict[str, Cost]:
    """Measure everything, in turns."""
    if shutil.which("sqlite3") is None:
        sys.exit("sqlite3 is not on this machine; apt-get install sqlite3")
    found: dict[str, list[Cost]] = {}
    with tempfile.TemporaryDirectory(prefix="slipway-bench-") as place:
        source = Path(place) / "t.csv"
        write_rows(source, rows)
        try:
            with cluster.started() as server:
                folder = Path(str(server.base["host"]))
                pid = int((folder / "data" / "postmaster.pid").read_text().split()[0])
                for _ in range(repeat):
                    for name, run in contenders(source, Path(place), server, pid).items():
                        found.setdefault(name, []).append(run())
        except MissingTool as error:
            sys.exit(str(error))
    return {name: median(costs) for name, costs in found.items()}


def show(costs: dict[str, Cost], rows: int, repeat: int) -> None:
    """Print the table."""
    shown = Shown(title=f"{rows:,} rows of {len(COLUMNS)} columns, medians of {repeat}")
    for head in ("", "CPU s", "wall s", "peak MB", "CPU ratio", "aim"):
        shown.add_column(head, justify="right" if head else "left")
    rivals = {"SQLite, ours": "sqlite3 .import", "PostgreSQL, ours": "psql \\copy"}
    for name, cost in costs.items():
        ratio = cost.cpu / costs[rivals[name]].cpu if name in rivals else None
        met = ratio is None or (ratio <= AIMS[name] and cost.memory <= MEMORY)
        aim = f"≤ {AIMS[name]} {'met' if met else 'MISSED'}" if name in AIMS else ""
        memory = f"{cost.memory:.0f}" if cost.memory else ""
        figures = (f"{cost.cpu:.2f}", f"{cost.wall:.2f}", memory)
        shown.add_row(name, *figures, f"{ratio:.2f}" if ratio else "", aim)
    Console(width=100).print(shown)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--sqlite", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--postgresql", type=json.loads, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        load(given.child, given.sqlite, given.postgresql)
    else:
        show(compare(given.rows, given.repeat), given.rows, given.repeat)


if __name__ == "__main__":
    main()
