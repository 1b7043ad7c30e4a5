"""Parse the commands that set up a machine: worker, example."""

from __future__ import annotations

from pathlib import Path

from slipway.cli.parsing.reader import Commands

__all__ = ["add_commands"]


def add_commands(commands: Commands) -> None:
    """Add the commands to the parser."""
    worker = commands.add(
        "worker",
        "set up a worker of another machine's master",
        "Write the files of a worker that connects to a master on another machine.",
        "slipway worker /srv/w --name win1 --master ci.example.org:9989 --password-file secret "
        "--fingerprint sha256:...",
    )
    worker.add_argument("folder", type=Path, metavar="DIR", help="the worker's base folder")
    worker.add_argument("--name", required=True, help="its name in pipeline.toml")
    worker.add_argument("--master", required=True, metavar="HOST:PORT", help="the master")
    worker.add_argument(
        "--password-file", type=Path, required=True, metavar="FILE", help="mode 0600"
    )
    worker.add_argument(
        "--fingerprint",
        metavar="sha256:HEX",
        help="of the master's certificate, as `slipway up` prints it; without it the connection is "
        "plain TCP, to this machine alone",
    )
    example = commands.add(
        "example",
        "make a git repository of an example project",
        "Copy a project's folder and put the copy under git, where it is not there yet.",
        "slipway example examples/almanac .slipway/almanac",
    )
    example.add_argument("source", type=Path, metavar="DIR", help="the project's folder")
    example.add_argument("target", type=Path, metavar="REPOSITORY", help="the repository to make")
