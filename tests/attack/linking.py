"""The program of somebody hostile: puts links and worse in place of all that its worker may write.

    python linking.py STATE WORKER

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
for path in list(OWN.iterdir()):
    # The last: this very stage still runs in its own place.
    if path.name not in {"cache", "demo.spoil"}:
        instead(path, SECRET if path.is_file() else PEOPLE)
for name in ("tmp", "home", "info", "twistd.log", "buildbot.tac", "new"):
    instead(OWN / name, PEOPLE)
instead(OWN / "cache", PEOPLE)
print(sorted(path.name for path in OWN.iterdir() if path.is_symlink()))
