"""Run a program as another user who sees this Python, wherever it lies: `as_user.py FOLDER ARGV`.

The folder becomes that user's. No test's own: some machines keep their Python in root's home.
"""

import os
import sys
from pathlib import Path

from slipway.workers.isolation import enclose, needs

#: Nobody's number, in the range of people.
USER = 54321


def main() -> None:
    folder, argv = Path(sys.argv[1]), sys.argv[2:]
    for top, names, files in os.walk(folder):
        for name in ("", *names, *files):
            os.chown(Path(top, name), USER, USER, follow_symlinks=False)
    order = {
        "user": USER,
        "group": USER,
        "parent": os.getppid(),
        "reads": [str(one) for one in needs._python()],
        "writes": [str(folder)],
        "keys": {},
    }
    enclose._enclose(order)
    enclose._become(order)
    os.chdir(folder)
    os.environ.update(HOME=str(folder / "people-home"), USER="tester")
    os.execv(argv[0], argv)  # noqa: S606  a list


if __name__ == "__main__":
    main()
