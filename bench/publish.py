"""Publishing: each target beside the tool that people would use else, in one run.

Run: .venv/bin/python bench/publish.py [ROUNDS] [--size MB] [--files N] [--target NAME ...]

`--kill` publishes 1,000 small files to a folder instead, killed (SIGKILL) at 50 random moments and
run again, while a reader polls every 10 ms: nothing may be lost, doubled or half seen.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from publishing.measuring import Measured, Way, measure
from publishing.releases import make_release
from rich.console import Console
from rich.table import Table

from tests.support.killed_publishers import kill_publishers

#: One module of bench/publishing for each target.
TARGETS = ("folder", "sftp", "webdav", "s3", "github", "gitlab", "pypi")
#: The most memory above the interpreter's, in bytes.
MEMORY = 64 << 20
FILES, KILLS = 1000, 50


def main() -> None:
    """Measure all ways in turn, some rounds, and show the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rounds", type=int, nargs="?", default=5)
    parser.add_argument("--size", type=int, default=200, help="megabytes of the release")
    parser.add_argument("--files", type=int, default=1, help="files of the release")
    parser.add_argument("--target", nargs="*", choices=TARGETS, default=TARGETS)
    parser.add_argument("--kill", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        scratch = Path(folder)
        if options.kill:
            sys.exit(_kill(scratch))
        size = options.size * 1_000_000 // options.files
        sizes = {f"part-{number}.bin": size for number in range(options.files)}
        release = make_release(scratch / "release", sizes)
        ways: list[Way] = []
        for name in options.target:
            module = importlib.import_module(f"publishing.{name}")
            ways += stack.enter_context(module.ways(scratch, release))
        found = {way.name: Measured() for way in ways}
        for _ in range(options.rounds):
            for way in ways:
                measure(way, found[way.name])
        sys.exit(_show(ways, found, release.size))


def _show(ways: list[Way], found: dict[str, Measured], size: int) -> int:
    """Print the table; return 1 if an aim was missed."""
    table = Table(title=f"a release of {size / 1e6:,.0f} MB, medians")
    for title in ("way", "s", "MB/s", "processor s", "memory MB", "of its rival", "aim"):
        table.add_column(title, justify="left" if title == "way" else "right")
    missed = 0
    for way in ways:
        one = found[way.name]
        seconds, memory = statistics.median(one.seconds), max(one.memory)
        ratio = statistics.median(found[way.rival].seconds) / seconds if way.rival else None
        is_slow = way.aim is not None and ratio is not None and ratio < way.aim
        is_large = way.rival is not None and memory > MEMORY
        missed |= is_slow or is_large
        table.add_row(
            way.name,
            f"{seconds:.3f}",
            f"{size / seconds / 1e6:,.0f}",
            f"{statistics.median(one.processor):.2f}",
            f"{'[red]' if is_large else ''}{memory / 1e6:.0f}",
            f"{'[red]' if is_slow else ''}{ratio:.2f}" if ratio else "",
            f"{way.aim:.2f}" if way.aim else "",
        )
    Console().print(table)
    return int(missed)


def _kill(scratch: Path) -> int:
    counted = kill_publishers(scratch, FILES, KILLS)
    bad = (counted.lost, counted.doubled, counted.half)
    print(
        f"{FILES} files: {counted.kills} publishers killed, {counted.published} releases whole in "
        f"the end; {counted.looks} looks of a reader: {len(counted.lost)} lost, "
        f"{len(counted.doubled)} doubled, {len(counted.half)} half seen"
    )
    for one in bad:
        print(*one[:5], sep="\n", end="")
    return int(any(bad))


if __name__ == "__main__":
    main()
