"""Run what failed once more, with nothing beside it: `python -m tests.again PYTEST-ARGUMENT...`.

`make test` calls it when tests have failed: three files run side by side there, with browsers,
databases and whole sites in them, and whoever waits for one of those may wait too long on a busy
machine. A test that fails alone as well has failed. One that passes alone is named at the end: it
is to be looked into, and is no reason to hold a change back.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

#: pytest's own list, from the folder it was started in.
FAILED = Path(".pytest_cache", "v", "cache", "lastfailed")
#: Where more fail it is not the machine.
MOST = 10


def main(words: list[str]) -> int:
    """Run them again.

    Args:
        words: pytest's own arguments besides.

    Returns:
        The exit code: 0 all of them have passed now, 1 one has failed again or they are too many.
    """
    try:
        failed = sorted(json.loads(FAILED.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return 1
    if not 0 < len(failed) <= MOST:
        print(f"{len(failed)} tests have failed; up to {MOST} are tried once more, alone")
        return 1
    print(f"{len(failed)} failed; once more, with nothing beside them", flush=True)
    again = ["--last-failed", "--last-failed-no-failures", "none", *words]
    code = subprocess.run([sys.executable, "-m", "pytest", *again], check=False).returncode
    if code == 0:
        told = "\n".join(f"  {name}" for name in failed)
        print(f"failed beside others, and passed alone; look into it:\n{told}")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
