"""Evidence on the run's page: how long after it was made, and what 2,000 tests cost a stage.

- latency: a features stage whose scenarios fail one after the other, a second apart, each with a
  screenshot of 120,000 bytes; from the picture made in the step to the picture in the step's log,
  as Buildbot's REST API gives it (asked every 20 ms).
- tests: a stage of 2,000 tests beside one of a single test; from its start to the ledger's word
  that it has passed, when what waits for it starts, and from there to the end of its build.

Aims: a picture within 1 s; what 2,000 tests add to a build's end at most 1 s.
Run it: make bench, or python bench/evidence.py [ROUNDS].
"""

from __future__ import annotations

import re
import statistics
import sys
import tempfile
import time
from pathlib import Path

import httpx
from ending import alone
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.support.site import Site  # noqa: E402

SCENARIOS = 12
STEPS = """
import os, struct, time, zlib
from behave import given

def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

@given("picture {number:d}")
def picture(context, number):
    time.sleep(1)
    rows = b"".join(bytes(1) + os.urandom(600) for _ in range(200))
    png = bytes([137]) + b"PNG" + bytes([13, 10, 26, 10])
    png += chunk(b"IHDR", struct.pack(">IIBBBBB", 200, 200, 8, 2, 0, 0, 0))
    png += chunk(b"IDAT", zlib.compress(rows, 0)) + chunk(b"IEND", b"")
    made = time.time()
    context.attach("image/png", png)
    raise AssertionError(f"number {number} made at {made!r}.")
"""
TESTS = """
import unittest

class Tests(unittest.TestCase):
    pass

for n in range({number}):
    setattr(Tests, f"test_{{n}}", lambda self: None)
"""
STAGE = """
[project.demo.stages.tell]
uses = "tests"
suites = [{ runner = "unittest" }]
"""


def measure_latency() -> list[float]:
    """Return the seconds from each picture made to the same picture on the page."""
    with tempfile.TemporaryDirectory(prefix="slipway-bench-") as folder:
        site = Site(Path(folder))
        site.make_repository()
        steps = site.repository / "features" / "steps"
        steps.mkdir(parents=True)
        (steps / "all.py").write_text(STEPS)
        rows = "".join(f"  Scenario: s{n}\n    Given picture {n}\n" for n in range(SCENARIOS))
        (steps.parent / "a.feature").write_text(f"Feature: Pictures\n{rows}")
        site.commit("features")
        site.write('[project.demo.stages.features]\nuses = "features"\njobs = 1\n')
        try:
            site.up()
            return _watch(site)
        finally:
            site.end_processes()


def _watch(site: Site) -> list[float]:
    seen: dict[str, float] = {}
    with httpx.Client(base_url=site.url, trust_env=False, timeout=30) as client:
        end = time.monotonic() + 240
        while len(seen) < SCENARIOS and time.monotonic() < end:
            page = _page(client)
            now = time.time()
            whole = page.count('src="data:image/png')
            for number, made in re.findall(r"number (\d+) made at ([\d.]+)\.", page)[:whole]:
                seen.setdefault(number, now - float(made))
            time.sleep(0.02)
    return list(seen.values())


def _page(client: httpx.Client) -> str:
    answer = client.get("api/v2/builds/1/steps/features/logs/failures/contents")
    chunks = answer.json().get("logchunks", []) if answer.status_code == httpx.codes.OK else []
    return chunks[0]["content"] or "" if chunks else ""


def measure_tests(number: int) -> tuple[float, float]:
    """Return the seconds from a stage's end to its build's, and those of the stage itself."""
    with tempfile.TemporaryDirectory(prefix="slipway-bench-") as folder:
        site = Site(Path(folder))
        site.make_repository()
        (site.repository / "test_all.py").write_text(TESTS.format(number=number))
        site.commit("tests")
        site.write(STAGE)
        try:
            site.up()
            with httpx.Client(base_url=site.url, trust_env=False, timeout=30) as client:
                while not _complete(client):
                    time.sleep(0.02)
                ended = time.time()
                sets = client.get("api/v2/builds/1/test_result_sets").json()["test_result_sets"]
            run = site.wait_for_run(1)
            if run["state"] != "passed" or sum(one["tests_passed"] for one in sets) != number:
                sys.exit(f"the run or its tests went wrong: {run} {sets}")
            stage = run["stages"]["tell"]
            return ended - stage["finished_at"], stage["finished_at"] - stage["started_at"]
        finally:
            site.end_processes()


def _complete(client: httpx.Client) -> bool:
    answer = client.get("api/v2/builds/1")
    return answer.status_code == httpx.codes.OK and answer.json()["builds"][0]["complete"]


def main(rounds: int) -> None:
    """Measure and print."""
    table = Table("what", "median", "least to most", "aim")
    latency = [one for _ in range(rounds) for one in measure_latency()]
    _row(table, f"picture made to picture on the page, {len(latency)} times", latency, "1 s")
    for number in (1, 2000):
        found = [measure_tests(number) for _ in range(rounds)]
        _row(table, f"a stage of {number:,} tests", [one[1] for one in found], "")
        aim = "1 s" if number > 1 else ""
        _row(table, "from its end to its build's end", [one[0] for one in found], aim)
    Console().print(table)


def _row(table: Table, what: str, found: list[float], aim: str) -> None:
    measured = f"{min(found):.2f} to {max(found):.2f} s"
    table.add_row(what, f"{statistics.median(found):.2f} s", measured, aim)


if __name__ == "__main__":
    alone(lambda: main(int(sys.argv[1]) if len(sys.argv) > 1 else 3))
