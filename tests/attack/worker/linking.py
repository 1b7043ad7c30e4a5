"""The program of somebody hostile: puts links and worse in place of all that its worker may write.

    python linking.py STATE WORKER [releases]

What is the master's, and root may follow them: to read, to write, to wait for ever.
"""

import contextlib
import os
import sys
from pathlib import Path

STATE, OWN = Path(sys.argv[1]), Path(sys.argv[1], "workers", sys.argv[2])
SECRET, PEOPLE = STATE / "admin-password", STATE / "people"
released = STATE / "releases" / "demo"


def instead(path, target):
    """Put a link in place of something."""
    with contextlib.suppress(OSError):
        path.rename(path.with_name(f".{path.name}.aside"))
    with contextlib.suppress(OSError):
        path.symlink_to(target)


def spoil_releases():
    for inner in sorted(released.glob("[0-9]*")):
        instead(inner / "release.json", "/dev/zero")
    for name in ("one", "two", "three"):
        (released / name).mkdir()
    os.mkfifo(released / "one" / "release.json")
    (released / "two" / "release.json").symlink_to("/dev/zero")
    (released / "three" / "release.json").symlink_to(SECRET)
    (released / "four").symlink_to(PEOPLE)
    os.mkfifo(released / "pipe")
    for name in (".lock", "index.html", "latest.json"):
        instead(released / name, SECRET)
    instead(released / "latest", "latest")


def spoil_own(folder):
    for path in list(folder.iterdir()):
        # This very stage's own place is among them.
        if path.name != "cache":
            instead(path, SECRET if path.is_file() else PEOPLE)
    for name in ("tmp", "home", "info", "twistd.log", "buildbot.tac", "new", "launcher.sock"):
        instead(folder / name, PEOPLE)
    instead(folder / "cache", PEOPLE)
    print(sorted(path.name for path in folder.iterdir() if path.is_symlink()))


# Where stages have users or rooms of their own, neither is this one's, or is there at all; then it
# has its tenant's folder.
with contextlib.suppress(PermissionError, FileNotFoundError):
    spoil_releases()
if len(sys.argv) > 3:
    sys.exit()
try:
    spoil_own(OWN)
except (PermissionError, FileNotFoundError):
    spoil_own(Path.cwd().parents[1])
