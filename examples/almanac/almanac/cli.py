"""The command line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from almanac import __version__
from almanac.errors import AlmanacError, InvalidInputError

WRONG_INPUT = 2
FAILED = 1


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    parser = argparse.ArgumentParser(prog="almanac", description="An appointment book.")
    parser.add_argument("--version", action="version", version=f"almanac {__version__}")
    parser.add_argument(
        "--database",
        metavar="URL",
        help="the book's database; otherwise ALMANAC_DATABASE, otherwise a file of your own",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    _add_writing_commands(commands)
    _add_reading_commands(commands)
    _add_running_commands(commands)
    return parser


Commands = argparse._SubParsersAction  # its only name in argparse


def _add_writing_commands(commands: Commands[argparse.ArgumentParser]) -> None:
    person = commands.add_parser("add-person", help="add somebody to the book")
    person.add_argument("name")
    person.add_argument("email")
    person.add_argument("--phone", default="")
    person.add_argument("--born", default="", metavar="YYYY-MM-DD")
    add = commands.add_parser("add", help="add an appointment")
    add.add_argument("title")
    add.add_argument("--for", dest="person", required=True, metavar="EMAIL")
    add.add_argument("--on", dest="day", required=True, metavar="YYYY-MM-DD")
    add.add_argument("--from", dest="begins", required=True, metavar="HH:MM")
    add.add_argument("--to", dest="finishes", required=True, metavar="HH:MM")
    add.add_argument("--kind", default="visit")
    add.add_argument("--place", default="")
    add.add_argument("--fee", default="")


def _add_reading_commands(commands: Commands[argparse.ArgumentParser]) -> None:
    listing = commands.add_parser("list", help="show the appointments of a day, or from today on")
    listing.add_argument("--on", metavar="YYYY-MM-DD")
    history = commands.add_parser("history", help="show the latest changes")
    history.add_argument("--limit", type=int, default=20)


def _add_running_commands(commands: Commands[argparse.ArgumentParser]) -> None:
    commands.add_parser("upgrade", help="bring the database to this program's revision")
    serve = commands.add_parser("serve", help="serve the book as web pages")
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--port", type=int, default=8080)
    commands.add_parser("gui", help="show the book in a window")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code."""
    arguments = make_parser().parse_args(argv)
    try:
        from almanac import commands  # only now, so that --version and --help are quick

        return commands.run(arguments) or 0
    except InvalidInputError as error:
        print(f"almanac: {error}", file=sys.stderr)
        return WRONG_INPUT
    except AlmanacError as error:
        print(f"almanac: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return 130
