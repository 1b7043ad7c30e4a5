"""Hold a PostgreSQL server until the standard input ends; its URL's parts go to the output.

Tests do stages in their own process, and a stage ends all that is below its process. What a whole
session needs must not be there: `started` has it as nobody's child.
"""

import contextlib
import json
import subprocess
import sys
from pathlib import Path

from slipway.scripts.postgresql import cluster

_START = (
    "import subprocess, sys;"
    "subprocess.Popen([sys.executable, '-m', 'tests.support.standing_server'])"
)


@contextlib.contextmanager
def started():
    """Yield a server that is below no process of the tests; it ends with this one at the latest."""
    with subprocess.Popen(
        [sys.executable, "-c", _START],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        process.wait()
        said = process.stdout.readline()
        assert said, "the PostgreSQL server has not started"
        yield cluster.Server(json.loads(said), cluster.find_programs())
        process.stdin.close()
        assert process.stdout.read() == "", "it ends when it has cleaned up"


def main():
    with cluster.started() as server:
        print(json.dumps(dict(server.base)), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
