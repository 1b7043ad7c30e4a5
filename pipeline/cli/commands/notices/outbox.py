"""`slipway outbox`."""

from __future__ import annotations

import argparse
from typing import Any

from rich.table import Table

from slipway.cli.lib.ledger_listing import moment
from slipway.cli.lib.terminal import terminal
from slipway.cli.remote.client import Remote
from slipway.cli.remote.words import print_json, print_table, say
from slipway.model.errors import PASSED, WrongInput
from slipway.model.notices.notice import Notice
from slipway.notifiers.rendering.text import as_text
from slipway.scripts.terminal_text import escape, plain

__all__ = ["run"]

_PAGE = 100
#: A request names at most so many deliveries.
_AT_ONCE = 500
_NOTHING = "there is nothing like that in the outbox"


def run(options: argparse.Namespace) -> int:
    """List, show, resend or discard notices on their way."""
    with Remote(options) as master:
        return _DO[options.what](master, options)


def _list(master: Remote, options: argparse.Namespace) -> int:
    found: list[dict[str, Any]] = []
    before = None
    while len(found) < options.limit:
        part = master.get(
            "outbox",
            state=options.state,
            channel=options.channel,
            person=options.person,
            limit=min(_PAGE, options.limit - len(found)),
            before=before,
        )
        found += part["items"]
        before = part["next"]
        if before is None:
            break
    if options.json:
        print_json(found)
    else:
        print_table(_table(found), found, _NOTHING)
    return PASSED


def _table(found: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in ("id", "state", "channel", "to", "notice", "when", "tries", "answer"):
        table.add_column(heading)
    for one in found:
        table.add_row(
            str(one["id"]),
            one["state"],
            escape(one["channel"]),
            escape(one["person"]) or "-",
            escape(one["title"]),
            moment(one["at"]),
            str(one["attempts"]),
            escape(one["text"]),
        )
    return table


def _show(master: Remote, options: argparse.Namespace) -> int:
    found = master.get(f"outbox/{options.id}")
    if options.json:
        print_json(found)
        return PASSED
    one = found["delivery"]
    to = f" to {one['person']}" if one["person"] else ""
    tries = f"after {one['attempts']} tries" if one["attempts"] else "not tried yet"
    lines = [f"delivery {one['id']} by {one['channel']}{to} is {one['state']}, {tries}"]
    lines += [one["text"]] if one["text"] else []
    if found["notice"]:
        lines += ["", as_text(Notice.model_validate(found["notice"])).rstrip()]
    terminal().print("\n".join(plain(line) if line else "" for line in lines), markup=False)
    return PASSED


def _change(master: Remote, options: argparse.Namespace) -> int:
    ids = options.id
    if options.all_dead:
        ids = [one["id"] for one in master.all("outbox", state="dead", limit=_PAGE)]
        if not ids:
            say("there is no dead letter", {"count": 0}, as_json=options.json)
            return PASSED
    if not ids:
        msg = "name the notices by their numbers in slipway outbox list, or say --all-dead"
        raise WrongInput(msg)
    count = 0
    for first in range(0, len(ids), _AT_ONCE):
        part = master.post(f"outbox/{options.what}", ids=ids[first : first + _AT_ONCE])
        count += part["count"]
    done = "are sent again" if options.what == "resend" else "were discarded"
    say(f"{count} {done}", {"count": count}, as_json=options.json)
    return PASSED


_DO = {"list": _list, "show": _show, "resend": _change, "discard": _change}
