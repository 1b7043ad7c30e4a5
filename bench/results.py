"""A stage whose tests all fail: what 100,000 results of 3,700 characters cost the site.

One stage runs a unittest suite of so many failing tests on a real master and worker, while somebody
else asks for the list of runs every 50 ms.

- whole: from the stage's start to the end of its build, when every result is written down
- runner: of that, what the application's own unittest took; the rest is Slipway's
- processor: the seconds of it that the master used for this; what it needs to answer the other
  requests is taken off
- memory: the most the master held (RSS), above what it held before
- database: what the file and its write-ahead log grew
- another request: how long somebody else waited for the list of runs, the worst and the median;
  before: the same for ten seconds in which nothing ran, as other work on the machine has it
- pages: the stage's tests and the page Tests, once it has ended, with the size of the answer

Aims for 100,000: 30 s, 150 MB, nobody ever waits 0.3 s.
Run it: make bench, or python bench/results.py [TESTS...].
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import httpx
import psutil
from ending import alone
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.support.site import Site  # noqa: E402

API = "plugins/slipway/api/"
PATIENCE = 3600
IDLE = 10
TESTS = """
import unittest

TEXT = "\\n".join(f"line {{n}} of what was expected and was not there" for n in range(80))[:3500]

class Tests(unittest.TestCase):
    pass

def make(number):
    def test(self):
        self.fail(f"number {{number}}: {{TEXT}}")
    return test

for n in range({number}):
    setattr(Tests, f"test_that_number_{{n}}_is_as_it_should_be", make(n))
"""
STAGE = """
[project.demo.stages.tell]
uses = "tests"
timeout = "1h"
suites = [{ runner = "unittest", arguments = ["--quiet", "test_all"] }]
"""


@dataclass
class Watch:
    """Sample a running site from outside while the context lasts."""

    url: str
    master: psutil.Process
    anew: bool = False
    """True: each request has its own connection."""
    waited: list[float] = field(default_factory=list)
    memory: int = 0
    refused: int = 0
    _over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._threads = [threading.Thread(target=work) for work in (self._ask, self._weigh)]
        for one in self._threads:
            one.start()
        return self

    def _ask(self) -> None:
        limits = httpx.Limits(max_keepalive_connections=0 if self.anew else None)
        with httpx.Client(
            base_url=self.url, trust_env=False, timeout=PATIENCE, limits=limits
        ) as client:
            while not self._over.wait(0.05):
                began = time.perf_counter()
                try:
                    client.get(f"{API}runs").raise_for_status()
                except httpx.HTTPError:
                    self.refused += 1
                self.waited.append(time.perf_counter() - began)

    def _weigh(self) -> None:
        while not self._over.wait(0.1):
            self.memory = max(self.memory, self.master.memory_info().rss)

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for one in self._threads:
            one.join()


@dataclass
class Measured:
    """The cost of a stage."""

    whole: float
    runner: float
    processor: float
    memory: int
    database: int
    waited: list[float]
    before: list[float]
    pages: dict[str, tuple[float, int]]


def measure(number: int) -> Measured:
    """Run a stage of so many failing tests on a site of its own."""
    with tempfile.TemporaryDirectory(prefix="slipway-bench-") as folder:
        site = Site(Path(folder))
        site.make_repository()
        (site.repository / "test_all.py").write_text(TESTS.format(number=1))
        site.commit("one test")
        site.write(STAGE)
        try:
            site.up()
            site.wait_for_run(1)
            return _measure(site, number)
        finally:
            site.end_processes()


def _measure(site: Site, number: int) -> Measured:
    (site.repository / "test_all.py").write_text(TESTS.format(number=number))
    site.commit("many tests")
    tac = str(site.folder / "state/master/buildbot.tac")
    master = next(one for one in site.processes() if tac in one.cmdline())
    used = _used(master)
    with Watch(site.url, master) as idle:
        time.sleep(IDLE)
    each = (_used(master) - used) / len(idle.waited)
    before, size, used = master.memory_info().rss, _size(site), _used(master)
    with (
        Watch(site.url, master) as watch,
        httpx.Client(base_url=site.url, trust_env=False, timeout=PATIENCE) as client,
    ):
        site.run_slipway("poll")
        ended = _wait(client)
        used = _used(master) - used - each * len(watch.waited)
        grown = _size(site) - size
        attempt = client.get(f"{API}runs/demo/2").json()["stages"][0]["results"][0]["attempts"][0]
        pages = {
            name: _page(client, path)
            for name, path in (
                ("the stage's tests", f"{API}runs/demo/2/stages/tell/tests"),
                ("the page Tests", f"{API}tests"),
                ("the end of its log", f"{API}runs/demo/2/stages/tell/log"),
            )
        }
    if f"{number} of {number} tests failed" not in attempt["summary"]:
        sys.exit(f"the stage went wrong: {attempt['summary'][:500]}")
    if watch.refused:
        sys.exit(f"{watch.refused} other requests were refused")
    return Measured(
        whole=ended - attempt["started_at"],
        runner=attempt["facts"]["seconds"],
        processor=used,
        memory=watch.memory - before,
        database=grown,
        waited=watch.waited,
        before=idle.waited,
        pages=pages,
    )


def _wait(client: httpx.Client) -> float:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        answer = client.get("api/v2/builds/2")
        if answer.status_code == httpx.codes.OK and answer.json()["builds"][0]["complete"]:
            return time.time()
        time.sleep(0.2)
    sys.exit("the stage did not end")


def _page(client: httpx.Client, path: str) -> tuple[float, int]:
    began = time.perf_counter()
    answer = client.get(path).raise_for_status()
    return time.perf_counter() - began, len(answer.content)


def _used(master: psutil.Process) -> float:
    times = master.cpu_times()
    return float(times.user + times.system)


def _size(site: Site) -> int:
    return sum(one.stat().st_size for one in site.state.glob("state.sqlite*"))


def main(numbers: list[int]) -> None:
    """Measure and print."""
    measured = {number: measure(number) for number in numbers}
    table = Table("what", *(f"{number:,} tests" for number in numbers))

    def row(what: str, value: object) -> None:
        table.add_row(what, *(value(one) for one in measured.values()))  # type: ignore[operator]

    row("whole", lambda one: f"{one.whole:.1f} s")
    row("runner", lambda one: f"{one.runner:.1f} s")
    row("processor", lambda one: f"{one.processor:.1f} s")
    row("memory", lambda one: f"{one.memory / 1e6:.0f} MB")
    row("database", lambda one: f"{one.database / 1e6:.0f} MB")
    row("another request, worst", lambda one: f"{max(one.waited):.3f} s")
    row("another request, median", lambda one: f"{statistics.median(one.waited):.3f} s")
    row("the same before, worst", lambda one: f"{max(one.before):.3f} s")
    for name in next(iter(measured.values())).pages:
        row(name, lambda one, name=name: "{:.2f} s, {:,} bytes".format(*one.pages[name]))
    Console(width=100).print(table)


if __name__ == "__main__":
    alone(lambda: main([int(word) for word in sys.argv[1:]] or [1_000, 100_000]))
