"""Notices: what the outbox costs, how soon a mail is there, 10,000 past a server that is away.

The second part is a real site with Buildbot's own MailNotifier beside our mails. The third is a
real master whose process is killed 20 times while it sends; the SMTP server is away half of the
time. It writes down each Message-ID that it takes: what is lost and doubled is seen.

Aims: at most 0.3 ms a transaction; 1 s from a run's end to the mail; nothing lost, nothing doubled,
at least 200 a second while the server is there, at most 40 MB more memory.
Run it: make bench, or python bench/notify.py [NOTICES] [KILLS].
"""

from __future__ import annotations

import random
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import psutil
import sqlalchemy as sa
from ending import alone
from ledger import Site
from notifying.run_ends import OURS, THEIRS, measure, start_server
from rich.console import Console
from rich.table import Table

from slipway.ledger import runs
from slipway.ledger.database.migrate import upgrade
from slipway.ledger.database.session import LedgerSession
from slipway.ledger.database.sqlite_wal import keep_commits
from slipway.ledger.outbox.collecting import collect
from slipway.ledger.tables.outbox import Delivery, OutboxNotice
from slipway.ledger.tables.runs import Run
from slipway.ledger.transitions import transition
from slipway.model.commit import Cause, Commit
from slipway.model.notices.events import ALL
from slipway.model.states import RunState

AWAY = 3.0
_MAIL = """
[people.ann]
email = "ann@example.org"
[notify.mail]
kind = "email"
host = "127.0.0.1"
port = {port}
security = "none"
sender = "ci@example.org"
most-a-minute = 100000
events = ["disk-low"]
people = ["ann"]
"""
_TRANSACTIONS = 600
_BATCH = 1000
_RUNS = 10
#: Seconds after which an idle master's memory is looked at.
_SETTLED = 5.0


# ---- a transaction


def transactions(folder: Path) -> dict[str, tuple[float, float]]:
    """Return milliseconds of a transaction without and with the outbox, by what it does.

    They are of the processor: waiting for the disk differs more than the outbox costs.
    """
    engine = sa.create_engine(f"sqlite:///{folder / 'ledger.sqlite'}")
    upgrade(engine)
    keep_commits(engine)
    found: dict[str, dict[bool, list[float]]] = {}
    for turn in range(_TRANSACTIONS):
        told = bool(turn % 2)
        with LedgerSession(engine) as session:
            commit = Commit("main", f"{turn:040x}", "1.0", 1, "a subject", "Ann <a@b>")
            run = runs.start_run(session, "almanac", commit, Cause("poll", "", ""), float(turn))
            session.commit()
            number = run.id if run else 0
        for what, state in (("a run ends", RunState.PASSED), ("nothing to tell", None)):
            with LedgerSession(engine) as session:
                began = time.thread_time()
                if told:
                    collect(session, frozenset(ALL))
                row = session.get_one(Run, number)
                if state is None:
                    row.reason = f"changed {turn}"
                else:
                    transition(row, state, "bench", float(turn))
                session.commit()
                took = (time.thread_time() - began) * 1000
            found.setdefault(what, {False: [], True: []})[told].append(took)
    engine.dispose()
    return {
        what: (statistics.median(one[False]), statistics.median(one[True]))
        for what, one in found.items()
    }


# ---- a master that is killed


class Post:
    """A site that mails to one person, and its mail server."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.site = Site(folder / "site")
        settings = self.site.here / "pipeline.toml"
        settings.write_text(settings.read_text() + _MAIL.format(port=self.port))
        self.taken = folder / "taken"
        self.server: subprocess.Popen[bytes] | None = None

    def serve(self, seconds: float) -> None:
        """Start the server, which is away after so many seconds for as long."""
        self.server = start_server(self.port, self.taken, seconds)

    def put(self, count: int) -> None:
        """Write notices to the outbox, as transactions do."""
        engine = self.site.database()
        rows = [
            {"key": f"bench-{one}", "event": "disk-low", "at": time.time(), "facts": {}}
            | {"project": "", "subject": ""}
            for one in range(count)
        ]
        with engine.begin() as connection:
            for first in range(0, count, _BATCH):
                connection.execute(sa.insert(OutboxNotice), rows[first : first + _BATCH])
        engine.dispose()

    def open(self) -> int:
        """Return how many notices are not sent yet."""
        engine = self.site.database()
        with engine.connect() as connection:
            told = sa.select(sa.func.count()).select_from(OutboxNotice)
            sent = sa.select(sa.func.count()).select_from(Delivery)
            all_, done = told, sent.where(Delivery.state == "sent")
            left = connection.execute(all_).scalar_one() - connection.execute(done).scalar_one()
        engine.dispose()
        return left

    def keys(self) -> list[tuple[float, str]]:
        """Return when the server took which key."""
        lines = self.taken.read_text().splitlines() if self.taken.exists() else []
        return [(float(one.split()[0]), one.split()[1]) for one in lines]

    def end(self) -> None:
        """End the server."""
        if self.server is not None:
            self.server.kill()
            self.server.wait()


def through(folder: Path, count: int, kills: int) -> dict[str, float]:
    """Send notices through a server that is away half of the time, and kill the master."""
    post = Post(folder)
    idle, _ = post.site.start()
    time.sleep(_SETTLED)
    before = psutil.Process(idle.pid).memory_info().rss / 1e6
    idle.terminate()
    idle.wait(60)
    post.put(count)
    post.serve(AWAY)
    chance = random.Random(7)
    killed, most_memory, began = 0, 0.0, time.monotonic()
    try:
        while True:
            process, _ = post.site.start()
            here = psutil.Process(process.pid)
            end = time.monotonic() + chance.uniform(0.5, 4.0)
            is_last = killed >= kills
            while (is_last or time.monotonic() < end) and post.open():
                most_memory = max(most_memory, here.memory_info().rss / 1e6)
                time.sleep(0.2)
            if is_last or not post.open():
                process.send_signal(signal.SIGTERM)
                process.wait(60)
                break
            process.kill()
            process.wait()
            killed += 1
        keys = post.keys()
    finally:
        post.end()
    counts = Counter(key for _, key in keys)
    seconds = Counter(int(at) for at, _ in keys)
    return {
        "sent": len(counts),
        "lost": count - len(counts),
        "doubled": sum(one - 1 for one in counts.values()),
        "kills": killed,
        "a second, while it is there (best 5 s)": statistics.mean(sorted(seconds.values())[-5:]),
        "more memory than idle, MB": most_memory - before,
        "seconds": time.monotonic() - began,
    }


def main() -> None:
    """Measure and print the tables."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    kills = int(sys.argv[2]) if len(sys.argv) > 2 else 20  # noqa: PLR2004
    console = Console(width=110)
    with tempfile.TemporaryDirectory(prefix="slipway-bench-") as folder:
        table = Table("a transaction", "without, ms", "with, ms", "more, ms", box=None)
        for what, (without, with_) in transactions(Path(folder)).items():
            table.add_row(what, f"{without:.2f}", f"{with_:.2f}", f"{with_ - without:.2f}")
        console.print(table)
        waits = measure(Path(folder) / "runs", _RUNS)
        table = Table("from a run's end to the mail", "median, s", box=None)
        table.add_row("slipway", f"{waits[OURS]:.3f}")
        table.add_row("Buildbot's MailNotifier", f"{waits[THEIRS]:.3f}")
        console.print(table)
        found = through(Path(folder), count, kills)
        table = Table(f"{count:,} notices", "", box=None)
        for what, value in found.items():
            table.add_row(what, f"{value:,.0f}")
        console.print(table)


if __name__ == "__main__":
    alone(main)
