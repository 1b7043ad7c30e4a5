"""Parse the commands for people: passwd, token."""

from __future__ import annotations

from slipway.cli.parsing.reader import Commands, add_master, number, positive

__all__ = ["add_commands"]


def add_commands(commands: Commands) -> None:
    """Add the commands to the parser."""
    passwd = commands.add(
        "passwd",
        "print a person's lines for pipeline.toml",
        "Print a person's lines for pipeline.toml, with the hash of a password that is asked for.",
        "slipway passwd ann",
    )
    passwd.add_argument("name", metavar="NAME", help="the name they sign in with")
    passwd.add_argument(
        "--stdin",
        action="store_true",
        help="take the password from the standard input's first line",
    )
    token = commands.add(
        "token",
        "make, list and revoke tokens for scripts",
        "Make, list and revoke tokens, with which scripts ask a master.",
        'slipway token create --person ann --name "nightly" --days 30\nslipway token list',
    )
    _tokens(token.commands("what", "WHAT"))


def _tokens(whats: Commands) -> None:
    create = whats.add(
        "create",
        "make a token and print it, once",
        "Make a token and print it on the standard output, once.",
        'slipway token create --person ann --name "nightly" --role developer --days 30',
    )
    create.add_argument("--person", required=True, metavar="NAME", help="whose it is")
    create.add_argument("--name", required=True, metavar="TEXT", help="what it is for")
    create.add_argument(
        "--role",
        action="append",
        metavar="ROLE",
        help="what it may do (default: all its person may)",
    )
    create.add_argument(
        "--days", type=number, default=90, metavar="N", help="how long it is good (default: 90)"
    )
    listing = whats.add(
        "list",
        "list tokens, without what they say",
        "List tokens, newest first, without what they say.",
        "slipway token list --person ann",
    )
    listing.add_argument("--person", metavar="NAME", help="one person's; else all")
    revoke = whats.add(
        "revoke",
        "make a token worthless",
        "Make a token worthless at once.",
        "slipway token revoke 3",
    )
    revoke.add_argument("id", type=positive, metavar="ID", help="its number in the list")
    for what in (create, listing, revoke):
        add_master(what)
