"""Parse the commands that open gates: gate, deploy, rollback."""

from __future__ import annotations

from slipway.cli.parsing.reader import (
    Commands,
    Reader,
    add_master,
    add_project,
    add_timeout,
    add_waiting,
    positive,
)

__all__ = ["add_commands"]


def add_commands(commands: Commands) -> None:
    """Add the commands to the parser."""
    gate = commands.add(
        "gate",
        "list, open, approve and reject gates",
        "List, show, open, approve and reject the gates of runs, or freeze a project's.",
        "slipway gate list\nslipway gate open 5 --set reason=fair",
    )
    whats = gate.commands("what", "WHAT")
    _gates(whats)
    _freezing(whats)
    deploy = commands.add(
        "deploy",
        "open the gate of a deployment",
        "Bring the release of a run to an environment, through the gate before it, and wait until "
        "it is there.",
        "slipway deploy staging --run 7 --set reason=fair",
    )
    deploy.add_argument("environment", metavar="ENVIRONMENT", help="where to")
    deploy.add_argument("--run", type=positive, metavar="N", help="the run (default: the newest)")
    back = commands.add(
        "rollback",
        "bring an older release back to an environment",
        "Bring an older release back to an environment, through the gate before it, and wait until "
        "it is there.",
        "slipway rollback production --to 1.4.0+6 --set reason=broken",
    )
    back.add_argument("environment", metavar="ENVIRONMENT", help="where to")
    back.add_argument(
        "--to", metavar="VERSION", help="a version or a run (default: what was there before)"
    )
    for command in (deploy, back):
        _answers(command)
        add_waiting(command)
        add_project(command)
        add_master(command)


def _gates(whats: Commands) -> None:
    listing = whats.add(
        "list",
        "list the gates that wait",
        "List the gates that wait for a person, and what for.",
        "slipway gate list --all --project demo",
    )
    listing.add_argument("--all", action="store_true", help="also those that are decided")
    add_project(listing, among=True)
    show = whats.add(
        "show",
        "show what a gate asks, waits for and would deploy",
        "Show what a gate asks, what it waits for, and what exactly it would deploy.",
        "slipway gate show 5",
    )
    opening = whats.add(
        "open",
        "open a gate, or ask others to approve it",
        "Open a gate with answers to what it asks, or ask others to approve that it opens. "
        "Wait for what becomes of the stage behind it.",
        'slipway gate open 5 --set reason=fair --comment "as agreed"',
    )
    _answers(opening)
    opening.add_argument(
        "--anew",
        action="store_true",
        help="replace what is asked and not approved yet; what was approved of it is void",
    )
    wait = whats.add(
        "wait",
        "wait for what becomes of a gate",
        "Wait for what becomes of a gate that was asked for or opened, and of the stage behind it.",
        "slipway gate wait 5 --timeout 2h",
    )
    add_timeout(wait)
    wait.set_defaults(no_wait=False)
    approve = whats.add(
        "approve",
        "approve the current request of a gate",
        "Approve the current request of a gate. Wait for the result of the stage behind it.",
        "slipway gate approve 5",
    )
    approve.add_argument("--comment", default="", metavar="TEXT", help="a few words")
    approve.add_argument(
        "--asking",
        metavar="NAME",
        help="what you approve, as gate show prints it (default: the current request)",
    )
    reject = whats.add(
        "reject",
        "say no",
        "Say no: the stage behind the gate does not run.",
        'slipway gate reject 5 --comment "not before the holidays"',
    )
    reject.add_argument("--comment", required=True, metavar="TEXT", help="why")
    for command in (show, opening, wait, approve, reject):
        command.add_argument("id", type=positive, metavar="ID", help="its number in the list")
    for command in (listing, show, opening, wait, approve, reject):
        add_master(command)
    for command in (opening, approve):
        add_waiting(command)


def _freezing(whats: Commands) -> None:
    freeze = whats.add(
        "freeze",
        "let no gate of a project open",
        "Let no gate of a project open until it is thawed.",
        'slipway gate freeze --project demo --reason "the fair"',
    )
    freeze.add_argument("--reason", required=True, metavar="TEXT", help="why")
    thaw = whats.add(
        "thaw",
        "let the gates of a project open again",
        "Let the gates of a project open again; what was approved meanwhile starts.",
        "slipway gate thaw --project demo",
    )
    for command in (freeze, thaw):
        add_project(command)
        add_master(command)


def _answers(command: Reader) -> None:
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
