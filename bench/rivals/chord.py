"""Celery's chord with results in SQL: the last task's end to the callback's start.

bench/join.py runs it in an environment of its own: python chord.py ROUNDS WIDTH. Prints JSON.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

APP = """
import time
from celery import Celery

app = Celery("bench", broker="sqla+sqlite:///{here}/broker.sqlite",
             backend="db+sqlite:///{here}/results.sqlite")

@app.task
def part(number):
    return time.time()

@app.task
def join(ended):
    return time.time() - max(ended)
"""


def main() -> None:
    """Measure and print."""
    rounds, width = int(sys.argv[1]), int(sys.argv[2])
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "bench_app.py").write_text(APP.format(here=folder))
        argv = [sys.executable, "-m", "celery", "-A", "bench_app", "worker", "--concurrency", "4"]
        with (Path(folder) / "log").open("wb") as log:
            worker = subprocess.Popen(argv, cwd=folder, stdout=log, stderr=log)
        sys.path.insert(0, folder)
        bench_app = __import__("bench_app")
        chord = __import__("celery").chord
        try:
            # The first one waits for the worker.
            found = []
            for _ in range(rounds + 1):
                asked = chord(bench_app.part.s(number) for number in range(width))(
                    bench_app.join.s()
                )
                found.append(asked.get(timeout=120, interval=0.05))
                time.sleep(0.5)
        finally:
            worker.terminate()
            worker.wait(30)
    print(json.dumps(found[1:]))


if __name__ == "__main__":
    main()
