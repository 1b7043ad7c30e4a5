"""Parse the commands for notices: notify, outbox."""

from __future__ import annotations

from pathlib import Path

from slipway.cli.parsing.reader import (
    Commands,
    add_config,
    add_json,
    add_limit,
    add_master,
    positive,
)
from slipway.model.notices.delivery import DeliveryState
from slipway.model.notices.events import Event

__all__ = ["add_commands"]


def add_commands(commands: Commands) -> None:
    """Add the commands to the parser."""
    notify = commands.add(
        "notify",
        "try channels, see what notices look like, and set your rules",
        "Try the channels of pipeline.toml, see what a notice looks like, and set who is told.",
        "slipway notify test mail --person ann\n"
        "slipway notify preview run-failed --html failed.html\n"
        "slipway notify rules",
    )
    _notify(notify.commands("what", "WHAT"))
    outbox = commands.add(
        "outbox",
        "list notices on their way; send dead letters again",
        "List notices on their way and where they went; send dead letters again, or discard them.",
        "slipway outbox list --state dead\nslipway outbox resend 12 13",
    )
    _outbox(outbox.commands("what", "WHAT"))


def _notify(whats: Commands) -> None:
    test = whats.add(
        "test",
        "send one notice and say what the server answered",
        "Send one notice by a channel of pipeline.toml, past the outbox, and say what the server "
        "answered. Ends with 1 if it was not sent.",
        "slipway notify test mail --person ann",
    )
    test.add_argument("channel", metavar="CHANNEL", help="its name in [notify.NAME]")
    test.add_argument(
        "--person", metavar="NAME", help="whom to tell, for a channel that tells persons"
    )
    test.add_argument(
        "--event",
        choices=[one.value for one in Event],
        default=Event.TRIAL.value,
        metavar="EVENT",
        help="send this example",
    )
    add_json(test)
    add_config(test)
    preview = whats.add(
        "preview",
        "show an example of a notice",
        "Show an example of a notice in the terminal, and as a page.",
        "slipway notify preview run-failed --html failed.html",
    )
    events = [one.value for one in Event]
    preview.add_argument("event", choices=events, metavar="EVENT", help="such as run-failed")
    preview.add_argument("--html", type=Path, metavar="FILE", help="write it there as a page, too")
    add_json(preview)
    add_config(preview)
    rules = whats.add(
        "rules",
        "show or set a person's own rules",
        "Show a person's own rules, or set them: quiet hours, a digest, and what they are told of.",
        "slipway notify rules --person ann --quiet 22:00-07:00 --time-zone Europe/Berlin\n"
        "slipway notify rules --person ann --mute run-failed --channel mail",
    )
    rules.add_argument("--person", metavar="NAME", help="whose (default: who asks)")
    rules.add_argument("--quiet", metavar="HOURS", help='such as "22:00-07:00"; "" for none')
    rules.add_argument("--time-zone", metavar="ZONE", help="such as Europe/Berlin")
    what = rules.add_mutually_exclusive_group()
    what.add_argument("--tell", metavar="EVENT", action="append", help='be told; "all" for each')
    what.add_argument("--mute", metavar="EVENT", action="append", help="not be told")
    rules.add_argument("--channel", default="", metavar="NAME", help="by this channel alone")
    rules.add_argument("--project", default="", metavar="NAME", help="of this project alone")
    rules.add_argument("--branch", default="", metavar="NAME", help="of this branch alone")
    rules.add_argument("--digest", default="", choices=["", "day", "week"], help="gather them")
    rules.add_argument("--clear", action="store_true", help="take all rules away first")
    add_master(rules)


def _outbox(whats: Commands) -> None:
    listing = whats.add(
        "list",
        "list notices on their way, newest first",
        "List notices on their way and where they went, newest first.",
        "slipway outbox list --state dead",
    )
    listing.add_argument(
        "--state",
        choices=[one.value for one in DeliveryState],
        metavar="STATE",
        help=", ".join(DeliveryState),
    )
    listing.add_argument("--channel", metavar="NAME", help="by this channel alone")
    listing.add_argument("--person", metavar="NAME", help="to this person alone")
    add_limit(listing)
    show = whats.add(
        "show",
        "show one, as its channel gets it",
        "Show a notice on its way, as its channel gets it.",
        "slipway outbox show 12",
    )
    show.add_argument("id", type=positive, metavar="ID", help="its number in the list")
    resend = whats.add(
        "resend",
        "send dead letters again, and what waits now",
        "Send dead letters again, and now what waits for its next try.",
        "slipway outbox resend 12 13\nslipway outbox resend --all-dead",
    )
    discard = whats.add(
        "discard",
        "end notices without sending them",
        "End notices that wait, or are dead letters, without sending them.",
        "slipway outbox discard 12",
    )
    for what in (resend, discard):
        which = what.add_mutually_exclusive_group(required=True)
        which.add_argument(
            "id", type=positive, nargs="*", default=[], metavar="ID", help="their numbers"
        )
        which.add_argument("--all-dead", action="store_true", help="all dead letters")
    for what in (listing, show, resend, discard):
        add_master(what)
