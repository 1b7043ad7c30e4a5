"""Whoever is killed, whenever: `current` is a whole release, and the next deployment works."""

import contextlib
import random
import signal
import subprocess
import sys
import time

import psutil
import pytest

KILLS = 32
FILES = {f"lib/{number:03d}/data": f"{number}" * 400 for number in range(150)}


def start(job, folder):
    settings = folder / "job.json"
    settings.write_text(job.model_dump_json(by_alias=True), "utf-8")
    argv = [sys.executable, "-m", "slipway.cli", "stage", "deploy", "--settings", str(settings)]
    with (folder / "output.log").open("ab") as log:
        return subprocess.Popen(argv, cwd=folder, stdout=log, stderr=log, start_new_session=True)


def check_whole(place, files):
    """Look at what `current` is just now; it may be nothing, but never half."""
    with contextlib.suppress(FileNotFoundError):
        target = place / (place / "current").readlink()
        found = {
            path.relative_to(target).as_posix(): path.read_text("utf-8")
            for path in target.rglob("*")
            if path.is_file()
        }
        version = found.pop("version")
        found.pop("bin/app")
        assert target.name.startswith(f"{version}-")
        assert found == files, f"{version}: {len(found)} of {len(files)} files"


@pytest.mark.slow
def test_killed_at_any_point(make_job, make_release, place, tmp_path):
    releases = [make_release(f"1.0+{number}", FILES) for number in range(1, 4)]
    restart = [sys.executable, "-c", "import time; time.sleep(0.05)"]
    deployer = {"kind": "folder", "path": "place", "keep": 1, "restart": restart}
    began = time.monotonic()
    assert start(make_job(releases[0], deployer), tmp_path).wait() == 0
    whole = time.monotonic() - began
    chance = random.Random(7)
    died = 0
    for kill in range(KILLS):
        process = start(make_job(chance.choice(releases), deployer), tmp_path)
        tree = psutil.Process(process.pid)
        # The interpreter's own start is no deployment: the later two thirds are.
        time.sleep(chance.uniform(whole * 0.3, whole * 1.05))
        with contextlib.suppress(psutil.Error):
            # Its children at once, or it alone: then they find out by themselves.
            children = tree.children(recursive=True) if kill % 2 else []
            for one in [tree, *children]:
                one.kill()
        killed = process.wait() == -signal.SIGKILL
        died += killed
        # The first may have been slow on a busy machine.
        whole *= 1 if killed else 0.9
        check_whole(place, FILES)
    assert died >= KILLS // 2
    last = start(make_job(releases[2], deployer), tmp_path)
    assert last.wait() == 0, (tmp_path / "output.log").read_text("utf-8")[-2000:]
    assert (place / "current" / "version").read_text() == "1.0+3"
    check_whole(place, FILES)
    assert not list(place.rglob(".*.part"))


@pytest.mark.slow
def test_told_to_stop_in_the_middle(make_job, make_release, place, tmp_path):
    """A person who cancels gets the release before, as after any other failure."""
    one, two = make_release("1.0+1"), make_release("1.0+2")
    deployer = {"kind": "folder", "path": "place"}
    assert start(make_job(one, deployer), tmp_path).wait() == 0
    mark = tmp_path / "begun"
    code = (
        "import os, pathlib, time\n"
        f"if os.environ['SLIPWAY_ROLLBACK'] == '0': pathlib.Path({str(mark)!r}).touch(); "
        "time.sleep(2)"
    )
    process = start(make_job(two, deployer | {"restart": [sys.executable, "-c", code]}), tmp_path)
    end = time.monotonic() + 20
    while not mark.exists() and time.monotonic() < end:
        time.sleep(0.02)
    assert (place / "current" / "version").read_text() == "1.0+2"
    process.terminate()
    assert process.wait() == 1
    assert (place / "current" / "version").read_text() == "1.0+1"
    assert "stopped from outside (SIGTERM)" in (tmp_path / "output.log").read_text("utf-8")
