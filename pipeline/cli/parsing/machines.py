"""Parse the commands that set up a machine: worker, example."""

from __future__ import annotations

from pathlib import Path

from slipway.cli.parsing.reader import Commands, add_config, add_master

__all__ = ["add_commands"]


def add_commands(commands: Commands) -> None:
    """Add the commands to the parser."""
    worker = commands.add(
        "worker",
        "set up workers of other machines",
        "Make the bundle that sets a worker up on another machine, write the files of a worker "
        "on this one, or check a worker's machine.",
        "slipway worker new win1 --platform windows",
    )
    whats = worker.commands("what", "WHAT")
    _new_worker(whats)
    _worker_files(whats)
    _check_worker(whats)
    example = commands.add(
        "example",
        "make a git repository of an example project",
        "Copy a project's folder and put the copy under git, where it is not there yet.",
        "slipway example examples/almanac .slipway/almanac",
    )
    example.add_argument("source", type=Path, metavar="DIR", help="the project's folder")
    example.add_argument("target", type=Path, metavar="REPOSITORY", help="the repository to make")


def _new_worker(whats: Commands) -> None:
    new = whats.add(
        "new",
        "write the bundle that sets a worker up",
        "Write one file that sets a worker of this site up on another machine: Slipway itself, the "
        "worker's password, the master's address and the fingerprint of its certificate.",
        "slipway worker new win1 --platform windows\n"
        "slipway worker new build2 --platform linux --master releases.example.org",
    )
    new.add_argument("name", metavar="NAME", help="the worker in pipeline.toml")
    new.add_argument(
        "--platform", required=True, choices=("windows", "linux"), help="what its machine runs"
    )
    new.add_argument(
        "--master",
        metavar="HOST[:PORT]",
        help="where it connects to (default: worker-listen or the host of url, and worker-port)",
    )
    new.add_argument(
        "--output", type=Path, metavar="FILE", help="the file to write (default: NAME.zip)"
    )
    add_config(new)


def _worker_files(whats: Commands) -> None:
    files = whats.add(
        "setup",
        "write the files of a worker on this machine",
        "Write the files of a worker that connects to a master on another machine; something else "
        "has to start it.",
        "slipway worker setup /srv/w --name build2 --master ci.example.org:9989 "
        "--password-file secret --fingerprint sha256:...",
    )
    files.add_argument("folder", type=Path, metavar="DIR", help="the worker's base folder")
    files.add_argument("--name", required=True, help="its name in pipeline.toml")
    files.add_argument("--master", required=True, metavar="HOST:PORT", help="the master")
    files.add_argument(
        "--password-file", type=Path, required=True, metavar="FILE", help="mode 0600"
    )
    files.add_argument(
        "--fingerprint",
        metavar="sha256:HEX",
        help="of the master's certificate, as `slipway up` prints it; without it the connection is "
        "plain TCP, to this machine alone",
    )


def _check_worker(whats: Commands) -> None:
    check = whats.add(
        "check",
        "say what is right and wrong on a worker's machine",
        "Check a worker's machine, a line for each check, with what to do where something is "
        "wrong: on that machine by the worker's folder, or through the master by its name, while "
        "it is connected.",
        "slipway worker check /srv/slipway/build2\nslipway worker check --name win1",
    )
    check.add_argument(
        "folder", nargs="?", type=Path, metavar="DIR", help="its folder here (default: this one)"
    )
    check.add_argument("--name", metavar="NAME", help="a connected worker, asked by the master")
    add_master(check)
