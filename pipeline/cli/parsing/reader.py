"""Common base of all commands' parsers: errors with their own usage, and shared options."""

from __future__ import annotations

import argparse
import textwrap
from pathlib import Path
from typing import Any

from slipway.model.spelling import did_you_mean

__all__ = [
    "Commands",
    "Reader",
    "add_config",
    "add_json",
    "add_limit",
    "add_master",
    "add_project",
    "add_timeout",
    "add_waiting",
    "number",
    "positive",
]

_WIDTH = 78


class Reader(argparse.ArgumentParser):
    """An argument parser that suggests corrections of mistyped words."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        # Of nested commands the innermost parser wins: its usage and help are to be shown.
        self.set_defaults(reader=self)

    def commands(self, dest: str, metavar: str) -> Commands:
        """Add subcommands; without a subcommand, help is shown."""
        return Commands(self.add_subparsers(dest=dest, metavar=metavar, parser_class=Reader))

    def refuse_rest(self, rest: list[str]) -> None:
        """Report a left-over word as an error."""
        word = rest[0].partition("=")[0]
        if not word.startswith("-"):
            self.error(f'"{word}" is too much here')
        known = [option for action in self._actions for option in action.option_strings]
        self.error(f"there is no option {word}.{did_you_mean(word, known)}")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        # Overridden because argparse builds its own message here and has no other hook for it.
        if action.choices is not None and value not in action.choices:
            known = [str(one) for one in action.choices]
            sentence = f'"{value}" is none; there are {", ".join(known)}.'
            raise argparse.ArgumentError(action, sentence + did_you_mean(str(value), known))


class Commands:
    """The subcommands of a parser."""

    def __init__(self, group: argparse._SubParsersAction[Reader]) -> None:
        self._group = group

    def add(self, name: str, short: str, says: str, example: str, **options: Any) -> Reader:
        """Add a command.

        Args:
            name: Its name.
            short: A short description for the list of commands.
            says: A description of one or two sentences for its own help.
            example: Example commands, one per line.
            options: Further arguments of the parser.
        """
        lines = example.splitlines()
        heading = "example" if len(lines) == 1 else "examples"
        epilog = "\n".join([f"{heading}:", *(f"  {line}" for line in lines)])
        return self._group.add_parser(
            name,
            help=short,
            # Examples keep their line breaks; only the sentence is wrapped.
            description=textwrap.fill(says, _WIDTH),
            epilog=epilog,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            **options,
        )


def positive(text: str) -> int:
    """Parse a whole number from 1 on."""
    if not text.isdecimal() or int(text) < 1:
        msg = f'"{text}" is no whole number from 1 on'
        raise argparse.ArgumentTypeError(msg)
    return int(text)


def number(text: str) -> float:
    """Parse a number."""
    try:
        return float(text)
    except ValueError:
        msg = f'"{text}" is no number'
        raise argparse.ArgumentTypeError(msg) from None


def add_config(command: Reader) -> None:
    """Add --config."""
    command.add_argument(
        "--config",
        type=Path,
        default=Path("pipeline.toml"),
        metavar="FILE",
        help="the site's file (default: pipeline.toml in this folder)",
    )


def add_project(command: Reader, *, among: bool = False) -> None:
    """Add --project.

    Args:
        command: Its parser.
        among: True: without the option, all projects are selected.
    """
    explanation = "one project; else all" if among else "the project, where there are several"
    command.add_argument("--project", metavar="NAME", help=explanation)


def add_json(command: Reader) -> None:
    """Add --json."""
    command.add_argument("--json", action="store_true", help="print JSON")


def add_limit(command: Reader) -> None:
    """Add --limit."""
    command.add_argument("--limit", type=positive, default=20, metavar="N", help="at most N")


def add_waiting(command: Reader) -> None:
    """Add the options for waiting: whether, and how long."""
    command.add_argument("--no-wait", action="store_true", help="end at once, not with the outcome")
    add_timeout(command)


def add_timeout(command: Reader) -> None:
    """Add the option for the maximum waiting time."""
    command.add_argument(
        "--timeout",
        type=_duration,
        metavar="TIME",
        help="wait so long at most, for people, too; such as 90s or 2h (default: until it is over "
        "or waits for people)",
    )


def _duration(text: str) -> int:
    # Imported late: it loads pydantic, which most commands start without.
    from slipway.model.duration import parse_duration

    try:
        return parse_duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def add_master(command: Reader, *, json: bool = True) -> None:
    """Add the options for the master's URL, the token and JSON output.

    Args:
        command: Its parser.
        json: False: the command has its own --json.
    """
    if json:
        add_json(command)
    command.add_argument(
        "--url", metavar="URL", help="the master (default: $SLIPWAY_URL, else this site's)"
    )
    command.add_argument(
        "--token-file",
        type=Path,
        metavar="FILE",
        help="a file with a token (default: $SLIPWAY_TOKEN, else this machine's admin)",
    )
    add_config(command)
