"""Parse the commands that start and end runs: poll, trigger, rerun, cancel."""

from __future__ import annotations

from slipway.cli.parsing.reader import Commands, add_master, add_project, add_waiting, positive

__all__ = ["add_commands"]


def add_commands(commands: Commands) -> None:
    """Add the commands to the parser."""
    poll = commands.add(
        "poll",
        "look for new commits now",
        "Have the running master look for new commits now, and say what it found.",
        "slipway poll",
    )
    add_project(poll, among=True)
    add_master(poll)
    trigger = commands.add(
        "trigger",
        "start a run now, whether or not there is news",
        "Start a run of a branch's head or of one revision, whether or not there are new commits, "
        "and wait for its outcome.",
        'slipway trigger --revision v1.4 --reason "once more before the fair"',
    )
    add_project(trigger)
    trigger.add_argument(
        "--branch", metavar="NAME", help="the branch (default: the first that is no pattern)"
    )
    trigger.add_argument("--revision", metavar="REV", help="a commit or tag; else the head")
    trigger.add_argument(
        "--reason", default="the pipeline was started by hand", metavar="TEXT", help="why"
    )
    add_waiting(trigger)
    add_master(trigger)
    _again(commands)


def _again(commands: Commands) -> None:
    rerun = commands.add(
        "rerun",
        "run a run again, or a stage of it",
        "Start a new run of the revision that a run was about, or try one of its stages again, "
        "and wait for the outcome.",
        "slipway rerun 7\nslipway rerun 7 tests",
    )
    cancel = commands.add(
        "cancel",
        "cancel a run, or a stage of it",
        "End a run or a stage of it: what waits never starts, what runs is stopped.",
        'slipway cancel 7 --reason "a wrong branch"',
    )
    for command in (rerun, cancel):
        command.add_argument("run", type=positive, metavar="N", help="the run's number")
        command.add_argument("stage", nargs="?", metavar="STAGE", help="that stage alone")
        command.add_argument("--cell", default="", metavar="NAME", help="that cell alone")
        command.add_argument("--reason", default="", metavar="TEXT", help="why")
        add_project(command)
        add_master(command)
    add_waiting(rerun)
    rerun.add_argument(
        "--from-here", action="store_true", help="also what waits for the stage, when it passes"
    )
