"""Celery's chord: the last task's end to the callback's start.

bench/join.py runs it in an environment of its own: python chord.py sql|redis ROUNDS WIDTH SECONDS.
"sql": results and messages in SQLite, looked for every 50 ms instead of every second, Celery's
default for such a broker. "redis": both in a Redis of the bench's own. Prints JSON.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

APP = """
import time
from celery import Celery
from kombu.transport.sqlalchemy import Transport

Transport.polling_interval = 0.05
app = Celery("bench", broker={broker!r}, backend={backend!r})
app.conf.broker_connection_retry_on_startup = True

@app.task
def part(number):
    return time.time()

@app.task
def join(ended):
    return time.time() - max(ended)
"""


def main() -> None:
    """Measure and print."""
    way, rounds, width = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    until = time.monotonic() + float(sys.argv[4])
    with tempfile.TemporaryDirectory() as folder, _stores(way, folder) as places:
        (Path(folder) / "bench_app.py").write_text(APP.format(**places))
        argv = [sys.executable, "-m", "celery", "-A", "bench_app", "worker", "--concurrency", "4"]
        with (Path(folder) / "log").open("wb") as log:
            worker = subprocess.Popen(argv, cwd=folder, stdout=log, stderr=log)
        sys.path.insert(0, folder)
        try:
            found = _measure(rounds, width, until)
        finally:
            worker.terminate()
            worker.wait(30)
    print(json.dumps(found), flush=True)
    # Celery's client would look for the Redis that has ended, for minutes.
    os._exit(0)


def _measure(rounds: int, width: int, until: float) -> list[float]:
    bench_app = __import__("bench_app")
    chord = __import__("celery").chord
    found: list[float] = []
    # The first one waits for the worker.
    for number in range(rounds + 1):
        parts = (bench_app.part.s(one) for one in range(width))
        asked = chord(parts)(bench_app.join.s())
        took = float(asked.get(timeout=120, interval=0.05))
        if number:
            found.append(took)
        if found and time.monotonic() > until:
            break
        time.sleep(0.3)
    return found


@contextmanager
def _stores(way: str, folder: str) -> Iterator[dict[str, Any]]:
    if way == "sql":
        yield {
            "broker": f"sqla+sqlite:///{folder}/broker.sqlite",
            "backend": f"db+sqlite:///{folder}/results.sqlite",
        }
        return
    with socket.socket() as lease:
        lease.bind(("127.0.0.1", 0))
        port = int(lease.getsockname()[1])
    argv = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir", folder]
    argv += ["--save", "", "--appendonly", "no", "--daemonize", "no"]
    redis = subprocess.Popen(argv, stdout=subprocess.DEVNULL)
    try:
        _wait_for(port)
        url = f"redis://127.0.0.1:{port}/0"
        yield {"broker": url, "backend": url}
    finally:
        redis.terminate()
        redis.wait(20)


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    sys.exit("redis-server does not answer")


if __name__ == "__main__":
    main()
