"""Parse the commands that inspect one run: show, logs, download."""

from __future__ import annotations

from slipway.cli.parsing.reader import Commands, Reader, add_master, add_project, positive

__all__ = ["add_commands"]


def add_commands(commands: Commands) -> None:
    """Add the commands to the parser."""
    show = commands.add(
        "show",
        "show a run, whole",
        "Show a run: its stages, gates, artefacts, releases and deployments.",
        "slipway show 7",
    )
    _run(show)
    logs = commands.add(
        "logs",
        "print what a stage of a run has printed",
        "Print the log of a stage of a run, to its end, or with -f while it goes on.",
        "slipway logs 7 tests\nslipway logs 7 tests -f",
    )
    _run(logs)
    logs.add_argument("stage", metavar="STAGE", help="the stage")
    logs.add_argument("-f", "--follow", action="store_true", help="go on until the stage has ended")
    logs.add_argument("--lines", type=positive, metavar="N", help="the last N lines alone")
    logs.add_argument("--cell", metavar="NAME", help="a cell of it (default: the first)")
    logs.add_argument("--attempt", type=positive, metavar="N", help="default: the newest")
    download = commands.add(
        "download",
        "fetch an artefact of a run",
        "Fetch an artefact of a run, checked by its SHA-256 before it appears under its name.",
        "slipway download 7 demo-1.4.0+7-linux-x86_64.tar.zst -o /tmp/demo.tar.zst",
    )
    _run(download)
    download.add_argument("artefact", metavar="ARTEFACT", help="its name, as `slipway show` has it")
    download.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="the file or folder to write, - for the standard output "
        "(default: its own name, in this folder)",
    )
    download.add_argument("--force", action="store_true", help="overwrite what is there")
    download.add_argument("--stage", metavar="STAGE", help="where several stages left such a name")
    download.add_argument("--cell", metavar="NAME", help="where several of its cells did")


def _run(command: Reader) -> None:
    command.add_argument("run", type=positive, metavar="N", help="the run's number")
    add_project(command)
    add_master(command)
