"""`slipway token`: manage API tokens, on the master's machine, in the ledger itself."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from typing import Any, TypeVar

from rich.table import Table
from sqlalchemy import create_engine
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

from slipway.cli.lib.ledger_listing import moment
from slipway.cli.lib.person import who
from slipway.cli.lib.running_site import running_site
from slipway.cli.lib.terminal import terminal
from slipway.cli.remote.client import Remote
from slipway.cli.remote.lists import elsewhere, record_of
from slipway.cli.remote.words import print_json, print_table, say
from slipway.ledger import tokens
from slipway.ledger.database.migrate import upgrade
from slipway.ledger.database.session import LedgerSession
from slipway.ledger.database.sqlite_wal import keep_commits
from slipway.ledger.queries import open_ledger
from slipway.model.access import held
from slipway.model.errors import PASSED, MissingTool, WrongInput
from slipway.model.people import ADMIN
from slipway.model.records.token import TokenRecord
from slipway.model.site import Site
from slipway.model.spelling import did_you_mean
from slipway.scripts.terminal_text import escape
from slipway.state_folder import Home

__all__ = ["run"]

T = TypeVar("T")


def run(options: argparse.Namespace) -> int:
    """Create, list or revoke tokens."""
    if elsewhere(options):
        with Remote(options) as master:
            return _REMOTE[options.what](master, options)
    site = running_site(options)
    url = Home.beside(options.config).database_url(site)
    if options.what == "create":
        return _create(site, url, options)
    return _list(url, options) if options.what == "list" else _revoke(url, options)


def _create(site: Site, url: str, options: argparse.Namespace) -> int:
    roles = _roles(site, options.person, options.role)
    made, text = _in_ledger(
        url,
        lambda session: tokens.create(
            session, options.person, options.name, roles, options.days, who()
        ),
    )
    return _print_new(made, text, as_json=options.json)


def _print_new(made: TokenRecord, text: str, *, as_json: bool) -> int:
    if as_json:
        print_json({"token": text, **_facts(made)})
        return PASSED
    # The token alone on the standard output, so that a script can capture it.
    terminal().print(text, markup=False)
    print(  # noqa: T201
        f"token {made.id} of {made.person}, {', '.join(made.roles)}, until "
        f"{moment(made.expires_at)}; it is shown this once",
        file=sys.stderr,
    )
    return PASSED


def _facts(one: TokenRecord) -> dict[str, Any]:
    return {**one.model_dump(), "state": one.state_at(time.time())}


def _roles(site: Site, person: str, asked: list[str] | None) -> list[str]:
    """Return a token's roles: all roles of its person, or the requested ones of them."""
    if person == ADMIN:
        has = ["admin"]
    elif person in site.people:
        has = list(site.people[person].roles)
    else:
        known = ", ".join([ADMIN, *site.people])
        msg = f'--person "{person}" is not in pipeline.toml; there are {known}.'
        raise WrongInput(msg + did_you_mean(person, [ADMIN, *site.people]))
    above = sorted(set(asked or []) - held(has))
    if above:
        msg = f'--role "{above[0]}": {person} has {", ".join(sorted(held(has))) or "no role"}'
        raise WrongInput(msg)
    return asked or has


def _list(url: str, options: argparse.Namespace) -> int:
    found = _in_ledger(url, lambda session: tokens.list_tokens(session, options.person))
    return _print_all(found, as_json=options.json)


def _print_all(found: list[TokenRecord], *, as_json: bool) -> int:
    if as_json:
        print_json([_facts(one) for one in found])
        return PASSED
    table = Table(box=None, pad_edge=False)
    for title in ("id", "person", "name", "roles", "state", "until", "last used"):
        table.add_column(title, no_wrap=True)
    now = time.time()
    for one in found:
        cells = (one.person, one.name, ", ".join(one.roles), one.state_at(now))
        dates = (moment(one.expires_at), moment(one.last_used_at))
        table.add_row(str(one.id), *(escape(cell) for cell in cells), *dates)
    print_table(table, found, "no tokens; make one: slipway token create")
    return PASSED


def _revoke(url: str, options: argparse.Namespace) -> int:
    revoked = _in_ledger(url, lambda session: tokens.revoke(session, options.id))
    return _print_revoked(revoked, as_json=options.json)


def _print_revoked(revoked: TokenRecord, *, as_json: bool) -> int:
    sentence = f'token {revoked.id} of {revoked.person} ("{revoked.name}") is revoked'
    say(sentence, _facts(revoked), as_json=as_json)
    return PASSED


def _create_there(master: Remote, options: argparse.Namespace) -> int:
    me = master.get("me")["name"]
    if options.person != me:
        msg = f'--person "{options.person}": the master knows you as {me}; make tokens of your own'
        raise WrongInput(msg)
    asked = {"name": options.name, "roles": options.role or [], "days": options.days}
    made = master.post("tokens", **asked)
    return _print_new(_record(made["item"]), made["token"], as_json=options.json)


def _list_there(master: Remote, options: argparse.Namespace) -> int:
    found = [_record(one) for one in master.get("tokens")["items"]]
    wanted = [one for one in found if options.person in {None, one.person}]
    return _print_all(wanted, as_json=options.json)


def _revoke_there(master: Remote, options: argparse.Namespace) -> int:
    return _print_revoked(_record(master.post(f"tokens/{options.id}/revoke")), as_json=options.json)


def _record(answer: dict[str, Any]) -> TokenRecord:
    return record_of(TokenRecord, answer)


_REMOTE = {"create": _create_there, "list": _list_there, "revoke": _revoke_there}


def _in_ledger(url: str, work: Callable[[Session], T]) -> T:
    """Run a function in one transaction on the ledger.

    Raises:
        MissingTool: There is no ledger yet, or it cannot be written to.
    """
    reading = open_ledger(url)
    if reading is None:
        msg = "there is no ledger yet; start the site once: slipway up"
        raise MissingTool(msg)
    reading.dispose()
    options = {"timeout": 30} if url.startswith("sqlite") else {}
    engine = create_engine(url, connect_args=options)
    keep_commits(engine)
    try:
        upgrade(engine)
        with LedgerSession(engine) as session:
            session.info["actor"] = who()
            found = work(session)
            session.commit()
            return found
    except DatabaseError as error:
        why = str(error.orig).strip().splitlines()[0]
        msg = f"the ledger cannot be used: {why}"
        raise MissingTool(msg) from None
    finally:
        engine.dispose()
