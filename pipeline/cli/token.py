"""`slipway token`: tokens for scripts, made on the master's machine, in the ledger itself."""

from __future__ import annotations

import argparse
import getpass
import sys
import time
from collections.abc import Callable
from typing import TypeVar

from rich.markup import escape
from rich.table import Table
from sqlalchemy import create_engine
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

from slipway.cli.listing import moment, show
from slipway.cli.terminal import terminal
from slipway.config import read
from slipway.home import Home
from slipway.ledger import tokens
from slipway.ledger.migrate import upgrade
from slipway.ledger.session import LedgerSession
from slipway.ledger.views import open_ledger
from slipway.model.access import held
from slipway.model.errors import MissingTool, WrongInput
from slipway.model.people import ADMIN
from slipway.model.site import Site
from slipway.model.spelling import did_you_mean

T = TypeVar("T")


def run(options: argparse.Namespace) -> int:
    """Make, list or revoke tokens."""
    site = read(options.config)
    url = Home.beside(options.config).database_url(site)
    if options.what == "create":
        return _create(site, url, options)
    return _list(url, options) if options.what == "list" else _revoke(url, options)


def _create(site: Site, url: str, options: argparse.Namespace) -> int:
    roles = _roles(site, options.person, options.role)
    made, text = _in_ledger(
        url,
        lambda session: tokens.create(
            session, options.person, options.name, roles, options.days, _actor()
        ),
    )
    # The token alone on the standard output: a script may take it from there.
    terminal().print(text, markup=False)
    print(  # noqa: T201
        f"token {made.id} of {made.person}, {', '.join(made.roles)}, until "
        f"{moment(made.expires_at)}; it is shown this once",
        file=sys.stderr,
    )
    return 0


def _roles(site: Site, person: str, asked: list[str] | None) -> list[str]:
    """Return what a token shall be allowed: all that its person is, or some of it."""
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
    table = Table(box=None, pad_edge=False)
    for title in ("id", "person", "name", "roles", "state", "until", "last used"):
        table.add_column(title, no_wrap=True)
    now = time.time()
    for one in found:
        cells = (one.person, one.name, ", ".join(one.roles), one.state(now))
        dates = (moment(one.expires_at), moment(one.last_used_at))
        table.add_row(str(one.id), *(escape(cell) for cell in cells), *dates)
    nothing = "no tokens; make one: slipway token create"
    return show(found, table, as_json=options.json, nothing=nothing)


def _revoke(url: str, options: argparse.Namespace) -> int:
    gone = _in_ledger(url, lambda session: tokens.revoke(session, options.id))
    told = f'token {gone.id} of {gone.person} ("{gone.name}") is revoked'
    terminal().print(told, markup=False)
    return 0


def _actor() -> str:
    try:
        return f"{getpass.getuser()} on the master's machine"
    except (KeyError, OSError):
        return "somebody on the master's machine"


def _in_ledger(url: str, work: Callable[[Session], T]) -> T:
    """Do something in one transaction on the ledger.

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
    try:
        upgrade(engine)
        with LedgerSession(engine) as session:
            session.info["actor"] = _actor()
            found = work(session)
            session.commit()
            return found
    except DatabaseError as error:
        why = str(error.orig).strip().splitlines()[0]
        msg = f"the ledger cannot be used: {why}"
        raise MissingTool(msg) from None
    finally:
        engine.dispose()
