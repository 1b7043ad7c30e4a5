"""The options of the commands that ask a master, here or elsewhere."""

from __future__ import annotations

import argparse
from pathlib import Path

_Commands = argparse._SubParsersAction  # noqa: SLF001  argparse has no other name for it


def add_commands(commands: _Commands[argparse.ArgumentParser]) -> None:
    """Add gate, deploy, rollback, environments, rerun and cancel."""
    _gate(commands)
    deploy = commands.add_parser("deploy", help="open the gate of a deployment")
    deploy.add_argument("environment", metavar="ENVIRONMENT", help="where to")
    deploy.add_argument("--run", type=_positive, metavar="N", help="the run (default: the newest)")
    back = commands.add_parser("rollback", help="bring an older release back to an environment")
    back.add_argument("environment", metavar="ENVIRONMENT", help="where to")
    back.add_argument(
        "--to", metavar="VERSION", help="a version or a run (default: what was there before)"
    )
    for command in (deploy, back):
        _answers(command)
        _project(command)
        _master(command)
    environments = commands.add_parser("environments", help="list what runs where")
    environments.add_argument("--json", action="store_true", help="print JSON")
    _project(environments)
    _master(environments)
    _again(commands)


def _gate(commands: _Commands[argparse.ArgumentParser]) -> None:
    gate = commands.add_parser("gate", help="list, open, approve and reject gates")
    whats = gate.add_subparsers(dest="what", metavar="WHAT", required=True)
    listing = whats.add_parser("list", help="list the gates that wait")
    listing.add_argument("--all", action="store_true", help="also those that are decided")
    listing.add_argument("--json", action="store_true", help="print JSON")
    show = whats.add_parser("show", help="show what a gate asks, waits for and would deploy")
    show.add_argument("--json", action="store_true", help="print JSON")
    opening = whats.add_parser("open", help="open a gate, or ask others to approve it")
    _answers(opening)
    approve = whats.add_parser("approve", help="approve what somebody asked of a gate")
    approve.add_argument("--comment", default="", metavar="TEXT", help="a few words")
    reject = whats.add_parser("reject", help="say no")
    reject.add_argument("--comment", required=True, metavar="TEXT", help="why")
    for command in (show, opening, approve, reject):
        command.add_argument("id", type=_positive, metavar="ID", help="its number in the list")
    freeze = whats.add_parser("freeze", help="let no gate of a project open")
    freeze.add_argument("--reason", required=True, metavar="TEXT", help="why")
    thaw = whats.add_parser("thaw", help="let the gates of a project open again")
    for command in (listing, freeze, thaw):
        _project(command)
    for command in (listing, show, opening, approve, reject, freeze, thaw):
        _master(command)


def _again(commands: _Commands[argparse.ArgumentParser]) -> None:
    rerun = commands.add_parser("rerun", help="run a run again, or a stage of it")
    cancel = commands.add_parser("cancel", help="cancel a run, or a stage of it")
    for command in (rerun, cancel):
        command.add_argument("run", type=_positive, metavar="N", help="the run's number")
        command.add_argument("stage", nargs="?", metavar="STAGE", help="that stage alone")
        command.add_argument("--cell", default="", metavar="NAME", help="that cell alone")
        command.add_argument("--reason", default="", metavar="TEXT", help="why")
        _project(command)
        _master(command)
    rerun.add_argument(
        "--from-here", action="store_true", help="also what waits for the stage, when it passes"
    )


def _answers(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="answer a parameter"
    )
    command.add_argument(
        "--secret-file",
        action="append",
        default=[],
        metavar="NAME=FILE",
        help="answer a secret with what a file holds",
    )
    command.add_argument("--comment", default="", metavar="TEXT", help="why")


def _project(command: argparse.ArgumentParser) -> None:
    command.add_argument("--project", metavar="NAME", help="the project, where there are several")


def _master(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--url", metavar="URL", help="the master (default: $SLIPWAY_URL, else this site's)"
    )
    command.add_argument(
        "--token-file",
        type=Path,
        metavar="FILE",
        help="a file with a token (default: $SLIPWAY_TOKEN, else this machine's admin)",
    )
    command.add_argument(
        "--config",
        type=Path,
        default=Path("pipeline.toml"),
        metavar="FILE",
        help="the site's file (default: pipeline.toml in this folder)",
    )


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        msg = f'"{text}" is no whole number from 1 on'
        raise argparse.ArgumentTypeError(msg)
    return int(text)
