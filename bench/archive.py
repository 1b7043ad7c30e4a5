"""Archives of a frozen application: ours beside `zip -6 -r` and `tar | zstd -T2 -10`.

Run: .venv/bin/python bench/archive.py [rounds]
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

from slipway.scripts.archives.pack import pack_tree, pack_zip

SIZE = 200_000_000
FILES = 600
#: As in a frozen PySide6 application: most bytes are in a few libraries, most files are small.
LARGE = 40
EPOCH = 1_700_000_000

Way = Callable[[Path, Path], None]


def ours_zip(tree: Path, target: Path) -> None:
    """Pack with slipway."""
    pack_zip(tree, target, epoch=EPOCH)


def ours_zst(tree: Path, target: Path) -> None:
    """Pack with slipway."""
    pack_tree(tree, target, epoch=EPOCH)


def info_zip(tree: Path, target: Path) -> None:
    """Pack with the zip command."""
    subprocess.run(["zip", "-6", "-r", "-q", target, tree.name], cwd=tree.parent, check=True)


def tar_zstd(tree: Path, target: Path) -> None:
    """Pack with the tar and zstd commands, as in a shell's pipe."""
    tar = subprocess.Popen(["tar", "-cf", "-", tree.name], cwd=tree.parent, stdout=subprocess.PIPE)
    subprocess.run(
        ["zstd", "-q", "-T2", "-10", "-o", target], stdin=tar.stdout, check=True, cwd=tree.parent
    )
    tar.wait()


#: Name, way, file name, the rival it is compared with, the most it may take of the rival's time.
WAYS: list[tuple[str, Way, str, str | None, float | None]] = [
    ("zip -6 -r", info_zip, "rival.zip", None, None),
    ("slipway pack_zip, level 6", ours_zip, "ours.zip", "zip -6 -r", 1.0),
    ("tar | zstd -T2 -10", tar_zstd, "rival.tar.zst", None, None),
    ("slipway pack_tree, level 10", ours_zst, "ours.tar.zst", "tar | zstd -T2 -10", 1.1),
]


def candidates() -> Iterator[Path]:
    """Find real binaries and sources on this machine, the same ones each time."""
    places = [Path(sys.prefix, "lib"), Path("/usr/lib")]
    for place in places:
        for folder, _, names in sorted(os.walk(place)):
            for name in sorted(names):
                path = Path(folder, name)
                if path.is_file() and not path.is_symlink():
                    yield path


def make_tree(folder: Path) -> tuple[int, int]:
    """Copy files until the tree looks like a frozen application; returns bytes and files."""
    folder.mkdir()
    found = list(candidates())
    large = [path for path in found if path.suffix == ".so" or ".so." in path.name]
    large.sort(key=lambda path: path.stat().st_size, reverse=True)
    small = [path for path in found if path.suffix in {".py", ".pyc"}][: FILES - LARGE]
    remaining = SIZE - sum(path.stat().st_size for path in small)
    taken = list(small)
    for path in large:
        if len(taken) < FILES and path.stat().st_size < remaining / 3:
            taken.append(path)
            remaining -= path.stat().st_size
    for number, path in enumerate(taken):
        target = folder / f"part{number % 20:02}" / f"{number:03}-{path.name}"
        target.parent.mkdir(exist_ok=True)
        shutil.copy(path, target)
    sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    return sum(sizes), len(sizes)


def measure(way: Way, tree: Path, target: Path) -> tuple[float, float]:
    """Return wall and CPU seconds of one go, in a process of its own."""
    target.unlink(missing_ok=True)
    os.sync()  # what the one before left to write must not be paid by this one
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.perf_counter()
    process = multiprocessing.get_context("fork").Process(target=way, args=(tree, target))
    process.start()
    process.join()
    wall = time.perf_counter() - begun
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if process.exitcode:
        sys.exit(f"{target.name} was not made")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, cpu


def main() -> None:
    """Measure all ways in turn, some rounds, and show the medians."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    missing = [tool for tool in ("zip", "zstd", "tar") if not shutil.which(tool)]
    if missing:
        sys.exit(
            f"{', '.join(missing)} is not on this machine: apt-get install {' '.join(missing)}"
        )
    with tempfile.TemporaryDirectory(prefix="slipway-bench-") as work:
        tree = Path(work, "almanac")
        size, files = make_tree(tree)
        taken: dict[str, list[tuple[float, float]]] = {name: [] for name, *_ in WAYS}
        for _ in range(rounds):
            for name, way, target, *_ in WAYS:
                taken[name].append(measure(way, tree, Path(work, target)))
        sizes = {name: Path(work, target).stat().st_size for name, _, target, *_ in WAYS}
    title = f"{size / 1e6:.0f} MB in {files} files, {os.cpu_count()} cores, medians of {rounds}"
    show(title, taken, sizes)


def show(title: str, taken: dict[str, list[tuple[float, float]]], sizes: dict[str, int]) -> None:
    """Print the table."""
    table = Table(title=title)
    table.add_column("archive")
    for column in ("wall s", "CPU s", "MB", "wall / rival", "aim"):
        table.add_column(column, justify="right")
    walls = {name: statistics.median(wall for wall, _ in goes) for name, goes in taken.items()}
    for name, _, _, rival, aim in WAYS:
        cpu = statistics.median(cpu for _, cpu in taken[name])
        row = [name, f"{walls[name]:.2f}", f"{cpu:.2f}", f"{sizes[name] / 1e6:.1f}"]
        if rival is not None and aim is not None:
            ratio = walls[name] / walls[rival]
            colour = "green" if ratio <= aim else "red"
            row += [f"[{colour}]{ratio:.2f}[/]", f"≤ {aim:.1f}"]
        table.add_row(*row)
    Console().print(table)


if __name__ == "__main__":
    main()
